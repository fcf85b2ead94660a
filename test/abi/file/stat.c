// stat, statx: fields for each kind of file, masks, flags, errors.
#include "../oracle.h"
#include <sys/sysmacros.h>
#include <sys/vfs.h>
static void tell(const char *p) {
	struct stat st;
	if (lstat(p, &st))
		fact("%s: %s", p, ename(errno));
	else
		fact("%s: mode %o links %ld size %ld uid %d blksize %ld rdev %u,%u", p, st.st_mode, (long)st.st_nlink, S_ISDIR(st.st_mode) ? 0 : (long)st.st_size, st.st_uid, (long)st.st_blksize, major(st.st_rdev), minor(st.st_rdev));
}
static long sx(int d, const char *p, int f, unsigned m, struct statx *x) { return sys(SYS_statx, d, p, f, m, x); }

int main(void) {
	make("f", "hello"), must(mkdir("d", 0755)), must(symlink("hello", "l")), must(mkfifo("p", 0600));
	tell("f"), tell("d"), tell("l"), tell("p"), tell("none"), tell("f/"), tell("l/"), tell(""), tell("/dev/null"), tell("/dev/zero"), tell("/proc/self");
	struct stat st;
	show(stat("l", &st)), show(fstatat(AT_FDCWD, "l", &st, AT_SYMLINK_NOFOLLOW)), show(fstatat(AT_FDCWD, "f", &st, 1)), show(fstatat(999, "f", &st, 0)), show(stat("f", (void *)8)), show(stat((void *)8, &st)), show(fstat(999, &st));
	int fd = must(open("f", O_RDONLY));
	show(fstatat(fd, "", &st, AT_EMPTY_PATH)), show(fstatat(fd, "", &st, 0)), show(fstatat(fd, "x", &st, 0)), show(fstatat(AT_FDCWD, "", &st, AT_EMPTY_PATH));
	struct statx x, y;
	memset(&x, 0xaa, sizeof x);
	show(sx(AT_FDCWD, "f", 0, STATX_BASIC_STATS | STATX_BTIME, &x));
	must(stat("f", &st));
	fact("mask %#x, mode %o, size %lld, links %u, blocks %d, device %d, inode %d", x.stx_mask & STATX_BASIC_STATS, x.stx_mode, (long long)x.stx_size, x.stx_nlink, (long)x.stx_blocks == st.st_blocks, makedev(x.stx_dev_major, x.stx_dev_minor) == st.st_dev, x.stx_ino == st.st_ino);
	yes(x.stx_mtime.tv_sec == st.st_mtim.tv_sec && x.stx_mtime.tv_nsec == st.st_mtim.tv_nsec);
	show(sx(AT_FDCWD, "f", 0, 0, &y)), yes(y.stx_mode == x.stx_mode); // more is given than asked for
	show(sx(AT_FDCWD, "l", AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &y));
	fact("mode %o size %lld", y.stx_mode, (long long)y.stx_size);
	show(sx(AT_FDCWD, "f", 0, 0x80000000, &x)), show(sx(AT_FDCWD, "f", 1, 0, &x)), show(sx(AT_FDCWD, "f", AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC, 0, &x)), show(sx(AT_FDCWD, "f", AT_STATX_DONT_SYNC, 0, &x)), show(sx(fd, "", AT_EMPTY_PATH, 0, &x)), show(sx(fd, NULL, AT_EMPTY_PATH, 0, &x)), show(sx(AT_FDCWD, "f", 0, 0, (void *)8));
	must(unlink("f"));
	must(fstat(fd, &st));
	show(st.st_nlink);
	struct statfs s;
	must(statfs(".", &s)), fact("tmpfs %d, names %ld, block %ld", s.f_type == 0x01021994, (long)s.f_namelen, (long)s.f_bsize);
	must(statfs("/proc", &s)), fact("proc %d", s.f_type == 0x9fa0);
	must(statfs("/sys", &s)), fact("sys %d", s.f_type == 0x62656572);
	must(statfs("/dev/pts", &s)), fact("devpts %d", s.f_type == 0x1cd1);
	int p[2];
	must(pipe(p)), must(fstatfs(p[0], &s)), fact("pipe %d", s.f_type == 0x50495045);
	show(statfs("none", &s)), show(statfs(".", (void *)8)), show(fstatfs(999, &s));
	show(sys(SYS_stat, "d", &st)), show(sys(SYS_lstat, "l", &st)), show(S_ISLNK(st.st_mode));
	return 0;
}
