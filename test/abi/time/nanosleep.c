// nanosleep(2), clock_nanosleep: bounds, remainder, absolute times, clocks, errors.
#include "../oracle.h"
static void handler(int s) {}

int main(void) {
	struct timespec t = {0, 5000000}, rem = {7, 7}, bad = {0, 1000000000}, neg = {-1, 0}, zero = {0, 0};
	int64_t start = now_ns(CLOCK_MONOTONIC);
	show(nanosleep(&t, &rem));
	yes(now_ns(CLOCK_MONOTONIC) - start >= 5000000);
	fact("remainder untouched: %ld %ld", rem.tv_sec, rem.tv_nsec);
	show(nanosleep(&bad, NULL));
	show(nanosleep(&neg, NULL));
	show(nanosleep(&zero, NULL));
	show(nanosleep((void *)8, NULL));
#define clock(...) fact("clock_nanosleep(%s): %s", #__VA_ARGS__, ename(clock_nanosleep(__VA_ARGS__)))
	clock(CLOCK_MONOTONIC, 0, &t, NULL);
	clock(CLOCK_REALTIME, TIMER_ABSTIME, &t, NULL); // past
	clock(CLOCK_MONOTONIC, TIMER_ABSTIME, &neg, NULL);
	clock(CLOCK_BOOTTIME, 0, &t, NULL);
	clock(CLOCK_TAI, TIMER_ABSTIME, &zero, NULL);
	clock(CLOCK_PROCESS_CPUTIME_ID, TIMER_ABSTIME, &zero, NULL);
	clock(CLOCK_MONOTONIC_RAW, 0, &t, NULL);
	clock(CLOCK_MONOTONIC_COARSE, 0, &t, NULL);
	clock(99, 0, &t, NULL);
	fact("thread clock: %s", ename(err(sys(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &t, NULL))));
	clock(CLOCK_MONOTONIC, 64, &zero, NULL);
	struct timespec abs;
	clock_gettime(CLOCK_MONOTONIC, &abs);
	abs.tv_nsec += 5000000, abs.tv_sec += abs.tv_nsec / 1000000000, abs.tv_nsec %= 1000000000;
	clock(CLOCK_MONOTONIC, TIMER_ABSTIME, &abs, NULL);
	yes(now_ns(CLOCK_MONOTONIC) >= abs.tv_sec * 1000000000LL + abs.tv_nsec);
	on(SIGUSR1, handler, SA_RESTART);
	pid_t me = getpid(), pid = spawn(asleep(me); kill(me, SIGUSR1));
	t.tv_sec = 100;
	show(nanosleep(&t, &rem));
	yes(rem.tv_sec <= 100 && rem.tv_sec > 80);
	quiet(pid);
	pid = spawn(asleep(me); kill(me, SIGUSR1));
	rem.tv_sec = 7;
	abs.tv_sec += 100;
	clock(CLOCK_MONOTONIC, TIMER_ABSTIME, &abs, &rem);
	fact("absolute: remainder untouched: %ld", rem.tv_sec);
	quiet(pid);
	pid = spawn(asleep(me); kill(me, SIGUSR1));
	fact("bad remainder pointer: %s", ename(err(nanosleep(&t, (void *)8))));
	quiet(pid);
	struct gate g = gate_new();
	pid = spawn(gate_open(g); t = (struct timespec){0, 400000000}; start = now_ns(CLOCK_MONOTONIC); show(nanosleep(&t, NULL)); yes(now_ns(CLOCK_MONOTONIC) - start >= 400000000));
	gate_pass(g);
	kill(pid, SIGSTOP);
	await(pid, "T");
	kill(pid, SIGCONT); // goes on by itself
	quiet(pid);
	return 0;
}
