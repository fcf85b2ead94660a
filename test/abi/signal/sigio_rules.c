// SIGIO's rules: who may be signalled, queues that are full, duplicates, the last close, terminals' ends.
#include "../oracle.h"
#include <sys/socket.h>
static volatile int calls, signo, fd, code;
static volatile long band;
static void handler(int s, siginfo_t *i, void *u) { calls++, signo = s, fd = i->si_fd, code = i->si_code, band = i->si_band; }
static void watch(int f, int sig, pid_t owner) { must(fcntl(f, F_SETOWN, owner)), must(fcntl(f, F_SETSIG, sig)), must(fcntl(f, F_SETFL, O_ASYNC | O_NONBLOCK)); }

int main(void) {
	int p[2], s[2];
	char page[PAGE];
	signal(SIGPIPE, SIG_IGN);
	struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
	must(sigaction(SIGIO, &a, NULL)), must(sigaction(40, &a, NULL)), must(sigaction(SIGUSR1, &a, NULL));
	must(pipe(p)), watch(p[0], 40, getpid());
	must(write(p[1], "x", 1)), fact("readable: %d code %d band %#lx", calls, code, band);
	calls = 0, close(p[1]), fact("hang-up: %d", calls > 0);
	must(pipe(p)), watch(p[1], 40, getpid()), memset(page, 0, sizeof page);
	while (write(p[1], page, PAGE) > 0)
		;
	calls = 0, must(read(p[0], page, PAGE)), fact("writable: %d code %d band %#lx", calls > 0, code, band);
	close(p[0]), close(p[1]);
	must(pipe(p)), watch(p[0], SIGUSR1, getpid());
	int q = must(dup(p[0]));
	close(p[0]), calls = 0, must(write(p[1], "x", 1)), fact("through a duplicate: %d %s, the number it was set by: %d", calls, signame(signo), fd == p[0]);
	close(q), calls = 0, fact("closed: %s calls %d", ename(err(write(p[1], "x", 1))), calls);
	must(pipe(p)), watch(p[0], 40, getpid());
	struct rlimit l = {3, 3};
	sigset_t set;
	sigemptyset(&set), sigaddset(&set, 40), sigaddset(&set, SIGIO), must(sigprocmask(SIG_BLOCK, &set, NULL));
	quiet(spawn({
		watch(p[0], 40, getpid()), must(setrlimit(RLIMIT_SIGPENDING, &l)), must(setuid(1000));
		for (int i = 0; i < 6; i++)
			must(write(p[1], "x", 1));
		sigset_t pending;
		must(sigpending(&pending)), fact("a full queue: SIGIO %d", sigismember(&pending, SIGIO));
	}));
	must(sigprocmask(SIG_UNBLOCK, &set, NULL));
	must(socketpair(AF_UNIX, SOCK_DGRAM, 0, s)), watch(s[0], 40, getpid()), calls = 0, must(write(s[1], "abc", 3)), fact("a socket: %d code %d", calls > 0, code);
	struct gate g = gate_new(), h = gate_new();
	pid_t pid = spawn(must(sigprocmask(SIG_BLOCK, &set, NULL)); gate_open(g); gate_pass(h); sigset_t pending; must(sigpending(&pending)); fact("another process: %d", sigismember(&pending, 40)));
	gate_pass(g);
	quiet(spawn(must(setuid(1000)); watch(s[0], 40, pid); must(write(s[1], "abc", 3)))); // may not kill it
	gate_open(h), quiet(pid);
	show(fcntl(s[0], F_SETOWN, INT_MIN)), show(fcntl(s[0], F_SETSIG, -1));
	return 0;
}
