// dup, dup2, dup3, F_DUPFD, close_range, close-on-exec, lowest numbers, RLIMIT_NOFILE.
#include "../oracle.h"
#define CR(a, b, f) sys(SYS_close_range, a, b, f)

int main(int argc, char **argv) {
	if (argc > 1) {
		fact("after exec: 10 %s, 11 %s", ename(err(fcntl(10, F_GETFD))), ename(err(fcntl(11, F_GETFD))));
		return 0;
	}
	make("f", "");
	show(open("f", O_RDONLY)), show(dup(3)), show(dup(0)), must(close(4)), show(dup(3)), show(dup2(3, 20)), show(dup2(3, 3)), show(dup2(999, 3)), show(dup2(999, 999)), show(dup2(3, -1)), show(dup2(3, 5000));
	show(dup3(3, 3, 0)), show(dup3(3, 21, O_CLOEXEC)), show(fcntl(21, F_GETFD)), show(dup3(3, 22, 1)), show(dup3(3, 22, O_NONBLOCK));
	show(fcntl(3, F_DUPFD, 10)), show(fcntl(3, F_DUPFD_CLOEXEC, 10)), show(fcntl(11, F_GETFD)), show(fcntl(3, F_DUPFD, -1)), show(fcntl(3, F_DUPFD, 1024)), show(fcntl(3, F_DUPFD, 1023));
	show(fcntl(3, F_SETFD, 3)), show(fcntl(3, F_GETFD)), show(fcntl(3, F_SETFD, 2)), show(fcntl(3, F_GETFD)), show(fcntl(3, 9999)), show(fcntl(999, F_GETFD));
	quiet(spawn(char *args[] = {argv[0], "x", NULL}; execve("/proc/self/exe", args, NULL)));
	show(CR(20, 21, 0)), show(fcntl(20, F_GETFD)), show(CR(22, 21, 0)), show(CR(5, 6, 64)), show(CR(2000, ~0U, 0));
	show(CR(10, 10, CLOSE_RANGE_CLOEXEC)), show(fcntl(10, F_GETFD)), show(fcntl(11, F_GETFD));
	struct rlimit l = {8, 4096};
	must(setrlimit(RLIMIT_NOFILE, &l));
	show(dup(3)), show(dup(3)), show(dup(3)); // 6 and 7 are left
	show(open("f", O_RDONLY)), show(dup2(3, 8)), show(dup2(3, 7)), show(fcntl(3, F_DUPFD, 8));
	int p[2] = {-7, -7};
	must(close(7)), show(pipe(p)), fact("%d %d", p[0], p[1]);
	show(dup(3)); // the one that was free is free still
	show(fcntl(10, F_GETFD)); // those above the limit stay
	show(memfd_create("m", 0));
	quiet(spawn(show(CR(3, ~0U, CLOSE_RANGE_UNSHARE)); show(fcntl(3, F_GETFD))));
	show(fcntl(3, F_GETFD));
	show(close(999)), show(close(-1)), show(close(10)), show(close(10));
	return 0;
}
