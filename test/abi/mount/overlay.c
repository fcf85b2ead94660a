// overlayfs: lower, upper, whiteouts, opaque directories, copy up, rename of directories.
#include "../oracle.h"
#include <sys/mount.h>
#include <sys/xattr.h>

int main(void) {
	struct stat st;
	must(unshare(CLONE_NEWNS)), must(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	static const char *dirs[] = {"l1", "l2", "up", "work", "m", "l1/d", "l2/d", "l1/only"};
	for (unsigned i = 0; i < COUNT(dirs); i++)
		must(mkdir(dirs[i], 0755));
	make("l1/f", "from l1"), make("l2/f", "from l2"), make("l2/deep", "deep"), make("l1/d/a", "a"), make("l2/d/b", "b"), make("l1/only/x", "x"), must(symlink("f", "l2/link"));
	show(mount("o", "m", "overlay", 0, "lowerdir=l1:l2,upperdir=up,workdir=work"));
	fact("%s %s %s %s", slurp("m/f"), slurp("m/deep"), slurp("m/d/a"), slurp("m/d/b"));
	int ro = must(open("m/f", O_RDONLY));
	char b[32] = {0};
	int fd = must(open("m/f", O_RDWR));
	must(pwrite(fd, "FROM", 4, 0)), must(pread(ro, b, 31, 0));
	fact("upper %s, lower %s, opened before %s", slurp("up/f"), slurp("l1/f"), b);
	show(unlink("m/deep")), show(access("m/deep", F_OK)), show(access("l2/deep", F_OK));
	must(lstat("up/deep", &st)), fact("whiteout: %o %d", st.st_mode, (int)st.st_rdev);
	show(mkdir("m/deep", 0755)), show(rmdir("m/d")), must(unlink("m/d/a")), must(unlink("m/d/b")), show(rmdir("m/d")), show(access("m/d", F_OK));
	show(mkdir("m/d", 0755)), show(access("m/d/a", F_OK)), make("m/d/new", "new");
	show(getxattr("up/d", "trusted.overlay.opaque", b, 32));
	show(rename("m/only", "m/renamed")); // a directory from below
	show(rename("m/link", "m/link2")), memset(b, 0, 32), must(readlink("m/link2", b, 31)), fact("%s", b);
	must(stat("m/f", &st));
	ino_t ino = st.st_ino;
	show(chmod("m/f", 0600)), must(stat("m/f", &st)), yes(st.st_ino == ino);
	make("m/made", "x"), show(link("m/made", "m/hard")), must(stat("m/made", &st)), show(st.st_nlink);
	show(symlink("x", "m/sym")), show(mkfifo("m/fifo", 0600)), show(truncate("m/made", 0));
	must(close(fd)), must(close(ro)), show(umount("m"));
	show(mount("o", "m", "overlay", 0, "lowerdir=l1:l2")), show(open("m/f", O_WRONLY)), show(mkdir("m/x", 0755)), fact("%s", slurp("m/f")), show(umount("m"));
	show(mount("o", "m", "overlay", 0, "lowerdir=none")), show(mount("o", "m", "overlay", 0, "upperdir=up,workdir=work")), show(mount("o", "m", "overlay", 0, "lowerdir=l1,upperdir=up")), show(mount("o", "m", "overlay", 0, "lowerdir=l1"));
	return 0;
}
