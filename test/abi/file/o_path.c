// O_PATH descriptors: what can be done with them and what is EBADF.
#include "../oracle.h"
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

int main(void) {
	char b[64] = {0};
	make("f", "text"), must(symlink("f", "l")), must(mkdir("d", 0755));
	int p = must(open("f", O_PATH)), l = must(open("l", O_PATH | O_NOFOLLOW)), d = must(open("d", O_PATH));
	struct stat st;
	struct statfs sf;
	show(read(p, b, 1)), show(write(p, b, 1)), show(pread(p, b, 1, 0)), show(lseek(p, 0, SEEK_SET)), show(ftruncate(p, 0));
	show(fchmod(p, 0600)), show(fchown(p, 0, 0)), show(ioctl(p, FIONREAD, b)), show(fsync(p)), show(fallocate(p, 0, 0, 1));
	show(futimens(p, NULL)), show(fgetxattr(p, "user.x", b, 1)), show(fsetxattr(p, "user.x", "v", 1, 0));
	show(fchdir(p)), show(fchdir(d)), must(chdir(".."));
	show(fstat(p, &st)), show(fstatfs(p, &sf)), show(fcntl(p, F_GETFL)), show(fcntl(p, F_SETFL, O_APPEND)), show(fcntl(p, F_GETFD));
	show(fcntl(p, F_GETLK, &(struct flock){.l_type = F_RDLCK})), ok(dup(p));
	fact("map: %s", ename(err(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, p, 0))));
	show(linkat(p, "", AT_FDCWD, "f2", AT_EMPTY_PATH));
	show(linkat(AT_FDCWD, "/proc/self/fd/3", AT_FDCWD, "f3", AT_SYMLINK_FOLLOW));
	show(fchownat(p, "", 0, 0, AT_EMPTY_PATH)), show(fstatat(p, "", &st, AT_EMPTY_PATH));
	show(faccessat(p, "", R_OK, AT_EMPTY_PATH));
	show(utimensat(p, "", NULL, AT_EMPTY_PATH));
	must(fstat(l, &st));
	fact("link itself: %d", S_ISLNK(st.st_mode));
	show(readlinkat(l, "", b, 64));
	fact("%s", b);
	show(readlinkat(p, "", b, 64));
	show(openat(d, "x", O_CREAT | O_WRONLY, 0600) >= 0);
	show(sys(SYS_getdents64, d, b, 64));
	show(mkdirat(d, "y", 0755)), show(unlinkat(d, "x", 0));
	char path[64];
	snprintf(path, 64, "/proc/self/fd/%d", p);
	int r = must(open(path, O_RDONLY)); // a real one out of it
	show(read(r, b, 4));
	snprintf(path, 64, "/proc/self/fd/%d", l);
	show(open(path, O_RDONLY));
	show(chmod(path, 0777));
	must(chmod("f", 0));
	quiet(spawn(must(setuid(1000)); snprintf(path, 64, "/proc/self/fd/%d", p); show(open(path, O_RDONLY)); ok(open("f", O_PATH))));
	show(open("f", O_PATH | O_CREAT | O_EXCL | O_TRUNC) >= 0); // others are ignored
	must(stat("f", &st));
	show(st.st_size);
	return 0;
}
