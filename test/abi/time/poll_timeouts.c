// Timeouts of poll, ppoll, select, epoll: never early, bounds, and what select leaves in its argument.
#include "../oracle.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#define late(ms, ...) ({ int64_t s_ = now_ns(CLOCK_MONOTONIC); show(__VA_ARGS__); fact("not early: %d", now_ns(CLOCK_MONOTONIC) - s_ >= (ms) * 1000000LL); })

int main(void) {
	struct epoll_event e;
	int ep = must(epoll_create1(0));
	late(4, poll(NULL, 0, 4));
	late(0, poll(NULL, 0, 0));
	struct timespec t = {0, 4000000};
	late(4, ppoll(NULL, 0, &t, NULL));
	fact("untouched by glibc: %ld", t.tv_nsec);
	late(4, sys(SYS_ppoll, NULL, 0, &t, NULL, 8));
	fact("the call itself leaves the rest: %ld", t.tv_nsec);
	struct timeval v = {0, 4000};
	late(4, select(0, NULL, NULL, NULL, &v));
	fact("rest %ld", (long)v.tv_usec);
	v = (struct timeval){0, 1000000}; // not normal: taken as one second, not refused
	int p[2];
	must(pipe(p));
	write(p[1], "x", 1);
	fd_set r;
	FD_ZERO(&r);
	FD_SET(p[0], &r);
	show(select(p[0] + 1, &r, NULL, NULL, &v));
	yes(v.tv_sec * 1000000 + v.tv_usec <= 1000000 && v.tv_sec * 1000000 + v.tv_usec > 500000);
	v = (struct timeval){-1, 0};
	show(select(0, NULL, NULL, NULL, &v));
	v = (struct timeval){0, -1};
	show(select(0, NULL, NULL, NULL, &v));
	t = (struct timespec){0, 1000000000};
	show(ppoll(NULL, 0, &t, NULL));
	t = (struct timespec){-1, 0};
	show(pselect(0, NULL, NULL, NULL, &t, NULL));
	late(4, epoll_wait(ep, &e, 1, 4));
	late(0, epoll_wait(ep, &e, 1, 0));
	t = (struct timespec){0, 4000000};
	late(4, sys(441, ep, &e, 1, &t, NULL, 8)); // epoll_pwait2
	t.tv_nsec = -1;
	show(sys(441, ep, &e, 1, &t, NULL, 8));
	show(epoll_wait(ep, &e, 0, 0));
	show(epoll_wait(ep, &e, -1, 0));
	show(epoll_wait(0, &e, 1, 0));
	show(epoll_wait(999, &e, 1, 0));
	return 0;
}
