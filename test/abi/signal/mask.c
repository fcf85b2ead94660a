// sigprocmask(2), pending, blocked while handling, SA_NODEFER, SA_RESETHAND, KILL cannot be masked.
#include "../oracle.h"
static volatile int depth, most, calls;
static void nests(int s) {
	depth++, calls++;
	if (depth > most)
		most = depth;
	if (calls < 3)
		raise(s);
	depth--;
}
static void masked(int s) {
	sigset_t set;
	sigprocmask(SIG_BLOCK, NULL, &set);
	fact("in the handler: USR1 %d USR2 %d HUP %d", sigismember(&set, SIGUSR1), sigismember(&set, SIGUSR2), sigismember(&set, SIGHUP));
}

int main(void) {
	sigset_t set, got;
	on(SIGUSR1, nests, 0);
	raise(SIGUSR1);
	fact("plain: calls %d, depth %d", calls, most);
	calls = most = 0;
	on(SIGUSR1, nests, SA_NODEFER);
	raise(SIGUSR1);
	fact("NODEFER: calls %d, depth %d", calls, most);
	struct sigaction a = {.sa_handler = masked};
	sigemptyset(&a.sa_mask), sigaddset(&a.sa_mask, SIGHUP);
	must(sigaction(SIGUSR1, &a, NULL));
	raise(SIGUSR1);
	a.sa_flags = SA_NODEFER;
	must(sigaction(SIGUSR1, &a, NULL));
	raise(SIGUSR1);
	calls = 5;
	on(SIGUSR1, nests, SA_RESETHAND);
	raise(SIGUSR1);
	must(sigaction(SIGUSR1, NULL, &a));
	fact("RESETHAND: %s", a.sa_handler == SIG_DFL ? "default again" : "kept");
	sigfillset(&set);
	show(sigprocmask(SIG_SETMASK, &set, NULL));
	show(sigprocmask(SIG_BLOCK, NULL, &got));
	fact("KILL %d STOP %d TERM %d", sigismember(&got, SIGKILL), sigismember(&got, SIGSTOP), sigismember(&got, SIGTERM));
	raise(SIGTERM), raise(SIGTERM), raise(SIGUSR2);
	show(sigpending(&got));
	fact("pending: TERM %d USR2 %d USR1 %d", sigismember(&got, SIGTERM), sigismember(&got, SIGUSR2), sigismember(&got, SIGUSR1));
	quiet(spawn(sigpending(&got); fact("child: TERM %d", sigismember(&got, SIGTERM)); sigprocmask(SIG_BLOCK, NULL, &got); fact("mask inherited %d", sigismember(&got, SIGTERM))));
	signal(SIGTERM, SIG_IGN); // throws the pending one away
	sigpending(&got);
	fact("after ignoring: TERM %d", sigismember(&got, SIGTERM));
	raise(SIGTERM); // blocked and ignored: not kept? it is kept while blocked
	sigpending(&got);
	fact("blocked and ignored: TERM %d", sigismember(&got, SIGTERM));
	signal(SIGUSR2, SIG_DFL);
	sigpending(&got);
	fact("default does not throw away: USR2 %d", sigismember(&got, SIGUSR2));
	show(sigprocmask(99, &set, NULL));
	show(sigprocmask(99, NULL, &got));
	show(sys(SYS_rt_sigprocmask, SIG_BLOCK, &set, NULL, 4));
	show(sys(SYS_rt_sigprocmask, SIG_BLOCK, 8, NULL, 8));
	show(sys(SYS_rt_sigpending, &got, 16));
	reap("kill", spawn(sigprocmask(SIG_SETMASK, &set, NULL); raise(SIGKILL)));
	reap("unblocking", spawn(sigemptyset(&set); sigprocmask(SIG_SETMASK, &set, NULL); _exit(0)));
	return 0;
}
