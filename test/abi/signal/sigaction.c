// sigaction(2), rt_sigaction: what may be set, what comes back, sizes, fork and exec.
#include "../oracle.h"
static void handler(int s) {}
struct ksigaction { void *handler; unsigned long flags; void *restorer; uint64_t mask; };
static void disposition(const char *what, int s) {
	struct sigaction a;
	must(sigaction(s, NULL, &a));
	fact("%s: %s %s", what, signame(s), a.sa_handler == SIG_DFL ? "default" : a.sa_handler == SIG_IGN ? "ignored" : a.sa_handler == handler ? "handler" : "other");
}

int main(int argc, char **argv) {
	if (argc > 1) {
		disposition("after exec", SIGUSR1);
		disposition("after exec", SIGUSR2);
		disposition("after exec", SIGCHLD);
		return 0;
	}
	struct sigaction a = {.sa_handler = handler}, old;
	show(sigaction(SIGKILL, &a, NULL));
	show(sigaction(SIGSTOP, &a, NULL));
	show(sigaction(0, &a, NULL));
	show(sigaction(65, &a, NULL));
	show(sigaction(64, &a, NULL));
	show(sigaction(SIGKILL, NULL, &old));
	struct ksigaction k = {handler, 0, NULL, ~0UL};
	show(sys(SYS_rt_sigaction, SIGUSR1, &k, NULL, 4));
	show(sys(SYS_rt_sigaction, SIGUSR1, &k, NULL, 16));
	show(sys(SYS_rt_sigaction, SIGUSR1, (void *)8, NULL, 8));
	show(sys(SYS_rt_sigaction, SIGUSR1, NULL, (void *)8, 8));
	k.flags = 0x7fffffff; // unknown flags are cleared: a program can ask what there is
	show(sys(SYS_rt_sigaction, SIGUSR1, &k, NULL, 8));
	struct ksigaction got = {0};
	show(sys(SYS_rt_sigaction, SIGUSR1, NULL, &got, 8));
	fact("flags %#lx mask %#lx", got.flags, got.mask); // KILL and STOP are never masked
	must(sigaction(SIGUSR1, &a, &old));
	disposition("set", SIGUSR1);
	signal(SIGUSR2, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	quiet(spawn(disposition("child", SIGUSR1); disposition("child", SIGUSR2)));
	signal(SIGCHLD, SIG_DFL);
	quiet(spawn(char *args[] = {argv[0], "x", NULL}; execve("/proc/self/exe", args, NULL)));
	quiet(spawn(signal(SIGCHLD, SIG_IGN); char *args[] = {argv[0], "x", NULL}; execve("/proc/self/exe", args, NULL)));
	return 0;
}
