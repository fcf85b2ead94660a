// fcntl's lesser commands, ioctl on files, FIONBIO, FIOCLEX, F_GETPIPE_SZ on files, leases.
#include "../oracle.h"
#include <sys/ioctl.h>

int main(void) {
	int one = 1, zero = 0, n = -1;
	make("f", "0123456789"), must(mkdir("d", 0755));
	signal(SIGIO, SIG_IGN); // a lease that is broken
	int fd = must(open("f", O_RDWR)), d = must(open("d", O_RDONLY)), p[2];
	must(pipe(p));
	show(fcntl(fd, F_GETFL)), show(fcntl(fd, F_SETFL, O_NONBLOCK | O_RDONLY | O_CREAT | O_TRUNC)), show(fcntl(fd, F_GETFL)); // only some may change
	show(fcntl(fd, F_SETFL, O_NOATIME | O_APPEND)), show(fcntl(fd, F_GETFL)), show(fcntl(d, F_GETFL));
	show(fcntl(fd, F_SETFL, 0));
	show(ioctl(p[0], FIONBIO, &one)), show(fcntl(p[0], F_GETFL)), show(ioctl(p[0], FIONBIO, &zero)), show(fcntl(p[0], F_GETFL)), show(ioctl(p[0], FIONBIO, 8));
	show(ioctl(fd, FIOCLEX)), show(fcntl(fd, F_GETFD)), show(ioctl(fd, FIONCLEX)), show(fcntl(fd, F_GETFD));
	show(ioctl(fd, FIONREAD, &n)), show(n), must(lseek(fd, 4, SEEK_SET)), show(ioctl(fd, FIONREAD, &n)), show(n), must(lseek(fd, 20, SEEK_SET)), show(ioctl(fd, FIONREAD, &n)), show(n);
	show(ioctl(d, FIONREAD, &n)), show(ioctl(fd, 0x12345678, &n)), show(ioctl(999, FIONREAD, &n)), show(ioctl(fd, FIOASYNC, &one)), show(ioctl(p[0], FIOASYNC, &one)), show((fcntl(p[0], F_GETFL) & O_ASYNC) != 0);
	show(fcntl(fd, F_GETPIPE_SZ)), show(fcntl(fd, F_SETPIPE_SZ, 4096));
	must(lseek(fd, 0, SEEK_SET));
	int fresh = must(open("f", O_RDONLY));
	must(close(fd));
	show(fcntl(fresh, F_GETLEASE)), show(fcntl(fresh, F_SETLEASE, F_RDLCK)), show(fcntl(fresh, F_GETLEASE)), show(open("f", O_WRONLY | O_NONBLOCK));
	show(fcntl(fresh, F_SETLEASE, F_UNLCK)), show(open("f", O_WRONLY | O_NONBLOCK) >= 0), show(fcntl(fresh, F_SETLEASE, F_RDLCK)), show(fcntl(fresh, F_SETLEASE, 77)), show(fcntl(p[0], F_SETLEASE, F_RDLCK));
	uint64_t hint = 5;
	show(fcntl(fresh, F_GET_RW_HINT, &hint)), show(hint);
	return 0;
}
