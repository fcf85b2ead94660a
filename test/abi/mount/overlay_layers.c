// overlayfs: what is below stays below: opaque directories, redirects, exchanges, hard links, attributes, files open while copied up.
#include "../oracle.h"
#include <dirent.h>
#include <sys/mount.h>
#include <sys/xattr.h>

// list prints the names of a directory in order, with the types that the directory tells.
static void list(const char *dir) {
	struct dirent **e;
	char line[512] = "";
	int n = must(scandir(dir, &e, NULL, alphasort));
	for (int i = 0; i < n; i++)
		if (e[i]->d_name[0] != '.')
			sprintf(line + strlen(line), " %s:%d", e[i]->d_name, e[i]->d_type);
	fact("%s:%s", dir, line);
}
static void attr(const char *path, const char *name) {
	char b[256] = "";
	ssize_t n = lgetxattr(path, name, b, sizeof b - 1);
	fact("%s %s: %s", path, name, n < 0 ? ename(errno) : b);
}
static struct stat st;
static long links(const char *path) { return must(lstat(path, &st)), (long)st.st_nlink; }
static ino_t ino(const char *path) { return must(lstat(path, &st)), st.st_ino; }
#define LAYERS "lowerdir=l1:l2,upperdir=up,workdir=work"

int main(void) {
	char b[64] = "";
	must(unshare(CLONE_NEWNS)), must(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL)), umask(022);
	static const char *dirs[] = {"l1", "l2", "up", "work", "m", "l1/a", "l2/a", "l1/a/sub", "l2/a/sub", "l2/b", "l2/b/deep", "l1/e", "l2/k"};
	for (unsigned i = 0; i < COUNT(dirs); i++)
		must(mkdir(dirs[i], 0755));
	make("l1/a/one", "1"), make("l2/a/two", "2"), make("l2/a/sub/x", "x"), make("l2/b/deep/y", "y"), make("l1/hard", "h"), must(link("l1/hard", "l1/hard2")), make("l2/k/in", "k");
	must(mknod("l1/k", S_IFCHR, 0)), must(setxattr("l1/hard", "user.a", "v", 1, 0)), must(setxattr("l1/e", "trusted.overlay.opaque", "y", 1, 0)), must(chmod("l1/hard", 0640)), must(chown("l1/hard", 7, 8));
	must(mount("o", "m", "overlay", 0, LAYERS));
	list("m"), list("m/a"), list("m/a/sub"), show(access("m/k", F_OK)), show(mkdir("m/k", 0700)), list("m/k"), attr("up/k", "trusted.overlay.opaque"), attr("m/k", "trusted.overlay.opaque");
	show(links("m/a")), show(links("m/b")), show(links("m/hard")), show(mknod("m/w", S_IFCHR, 0)), show(mknod("m/dev", S_IFCHR, 0x103));
	ino_t was = ino("m/a/two"), dir = ino("m/a");
	int ro = must(open("m/hard", O_RDONLY)), rw = must(open("m/hard", O_RDWR | O_APPEND));
	must(write(rw, "more", 4)), must(pread(ro, b, 10, 0)), fact("%s, %s, %s", b, slurp("l1/hard"), slurp("m/hard2"));
	must(stat("m/hard", &st)), fact("%o %d %d %d", st.st_mode, st.st_uid, st.st_gid, (int)st.st_nlink), attr("m/hard", "user.a"), show(chmod("m/a/two", 0600)), yes(ino("m/a/two") == was);
	show(link("m/hard2", "m/third")), show(links("m/third")), yes(ino("m/third") == ino("m/hard2")), show(unlink("m/hard2")), list("up");
	show(rename("m/a", "m/moved")), show(rename("m/a/one", "m/b/one")), list("m/a"), list("m/b"), list("up/b"), show(rename("m/b/deep", "m/deep"));
	show(rename("m/b/one", "m/hard")), must(fstat(rw, &st)), show(st.st_nlink), list("m/b"), yes(ino("m/a") == dir), show(setxattr("m/a", "trusted.overlay.mine", "z", 1, 0)), attr("m/a", "trusted.overlay.mine"), attr("up/a", "trusted.overlay.overlay.mine");
	must(close(ro)), must(close(rw)), must(umount("m"));
	must(mount("o", "m", "overlay", 0, LAYERS ",redirect_dir=on"));
	show(rename("m/a", "m/moved")), attr("up/moved", "trusted.overlay.redirect"), list("m/moved"), show(mkdir("m/in", 0755)), show(rename("m/moved", "m/in/again")), attr("up/in/again", "trusted.overlay.redirect"), list("m/in/again"), list("m/in/again/sub");
	show(rename("m/in/again/sub", "m/in/sub")), attr("up/in/sub", "trusted.overlay.redirect"), list("m/in/sub"), list("m/in/again"), show(access("m/a", F_OK)), show(mkdir("m/a", 0755)), list("m/a");
	show(renameat2(AT_FDCWD, "m/b", AT_FDCWD, "m/in", RENAME_EXCHANGE)), list("m/b"), list("m/in"), list("m/in/deep"), show(renameat2(AT_FDCWD, "m/b", AT_FDCWD, "m/c", RENAME_WHITEOUT)), show(renameat2(AT_FDCWD, "m/b", AT_FDCWD, "m/in", RENAME_NOREPLACE));
	show(rmdir("m/in")), show(unlink("m/in/deep/y")), show(rmdir("m/in/deep")), show(rmdir("m/in")), show(rename("m/b/again", "m/in")), list("m/in"), list("m");
	must(umount("m")), must(mount("o", "m", "overlay", 0, LAYERS)), list("m"), list("m/in"), list("m/b"), list("m/b/sub"), show(rename("m/in", "m/out")), must(umount("m"));
	must(mount("o", "m", "overlay", 0, LAYERS ",redirect_dir=nofollow")), show(access("m/in", F_OK)), must(umount("m"));
	must(mount("o", "m", "overlay", 0, "lowerdir=up:l1:l2")), list("m"), list("m/in"), list("m/b/sub"), show(mkdir("m/x", 0755)), show(chmod("m/in", 0700)), must(umount("m"));
	must(mount("o", "m", "overlay", MS_RDONLY, LAYERS)), show(unlink("m/third")), must(umount("m"));
	return 0;
}
