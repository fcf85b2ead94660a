// setitimer(2), alarm(2): real, virtual, prof; what is left; intervals; exec and fork.
#include "../oracle.h"
#include <sys/time.h>
static volatile int calls[65];
static void handler(int s) { calls[s]++; }

int main(int argc, char **argv) {
	struct itimerval v = {{0, 0}, {100, 0}}, old;
	if (argc > 1) {
		must(getitimer(ITIMER_REAL, &old));
		fact("after exec: %d", old.it_value.tv_sec > 50);
		return 0;
	}
	show(alarm(0));
	show(alarm(50));
	show(alarm(10));
	show(setitimer(ITIMER_REAL, &v, &old));
	yes(old.it_value.tv_sec >= 8 && old.it_value.tv_sec <= 10);
	show(alarm(0) >= 98);
	must(setitimer(ITIMER_REAL, &v, NULL));
	quiet(spawn(getitimer(ITIMER_REAL, &old); fact("child: %ld %ld", old.it_value.tv_sec, (long)old.it_value.tv_usec)));
	quiet(spawn(setitimer(ITIMER_REAL, &v, NULL); char *args[] = {argv[0], "x", NULL}; execve("/proc/self/exe", args, NULL)));
	v.it_value.tv_usec = 1000000;
	show(setitimer(ITIMER_REAL, &v, NULL));
	v.it_value.tv_usec = -1;
	show(setitimer(ITIMER_REAL, &v, NULL));
	v = (struct itimerval){{0, 0}, {-1, 0}};
	show(setitimer(ITIMER_REAL, &v, NULL));
	show(setitimer(3, &v, NULL));
	show(getitimer(3, &v));
	show(sys(SYS_setitimer, ITIMER_REAL, 8, NULL));
	show(sys(SYS_getitimer, ITIMER_REAL, 8));
	show(sys(SYS_setitimer, ITIMER_REAL, NULL, &old)); // clears
	show(getitimer(ITIMER_REAL, &old));
	fact("cleared: %ld", old.it_value.tv_sec);
	on(SIGALRM, handler, 0), on(SIGVTALRM, handler, 0), on(SIGPROF, handler, 0);
	v = (struct itimerval){{0, 3000}, {0, 3000}};
	must(setitimer(ITIMER_REAL, &v, NULL));
	while (calls[SIGALRM] < 3)
		pause();
	must(getitimer(ITIMER_REAL, &old));
	yes(old.it_interval.tv_usec == 3000 && old.it_value.tv_usec <= 3000);
	v = (struct itimerval){{0, 0}, {0, 0}};
	must(setitimer(ITIMER_REAL, &v, NULL));
	v.it_value.tv_usec = 10000;
	must(setitimer(ITIMER_VIRTUAL, &v, NULL)), must(setitimer(ITIMER_PROF, &v, NULL));
	while (!calls[SIGVTALRM] || !calls[SIGPROF])
		;
	fact("once each: %d %d", calls[SIGVTALRM], calls[SIGPROF]);
	must(getitimer(ITIMER_VIRTUAL, &old));
	fact("expired: %ld %ld", old.it_value.tv_sec, (long)old.it_value.tv_usec);
	must(setitimer(ITIMER_VIRTUAL, &v, NULL));
	int vt = calls[SIGVTALRM];
	struct timespec t = {0, 20000000};
	nanosleep(&t, NULL); // asleep: no time passes for it
	fact("asleep: %d", calls[SIGVTALRM] - vt);
	return 0;
}
