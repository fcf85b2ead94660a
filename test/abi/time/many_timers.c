// Many timers of each kind at once: they expire in order of their times, none is lost.
#include "../oracle.h"
#include <sys/epoll.h>
#include <sys/timerfd.h>
static volatile int order[40], count;
static void handler(int s, siginfo_t *i, void *u) {
	if (count < 40)
		order[count++] = i->si_value.sival_int;
}

static int64_t ns(struct timespec *t) { return t->tv_sec * 1000000000LL + t->tv_nsec; }

int main(void) {
	int ep = must(epoll_create1(0)), fds[30], sorted = 1, n = 0, seen[30] = {0};
	struct timespec now = {0, 0};
	for (int i = 0; i < 30; i++) {
		struct epoll_event e = {EPOLLIN | EPOLLONESHOT, {.u32 = i * 17 % 30}};
		fds[i] = must(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK)), must(epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &e));
	}
	for (int64_t first = 0; ns(&now) >= first;) { // again, if some would have been set after the first has expired
		must(clock_gettime(CLOCK_MONOTONIC, &now));
		first = ns(&now) + 300000000;
		for (int i = 0; i < 30; i++) {
			int64_t at = first + (i * 17 % 30) * 2000000; // shuffled, two milliseconds apart
			struct itimerspec s = {{0, 0}, {at / 1000000000, at % 1000000000}};
			must(timerfd_settime(fds[i], TFD_TIMER_ABSTIME, &s, NULL));
		}
		must(clock_gettime(CLOCK_MONOTONIC, &now));
	}
	for (int last = -1; n < 30;) {
		struct epoll_event e;
		must(epoll_wait(ep, &e, 1, 5000));
		sorted &= (int)e.data.u32 > last, last = e.data.u32, seen[last]++, n++;
	}
	int each = 1;
	for (int i = 0; i < 30; i++)
		each &= seen[i] == 1;
	fact("timerfd: in order %d, each once %d", sorted, each);
	struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
	must(sigaction(34, &a, NULL));
	timer_t t[20];
	must(clock_gettime(CLOCK_MONOTONIC, &now));
	for (int i = 0; i < 20; i++) { // all are set before the first expires
		struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = 34, .sigev_value.sival_int = i * 7 % 20};
		int64_t at = ns(&now) + 300000000 + (i * 7 % 20) * 3000000;
		struct itimerspec s = {{0, 0}, {at / 1000000000, at % 1000000000}};
		must(timer_create(CLOCK_MONOTONIC, &e, &t[i])), must(timer_settime(t[i], TIMER_ABSTIME, &s, NULL));
	}
	while (count < 20)
		pause();
	int up = 0;
	for (int i = 1; i < 20; i++)
		up += order[i] > order[i - 1];
	fact("signals: %d, most in order %d", count, up >= 17);
	return 0;
}
