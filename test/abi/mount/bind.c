// Bind mounts: directories, files, recursive, read-only remounts, MS_REMOUNT rules, what shows through.
#include "../oracle.h"
#include <sys/mount.h>
// can opens and closes.
static int can(const char *path, int flags) {
	int fd = open(path, flags, 0600);
	return fd < 0 ? -1 : close(fd);
}
static long m(const char *s, const char *t, const char *type, unsigned long f, const char *d) { return mount(s, t, type, f, d); }

int main(void) {
	must(unshare(CLONE_NEWNS)), must(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	must(mkdir("a", 0755)), must(mkdir("b", 0755)), must(mkdir("a/sub", 0755)), make("a/f", "in a"), make("b/g", "in b"), make("plain", "plain");
	show(m("a", "b", NULL, MS_BIND, NULL));
	fact("%s, covered: %s", slurp("b/f") ?: "none", slurp("b/g") ?: "none");
	make("b/new", "x"), show(access("a/new", F_OK));
	struct stat x, y;
	must(stat("a", &x)), must(stat("b", &y));
	yes(x.st_dev == y.st_dev && x.st_ino == y.st_ino);
	show(rename("a/f", "b/f2")), show(link("a/f", "b/f3")); // one file system, two mounts
	show(rmdir("b")), show(rename("b", "c"));
	show(m("none", "b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	show(can("b/f", O_WRONLY)), show(can("a/f", O_WRONLY)), show(unlink("b/f")), show(mkdir("b/d", 0755)), show(chmod("b/f", 0600)), show(utimensat(AT_FDCWD, "b/f", NULL, 0)), show(access("b/f", W_OK)), show(truncate("b/f", 0));
	show(can("b/f", O_RDONLY | O_CREAT)), show(can("b/none", O_RDONLY | O_CREAT));
	show(m("none", "b", NULL, MS_REMOUNT | MS_BIND, NULL)), show(can("b/f", O_WRONLY));
	show(umount("b")), fact("%s", slurp("b/g") ?: "none");
	make("target", "below"), show(m("plain", "target", NULL, MS_BIND, NULL)), fact("%s", slurp("target")), show(unlink("target")), show(rename("plain", "plain2")), fact("%s", slurp("target")), show(umount("target")), fact("%s", slurp("target"));
	show(m("a", "target", NULL, MS_BIND, NULL)), show(m("plain2", "b", NULL, MS_BIND, NULL)), show(m("none", "b", NULL, MS_BIND, NULL)), show(m("a", "none", NULL, MS_BIND, NULL));
	must(m("tmpfs", "a/sub", "tmpfs", 0, NULL)), make("a/sub/deep", "x");
	must(m("a", "b", NULL, MS_BIND, NULL)), show(access("b/sub/deep", F_OK)), must(umount("b")); // not recursive
	must(m("a", "b", NULL, MS_BIND | MS_REC, NULL)), show(access("b/sub/deep", F_OK)), show(umount("b")), show(umount2("b", MNT_DETACH)), show(access("a/sub/deep", F_OK));
	show(m("none", "a", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL)); // not a mount point
	must(m("a", "b", NULL, MS_BIND, NULL)), must(m("none", "b", NULL, MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL));
	must(mknod("a/null", S_IFCHR | 0666, 0x103)), show(can("b/null", O_RDONLY)), must(chmod("a/f", 0755)), show(access("b/f", X_OK));
	char *args[] = {"x", NULL};
	fact("exec: %s", ename(err(execv("b/f", args))));
	show(umount("b")), show(umount("b")), show(umount("none")), show(umount2("b", 0x100)), show(umount(""));
	must(m("a", "b", NULL, MS_BIND, NULL)), must(symlink("b", "l")), show(umount2("l", UMOUNT_NOFOLLOW)), show(umount("l"));
	quiet(spawn(must(setuid(1000)); show(m("a", "b", NULL, MS_BIND, NULL)); show(umount("b"))));
	return 0;
}
