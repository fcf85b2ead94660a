// Queued real-time signals: order, values, limits by RLIMIT_SIGPENDING, standard signals once.
#include "../oracle.h"
static char text[256];
static void handler(int s, siginfo_t *i, void *u) {
	char one[32];
	snprintf(one, sizeof one, " %s=%d", signame(s), i->si_value.sival_int);
	strcat(text, one);
}
static int queue(int s, int v) { return sigqueue(getpid(), s, (union sigval){.sival_int = v}); }

int main(void) {
	sigset_t all, none, got;
	struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
	sigfillset(&a.sa_mask), sigfillset(&all), sigemptyset(&none);
	for (int s = 34; s < 40; s++)
		must(sigaction(s, &a, NULL));
	must(sigaction(SIGUSR1, &a, NULL));
	sigprocmask(SIG_SETMASK, &all, NULL);
	queue(36, 1), queue(34, 2), queue(36, 3), queue(SIGUSR1, 4), queue(SIGUSR1, 5), queue(34, 6), queue(35, 7);
	sigprocmask(SIG_SETMASK, &none, NULL);
	fact("order:%s", text);
	show(sigqueue(getpid(), 65, (union sigval){0}));
	show(sigqueue(getpid(), 0, (union sigval){0}));
	show(sigqueue(999999, 34, (union sigval){0}));
	siginfo_t i = {.si_signo = 34, .si_code = SI_USER};
	pid_t pid = spawn(pause());
	show(sys(SYS_rt_sigqueueinfo, pid, 34, &i)); // looking like kill, to another
	i.si_code = SI_TKILL;
	show(sys(SYS_rt_sigqueueinfo, pid, 34, &i));
	show(sys(SYS_rt_sigqueueinfo, pid, 34, 8));
	i.si_code = SI_QUEUE;
	show(sys(SYS_rt_sigqueueinfo, pid, SIGTERM, &i));
	reap("child", pid);
	text[0] = 0;
	i.si_code = -60, i.si_value.sival_int = 11;
	show(sys(SYS_rt_tgsigqueueinfo, getpid(), getpid(), 35, &i));
	fact("to itself anything goes:%s", text);
	struct rlimit l = {3, 3};
	must(setrlimit(RLIMIT_SIGPENDING, &l));
	must(setuid(4242)); // counted per user
	sigprocmask(SIG_SETMASK, &all, NULL);
	for (int k = 0; k < 5; k++)
		fact("queue %d: %s", k, ename(err(queue(34, k))));
	fact("kill of another: %s", ename(err(kill(getpid(), SIGUSR1)))); // standard signals get through
	fact("raise of a queued one: %s", ename(err(kill(getpid(), 35))));
	sigpending(&got);
	fact("pending: USR1 %d RTMIN+1 %d", sigismember(&got, SIGUSR1), sigismember(&got, 35));
	text[0] = 0;
	sigprocmask(SIG_SETMASK, &none, NULL);
	fact("delivered:%s", text);
	char *q = strstr(slurp("/proc/self/status"), "SigQ:");
	fact("%.8s", q);
	return 0;
}
