// read, write, pread, pwrite, vectors, preadv2 flags, O_APPEND, lseek, shared positions.
#include "../oracle.h"
#include <sys/uio.h>

int main(void) {
	char b[32] = {0}, c[32] = {0};
	make("f", "0123456789");
	int fd = must(open("f", O_RDWR)), two = must(dup(fd)), other = must(open("f", O_RDWR)), ap = must(open("f", O_RDWR | O_APPEND));
	show(read(fd, b, 3)), show(lseek(two, 0, SEEK_CUR)), show(lseek(other, 0, SEEK_CUR));
	show(lseek(fd, -1, SEEK_SET)), show(lseek(fd, -100, SEEK_CUR)), show(lseek(fd, 5, SEEK_END)), show(read(fd, b, 3)), show(lseek(fd, 0, 99)), show(lseek(fd, LONG_MAX, SEEK_CUR));
	show(pread(fd, b, 4, 8)), show(pread(fd, b, 4, 10)), show(pread(fd, b, 4, -1)), show(lseek(fd, 0, SEEK_CUR));
	show(write(ap, "AB", 2)), show(lseek(ap, 0, SEEK_CUR)), show(pwrite(ap, "CD", 2, 0)); // appends whatever the offset
	fact("%s", slurp("f"));
	must(lseek(ap, 2, SEEK_SET)), show(read(ap, b, 2)), show(lseek(ap, 0, SEEK_CUR));
	show(fcntl(fd, F_SETFL, O_APPEND)), show(fcntl(two, F_GETFL) & O_APPEND), must(lseek(fd, 0, SEEK_SET)), show(write(fd, "E", 1)), must(fcntl(fd, F_SETFL, 0));
	struct iovec v[3] = {{b, 3}, {c, 0}, {c, 4}};
	must(lseek(fd, 0, SEEK_SET)), memset(b, 0, 32), memset(c, 0, 32);
	show(readv(fd, v, 3)), fact("%s %s", b, c);
	show(preadv(fd, v, 3, 12)), show(preadv(fd, v, 3, 100)), show(preadv(fd, v, 3, -1)), show(pwritev(fd, v, 2, 20)), show(lseek(fd, 0, SEEK_CUR));
	show(preadv2(fd, v, 3, -1, 0)), show(lseek(fd, 0, SEEK_CUR)); // -1: the position
	show(preadv2(fd, v, 3, 0, RWF_NOWAIT)), show(preadv2(fd, v, 3, 0, 0x1000000)), show(pwritev2(fd, v, 1, 0, RWF_DSYNC)), show(pwritev2(fd, v, 1, 0, RWF_APPEND)), show(preadv2(fd, v, 1, 0, RWF_APPEND));
	show(pwritev2(ap, v, 1, 0, 0x20)); // RWF_NOAPPEND
	struct stat st;
	must(fstat(fd, &st)), show(st.st_size);
	int d = must(open(".", O_RDONLY)), ro = must(open("f", O_RDONLY)), wo = must(open("f", O_WRONLY));
	show(read(d, b, 1)), show(write(d, b, 1)), show(write(ro, b, 1)), show(read(wo, b, 1)), show(pwrite(ro, b, 1, 0)), show(pread(wo, b, 1, 0)), show(read(999, b, 1)), show(write(-1, b, 1));
	show(lseek(d, 0, SEEK_SET));
	show(write(fd, b, 1UL << 63)), show(sys(SYS_pread64, ro, b, 4, 1L << 62));
	quiet(spawn(lseek(fd, 7, SEEK_SET))), show(lseek(fd, 0, SEEK_CUR)); // shared with children
	int null = must(open("/dev/null", O_RDWR)), zero = must(open("/dev/zero", O_RDWR)), full = must(open("/dev/full", O_RDWR));
	show(read(null, b, 5)), show(write(null, (void *)8, 1L << 40)), show(read(zero, b, 5)), show(write(zero, b, 5)), show(read(full, b, 5)), show(write(full, b, 5)), show(write(full, b, 0)), show(lseek(null, 50, SEEK_SET)), show(pread(zero, b, 3, 1000)), show(read(null, (void *)8, 1));
	show(sys(SYS_readv, fd, v, 1 << 20)), show(fsync(fd)), show(fdatasync(d)), show(fsync(999)), show(syncfs(fd)), show(sync_file_range(fd, 0, 0, 7)), show(sync_file_range(fd, 0, 0, 64));
	return 0;
}
