// A name that is a mount point in another mount namespace only can be removed and replaced: the mounts go.
#include "../oracle.h"
#include <sys/mount.h>

static int mounted(pid_t p, const char *name) {
	char path[64], *text;
	snprintf(path, sizeof path, "/proc/%d/mountinfo", p);
	text = slurp(path);
	return text && strstr(text, name) != NULL;
}

int main(void) {
	static const char *dirs[] = {"a", "b", "c", "d", "d/in", "e", "g"};
	for (unsigned i = 0; i < COUNT(dirs); i++)
		must(mkdir(dirs[i], 0755));
	make("f", "f"), make("f2", "f2"), make("src", "source");
	must(unshare(CLONE_NEWNS)), must(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	struct gate up = gate_new(), go = gate_new(), done = gate_new();
	pid_t p = spawn({
		must(unshare(CLONE_NEWNS));
		must(mount("t", "a", "tmpfs", 0, "size=4k")), must(mkdir("a/deep", 0755)), must(mount("t", "a/deep", "tmpfs", 0, NULL)), make("a/deep/x", "kept");
		must(mount("t", "b", "tmpfs", 0, NULL)), must(mount("t", "d/in", "tmpfs", 0, NULL)), must(mount("t", "e", "tmpfs", 0, NULL)), make("e/here", "e");
		must(mount("src", "f", NULL, MS_BIND, NULL)), must(mount("src", "f2", NULL, MS_BIND, NULL));
		show(rmdir("a")), show(unlink("f")), show(rename("f", "z")), show(rename("c", "b"));
		int fd = must(open("a/deep/x", O_RDONLY)), dir = must(open("a", O_RDONLY));
		gate_open(up), gate_pass(go);
		char b[8] = "";
		must(pread(fd, b, 7, 0)), fact("still open: %s", b), show(access("a", F_OK)), show(openat(dir, "deep/x", O_RDONLY) >= 0 ? 0 : -1), show(access("f", F_OK)), fact("%s", slurp("f2")), show(access("e2/here", F_OK)), show(access("d2/in", F_OK)), show(umount("e2"));
		gate_open(done), pause();
	});
	gate_pass(up), show(mounted(p, "/a/deep ")), show(rmdir("a")), show(mounted(p, "/a/deep ")), show(mounted(p, "/a ")), show(unlink("f")), show(rename("src", "f2")), show(rename("c", "b")), show(mounted(p, "/b ")), show(rename("e", "e2")), show(mounted(p, "/e2 ")), show(rename("d", "d2")), show(mounted(p, "/d2/in "));
	show(renameat2(AT_FDCWD, "e2", AT_FDCWD, "g", RENAME_EXCHANGE)), show(mounted(p, "/g ")), show(renameat2(AT_FDCWD, "e2", AT_FDCWD, "g", RENAME_EXCHANGE));
	gate_open(go), gate_pass(done), kill(p, SIGKILL), reap("child", p);
	must(mount("t", "g", "tmpfs", 0, NULL)), show(rmdir("g")), show(rename("g", "h")), show(rename("b", "g")), show(renameat2(AT_FDCWD, "b", AT_FDCWD, "g", RENAME_EXCHANGE)), show(umount("g"));
	return 0;
}
