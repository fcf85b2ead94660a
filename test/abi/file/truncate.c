// truncate, ftruncate, RLIMIT_FSIZE with SIGXFSZ, huge sizes, zeroing past the old end.
#include "../oracle.h"
static volatile int calls;
static void handler(int s) { calls++; }
static long size(int fd) {
	struct stat st;
	must(fstat(fd, &st));
	return st.st_size;
}

int main(void) {
	char b[32];
	make("f", "0123456789"), must(mkdir("d", 0755)), must(symlink("f", "l"));
	int fd = must(open("f", O_RDWR)), ro = must(open("f", O_RDONLY));
	show(ftruncate(fd, 4)), show(size(fd)), show(ftruncate(fd, 8)), show(pread(fd, b, 10, 0));
	fact("%.4s %d %d", b, b[4], b[7]);
	show(truncate("l", 100)), show(size(fd)), show(lseek(fd, 0, SEEK_CUR));
	show(ftruncate(ro, 1)), show(ftruncate(fd, -1)), show(truncate("d", 0)), show(truncate("none", 0)), show(truncate("f", -1)), show(truncate("f/", 0)), show(truncate("", 0));
	show(ftruncate(fd, 1L << 62)), show(ftruncate(fd, LONG_MAX)), show(ftruncate(fd, 3));
	show(pwrite(fd, "x", 1, LONG_MAX - 5)), show(pwrite(fd, "x", 1, LONG_MAX)), show(pwrite(fd, "x", 1, -1)), show(size(fd) > 0);
	must(ftruncate(fd, 0));
	show(pwrite(fd, "end", 3, 100)), show(size(fd)), show(pread(fd, b, 5, 98));
	fact("%d %d %.3s", b[0], b[1], b + 2);
	// Our own output is a file too: send it through a pipe.
	int out[2];
	must(pipe(out));
	pid_t copier = spawn(close(out[1]); char c[512]; ssize_t n; while ((n = read(out[0], c, 512)) > 0) must(write(1, c, n)));
	must(dup2(out[1], 1)), must(close(out[1]));
	struct rlimit l = {50, 1000};
	must(setrlimit(RLIMIT_FSIZE, &l));
	on(SIGXFSZ, handler, 0);
	must(ftruncate(fd, 45));
	show(pwrite(fd, "0123456789", 10, 45)); // up to the limit
	show(size(fd));
	show(pwrite(fd, "x", 1, 50)), show(calls);
	show(pwrite(fd, "x", 1, 200)), show(calls);
	show(pwrite(fd, "", 0, 200)), show(calls);
	show(ftruncate(fd, 60)), show(calls);
	show(ftruncate(fd, 50)), show(calls);
	show(fallocate(fd, 0, 0, 60)), show(calls);
	show(truncate("f", 10)), show(calls);
	reap("default", spawn(signal(SIGXFSZ, SIG_DFL); pwrite(fd, "x", 1, 60)));
	quiet(spawn(signal(SIGXFSZ, SIG_IGN); show(pwrite(fd, "x", 1, 60))));
	int p[2];
	must(pipe(p));
	static char big[100];
	show(write(p[1], big, 100)); // not for pipes
	must(chmod(".", 0777)), must(chmod("f", 0444));
	quiet(spawn(must(setuid(1000)); show(truncate("f", 0))));
	show(ftruncate(p[1], 0)), show(ftruncate(999, 0));
	must(close(1));
	waitpid(copier, NULL, 0);
	return 0;
}
