// pipe2(2): flags, sizes, atomic writes, EOF, EPIPE, seeking, F_GETPIPE_SZ.
#include "../oracle.h"
#include <sys/ioctl.h>

int main(void) {
	int p[2], q[2], n;
	static char big[1 << 17];
	show(pipe2(p, 0x1000));
	show(pipe2((void *)8, 0));
	must(pipe2(p, O_CLOEXEC | O_NONBLOCK));
	fact("flags %d %d, %#o %#o", fcntl(p[0], F_GETFD), fcntl(p[1], F_GETFD), fcntl(p[0], F_GETFL), fcntl(p[1], F_GETFL));
	show(read(p[0], big, 1));
	show(read(p[1], big, 1));
	show(write(p[0], big, 1));
	show(lseek(p[0], 0, SEEK_SET));
	show(pread(p[0], big, 1, 0));
	show(pwrite(p[1], big, 1, 0));
	show(ftruncate(p[1], 0));
	show(fcntl(p[0], F_GETPIPE_SZ));
	show(write(p[1], big, sizeof big)); // as much as fits
	show(write(p[1], big, 1));
	show(ioctl(p[0], FIONREAD, &n));
	show(n);
	show(read(p[0], big, 4095));
	show(write(p[1], big, 1)); // a whole page must be free
	show(read(p[0], big, 1));
	show(write(p[1], big, 4097)); // not atomic: a part
	show(write(p[1], big, 4096));
	while (read(p[0], big, sizeof big) > 0)
		;
	show(fcntl(p[1], F_SETPIPE_SZ, 5000));
	show(fcntl(p[1], F_SETPIPE_SZ, 0));
	show(fcntl(p[1], F_SETPIPE_SZ, 1 << 20));
	must(write(p[1], big, 9000));
	show(fcntl(p[1], F_SETPIPE_SZ, 4096)); // still needed
	show(fcntl(p[1], F_SETPIPE_SZ, -1));
	must(read(p[0], big, sizeof big));
	must(write(p[1], "abc", 3)), must(write(p[1], "def", 3));
	memset(big, 0, 10);
	show(read(p[0], big, 10));
	fact("%s", big);
	struct stat st;
	must(fstat(p[0], &st));
	fact("mode %o size %ld links %ld blksize %ld", st.st_mode, (long)st.st_size, (long)st.st_nlink, (long)st.st_blksize);
	must(pipe2(q, 0));
	must(write(q[1], "x", 1)), must(close(q[1]));
	show(read(q[0], big, 5));
	show(read(q[0], big, 5)); // end
	must(pipe2(q, 0));
	must(close(q[0]));
	signal(SIGPIPE, SIG_IGN);
	show(write(q[1], "x", 1));
	show(write(q[1], "x", 0));
	char link[64], target[64] = {0};
	snprintf(link, sizeof link, "/proc/self/fd/%d", p[0]);
	must(readlink(link, target, 63));
	fact("%.6s", target);
	int again = must(open(link, O_WRONLY)); // a new end
	show(write(again, "y", 1));
	return 0;
}
