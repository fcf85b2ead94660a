// clock_gettime(2), clock_getres, clock_settime, clocks of other processes, gettimeofday, time.
#include "../oracle.h"
#include <sys/time.h>

int main(void) {
	struct timespec t;
	struct timeval tv;
	for (int c = -1; c < 13; c++)
		if (c != CLOCK_REALTIME_ALARM && c != CLOCK_BOOTTIME_ALARM) // those need a device
			fact("clock %d: get %s res %s", c, ename(err(sys(SYS_clock_gettime, c, &t))), ename(err(sys(SYS_clock_getres, c, NULL))));
	static const int high[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID};
	for (unsigned i = 0; i < COUNT(high); i++) {
		must(clock_getres(high[i], &t));
		fact("resolution of %d: %ld.%09ld", high[i], t.tv_sec, t.tv_nsec);
		int64_t a = now_ns(high[i]), b = now_ns(high[i]);
		yes(a <= b && a > 0);
	}
	int64_t r = now_ns(CLOCK_REALTIME), tai = now_ns(CLOCK_TAI), coarse = now_ns(CLOCK_REALTIME_COARSE);
	yes(tai - r >= 0 && tai - r < 40000000000LL && r - coarse < 1000000000);
	yes(now_ns(CLOCK_BOOTTIME) >= now_ns(CLOCK_MONOTONIC) - 1000000000);
	must(gettimeofday(&tv, NULL));
	yes(llabs(tv.tv_sec * 1000000LL + tv.tv_usec - r / 1000) < 1000000 && llabs(time(NULL) - tv.tv_sec) <= 1);
	long raw;
	yes(sys(SYS_time, &raw) == raw);
	show(sys(SYS_time, 8));
	struct timezone tz = {9, 9};
	show(gettimeofday(NULL, &tz));
	fact("zone %d %d", tz.tz_minuteswest, tz.tz_dsttime);
	show(sys(SYS_gettimeofday, 8, NULL));
	show(sys(SYS_clock_gettime, CLOCK_MONOTONIC, 8));
	show(sys(SYS_clock_settime, CLOCK_MONOTONIC, &t));
	show(sys(SYS_clock_settime, CLOCK_PROCESS_CPUTIME_ID, &t));
	t = (struct timespec){0, -1};
	show(sys(SYS_clock_settime, CLOCK_REALTIME, &t));
	show(sys(SYS_clock_settime, CLOCK_REALTIME, 8));
	clockid_t cpu;
	struct gate g = gate_new();
	pid_t pid = spawn(for (volatile int i = 0; i < 30000000; i++); gate_open(g); pause());
	gate_pass(g);
	fact("clock of a child: %s", ename(clock_getcpuclockid(pid, &cpu)));
	yes(now_ns(cpu) > 1000000);
	show(sys(SYS_clock_settime, cpu, &t));
	kill(pid, SIGKILL);
	reap("child", pid);
	show(clock_gettime(cpu, &t));
	fact("no process: %s", ename(clock_getcpuclockid(999999, &cpu)));
	pthread_getcpuclockid(pthread_self(), &cpu);
	yes(now_ns(cpu) > 0);
	must(setuid(1000));
	t = (struct timespec){1, 0};
	show(sys(SYS_clock_settime, CLOCK_REALTIME, &t));
	show(settimeofday(&tv, NULL));
	return 0;
}
