// timer_create(2): signals, values, threads, none; settime, gettime, overrun, delete; errors.
#include "../oracle.h"
static volatile int calls, tid_, overrun;
static siginfo_t info;
static void handler(int s, siginfo_t *i, void *u) {
	calls++, info = *i;
	if (s == SIGUSR1 && i->si_overrun > overrun)
		overrun = i->si_overrun;
	tid_ = sys(SYS_gettid);
}
static struct gate g;
static void *other(void *a) {
	*(int *)a = sys(SYS_gettid);
	gate_open(g);
	while (!tid_)
		usleep(500);
	return NULL;
}

int main(void) {
	struct itimerspec s = {{0, 0}, {0, 2000000}}, old;
	struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
	must(sigaction(SIGUSR1, &a, NULL)), must(sigaction(SIGALRM, &a, NULL));
	timer_t t;
	struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 77};
	show(timer_create(CLOCK_MONOTONIC, &e, &t));
	show(timer_gettime(t, &old));
	fact("unarmed: %ld %ld", old.it_value.tv_sec, old.it_value.tv_nsec);
	show(timer_settime(t, 0, &s, NULL));
	while (!calls)
		usleep(100);
	fact("%s code %d value %d overrun %d", signame(info.si_signo), info.si_code, info.si_value.sival_int, info.si_overrun);
	show(timer_getoverrun(t));
	must(timer_gettime(t, &old));
	fact("expired: %ld %ld", old.it_value.tv_sec, old.it_value.tv_nsec);
	sigset_t set;
	sigemptyset(&set), sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	s.it_interval.tv_nsec = 1000000;
	must(timer_settime(t, 0, &s, NULL));
	usleep(12000);
	calls = 0;
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	while (!calls)
		usleep(100);
	yes(overrun >= 5);
	s = (struct itimerspec){{0, 0}, {100, 0}};
	show(timer_settime(t, 0, &s, &old));
	fact("old interval %ld", old.it_interval.tv_nsec);
	must(timer_gettime(t, &old));
	yes(old.it_value.tv_sec <= 100 && old.it_value.tv_sec > 90);
	s.it_value.tv_sec = 1; // absolute, long past
	calls = 0;
	show(timer_settime(t, TIMER_ABSTIME, &s, NULL));
	while (!calls)
		usleep(100);
	s.it_value.tv_nsec = -1;
	show(timer_settime(t, 0, &s, NULL));
	show(sys(SYS_timer_settime, t, 0, NULL, NULL));
	show(timer_delete(t));
	show(timer_delete(t));
	show(sys(SYS_timer_gettime, 12345, &old));
	e.sigev_notify = SIGEV_NONE;
	show(timer_create(CLOCK_REALTIME, &e, &t));
	e = (struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = 65};
	show(timer_create(CLOCK_REALTIME, &e, &t));
	e.sigev_signo = SIGUSR1, e.sigev_notify = 9;
	show(sys(SYS_timer_create, CLOCK_REALTIME, &e, &t));
	show(sys(SYS_timer_create, 99, NULL, &t));
	show(sys(SYS_timer_create, CLOCK_MONOTONIC_RAW, NULL, &t));
	show(timer_create(CLOCK_REALTIME, NULL, &t)); // SIGALRM with the timer's id
	s = (struct itimerspec){{0, 0}, {0, 1}};
	calls = 0;
	must(timer_settime(t, 0, &s, NULL));
	while (!calls)
		usleep(100);
	fact("default: %s code %d", signame(info.si_signo), info.si_code);
	g = gate_new();
	int target = 0;
	tid_ = 0;
	pthread_t th = thread(other, &target);
	gate_pass(g);
	e = (struct sigevent){.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
	e._sigev_un._tid = 999999;
	show(timer_create(CLOCK_MONOTONIC, &e, &t));
	e._sigev_un._tid = target;
	show(timer_create(CLOCK_MONOTONIC, &e, &t));
	must(timer_settime(t, 0, &s, NULL));
	join(th);
	yes(tid_ == target);
	quiet(spawn(show(timer_gettime(t, &old)))); // not inherited
	return 0;
}
