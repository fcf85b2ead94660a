// overlayfs in a user namespace: only attributes of the user namespace, whiteouts, files of others.
#include "../oracle.h"
#include <sys/mount.h>
#include <sys/xattr.h>

static void put(const char *path, const char *text) {
	int fd = must(open(path, O_WRONLY));
	must(write(fd, text, strlen(text))), must(close(fd));
}
static struct stat st;

static void inside(const char *options) {
	fact("%s", options);
	if (show(mount("o", "m", "overlay", 0, options)) == -1)
		return;
	show(access("m/f", F_OK)), show(chmod("m/f", 0600)), show(unlink("m/g")), must(lstat("up/g", &st)), fact("%o %d %d", st.st_mode, (int)st.st_rdev, st.st_uid);
	show(chmod("m/theirs", 0600)), show(open("m/theirs", O_WRONLY)), show(open("m/all", O_WRONLY)), show(access("up/all", F_OK));
	show(unlink("m/d/in")), show(rmdir("m/d")), show(mkdir("m/d", 0755)), show(access("m/d/in", F_OK)), show(rename("m/e", "m/e2")), show(rmdir("m/d")), show(umount("m"));
}

int main(void) {
	must(unshare(CLONE_NEWNS)), must(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL)), must(chown(".", 1000, 1000)), must(chmod(".", 0755)), umask(0);
	static const char *dirs[] = {"l", "l/d", "l/e", "up", "work", "up2", "work2", "m"};
	for (unsigned i = 0; i < COUNT(dirs); i++)
		must(mkdir(dirs[i], 0755)), must(chown(dirs[i], 1000, 1000));
	make("l/f", "f"), make("l/g", "g"), make("l/theirs", "t"), make("l/all", "a"), make("l/d/in", "d");
	must(chown("l/f", 1000, 1000)), must(chown("l/g", 1000, 1000)), must(chown("l/d/in", 1000, 1000)), must(chmod("l/all", 0666));
	must(setresgid(1000, 1000, 1000)), must(setresuid(1000, 1000, 1000)), must(prctl(PR_SET_DUMPABLE, 1));
	pid_t p = spawn({
		must(unshare(CLONE_NEWUSER | CLONE_NEWNS));
		put("/proc/self/setgroups", "deny"), put("/proc/self/uid_map", "0 1000 1"), put("/proc/self/gid_map", "0 1000 1");
		inside("lowerdir=l,upperdir=up,workdir=work,redirect_dir=on"), inside("lowerdir=l,upperdir=up,workdir=work,metacopy=on"), inside("lowerdir=l,upperdir=up,workdir=work,userxattr,redirect_dir=on");
		inside("lowerdir=l,upperdir=up,workdir=work"), must(rename("up", "old")), must(rename("up2", "up")), inside("lowerdir=l,upperdir=up,workdir=work2,userxattr");
	});
	reap("child", p);
	return 0;
}
