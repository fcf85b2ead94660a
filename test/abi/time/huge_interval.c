// Timers whose interval reaches beyond the end of time: they expire once, and stay armed.
#include "../oracle.h"
#include <sys/time.h>
#include <sys/timerfd.h>

static volatile int alarms;
static void count(int s UNUSED) { alarms++; }

static void itimer(const char *name, int which, int signo) {
	struct itimerval v = {{LONG_MAX, 0}, {0, 1000}}, now;
	signal(signo, count);
	alarms = 0;
	fact("%s: %s", name, setitimer(which, &v, 0) ? ename(errno) : "armed");
	while (alarms == 0)
		;
	getitimer(which, &now);
	fact("%d, more than a year left: %d", alarms, now.it_value.tv_sec > 31536000);
	setitimer(which, &(struct itimerval){0}, 0);
}

int main(void) {
	itimer("real", ITIMER_REAL, SIGALRM);
	itimer("virtual", ITIMER_VIRTUAL, SIGVTALRM);
	itimer("prof", ITIMER_PROF, SIGPROF);

	struct itimerspec s = {{LONG_MAX, 0}, {0, 1000000}}, left;
	uint64_t n = 0;
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	fact("timerfd: %d", timerfd_settime(fd, 0, &s, 0));
	fact("read: %zd, %d", read(fd, &n, 8), (int)n);
	timerfd_gettime(fd, &left);
	fact("more than a year left: %d", left.it_value.tv_sec > 31536000);

	timer_t t;
	struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	signal(SIGUSR1, count);
	alarms = 0;
	fact("timer: %d", timer_create(CLOCK_MONOTONIC, &e, &t));
	fact("settime: %d", timer_settime(t, 0, &s, 0));
	while (alarms == 0)
		usleep(1000);
	timer_gettime(t, &left);
	fact("%d, overrun %d, more than a year left: %d", alarms, timer_getoverrun(t), left.it_value.tv_sec > 31536000);
	return 0;
}
