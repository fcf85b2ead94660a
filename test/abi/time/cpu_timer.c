// Timers on CPU clocks, RLIMIT_CPU: SIGXCPU at the soft limit, SIGKILL at the hard one.
#include "../oracle.h"
static volatile int calls;
static void handler(int s) { calls++; }
static void burn(void) {
	while (!calls)
		;
}

int main(void) {
	timer_t t;
	struct itimerspec s = {{0, 0}, {0, 5000000}}, old;
	struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	on(SIGUSR1, handler, 0);
	must(timer_create(CLOCK_PROCESS_CPUTIME_ID, &e, &t));
	int64_t before = now_ns(CLOCK_PROCESS_CPUTIME_ID);
	must(timer_settime(t, 0, &s, NULL));
	burn();
	yes(now_ns(CLOCK_PROCESS_CPUTIME_ID) - before >= 4000000);
	must(timer_create(CLOCK_THREAD_CPUTIME_ID, &e, &t));
	must(timer_settime(t, 0, &s, NULL));
	calls = 0;
	struct timespec ts = {0, 15000000};
	nanosleep(&ts, NULL);
	fact("asleep: %d", calls);
	must(timer_gettime(t, &old));
	yes(old.it_value.tv_nsec > 0 && old.it_value.tv_nsec <= 5000000);
	burn();
	fact("burnt: %d", calls);
	clockid_t c;
	pid_t pid = spawn(for (;;));
	must(clock_getcpuclockid(pid, &c) ? -1 : 0);
	while (now_ns(c) < 50000000) // more than this process has used
		usleep(1000);
	sigset_t usr1;
	sigemptyset(&usr1), sigaddset(&usr1, SIGUSR1), sigprocmask(SIG_BLOCK, &usr1, NULL);
	must(timer_create(c, &e, &t));
	must(timer_settime(t, 0, &s, NULL));
	ts.tv_sec = 10;
	fact("another process's clock: %d", sigtimedwait(&usr1, NULL, &ts) == SIGUSR1);
	kill(pid, SIGKILL);
	reap("child", pid);
	show(timer_settime(t, 0, &s, NULL)); // its process is gone
	show(timer_delete(t));
	struct rlimit l = {0, 1}; // seconds: the least is taken as one
	pid = spawn(must(setrlimit(RLIMIT_CPU, &l)); getrlimit(RLIMIT_CPU, &l); fact("limits %ld %ld", (long)l.rlim_cur, (long)l.rlim_max));
	quiet(pid);
	return 0;
}
