// timerfd_create(2): counts, poll, absolute times, cancel, settime results, errors.
#include "../oracle.h"
#include <poll.h>
#include <sys/timerfd.h>

int main(void) {
	uint64_t n = 0;
	char small[4];
	struct itimerspec s = {{0, 0}, {0, 2000000}}, old;
	int fd = must(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
	show(fcntl(fd, F_GETFD));
	show(read(fd, &n, 8));
	show(timerfd_gettime(fd, &old));
	fact("unarmed %ld %ld", old.it_value.tv_sec, old.it_value.tv_nsec);
	show(timerfd_settime(fd, 0, &s, &old));
	struct pollfd p = {fd, POLLIN | POLLOUT};
	show(poll(&p, 1, 5000));
	yes(p.revents == POLLIN);
	show(read(fd, small, 4));
	show(read(fd, &n, 8));
	fact("count %lu", n);
	show(read(fd, &n, 8));
	show(poll(&p, 1, 0));
	s.it_interval.tv_nsec = 1000000;
	must(timerfd_settime(fd, 0, &s, NULL));
	usleep(10000);
	show(read(fd, &n, 8));
	yes(n >= 5);
	must(timerfd_gettime(fd, &old));
	yes(old.it_interval.tv_nsec == 1000000 && old.it_value.tv_nsec <= 1000000);
	usleep(3000);
	s = (struct itimerspec){{0, 0}, {100, 0}};
	must(timerfd_settime(fd, 0, &s, NULL)); // forgets what has expired
	show(read(fd, &n, 8));
	s.it_value = (struct timespec){0, 1}; // absolute and past
	must(timerfd_settime(fd, TFD_TIMER_ABSTIME, &s, &old));
	yes(old.it_value.tv_sec > 90);
	show(poll(&p, 1, 5000));
	s.it_value.tv_nsec = 0;
	must(timerfd_settime(fd, 0, &s, NULL)); // disarms
	show(read(fd, &n, 8));
	must(fcntl(fd, F_SETFL, 0));
	s.it_value.tv_nsec = 5000000;
	must(timerfd_settime(fd, 0, &s, NULL));
	show(read(fd, &n, 8)); // waits
	show(write(fd, &n, 8));
	show(lseek(fd, 0, SEEK_SET));
	s.it_value.tv_nsec = 1000000000;
	show(timerfd_settime(fd, 0, &s, NULL));
	s.it_value.tv_nsec = 1;
	show(timerfd_settime(fd, 8, &s, NULL));
	show(timerfd_settime(0, 0, &s, NULL));
	show(timerfd_settime(999, 0, &s, NULL));
	show(timerfd_gettime(0, &s));
	show(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0));
	show(timerfd_create(99, 0));
	show(timerfd_create(CLOCK_REALTIME, 1));
	ok(timerfd_create(CLOCK_BOOTTIME, 0));
	int rt = must(timerfd_create(CLOCK_REALTIME, 0));
	s = (struct itimerspec){{0, 0}, {1, 0}};
	show(timerfd_settime(rt, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &s, NULL));
	show(read(rt, &n, 8));
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", rt);
	char *info = strstr(slurp(path), "clockid:");
	fact("%.10s", info);
	quiet(spawn(must(timerfd_settime(rt, TFD_TIMER_ABSTIME, &s, NULL)); show(read(rt, &n, 8))));
	return 0;
}
