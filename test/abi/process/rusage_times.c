// getrusage(2), times(2): what counts for self, children, thread; errors; only after waiting.
#include "../oracle.h"
#include <sys/times.h>
static long us(struct timeval t) { return t.tv_sec * 1000000 + t.tv_usec; }
static void burn(void) {
	struct rusage r;
	do
		getrusage(RUSAGE_THREAD, &r);
	while (us(r.ru_utime) + us(r.ru_stime) < 30000);
}

int main(void) {
	struct rusage r;
	struct tms t;
	must(getrusage(RUSAGE_CHILDREN, &r));
	yes(us(r.ru_utime) == 0 && us(r.ru_stime) == 0 && r.ru_maxrss == 0);
	pid_t pid = spawn(burn());
	await(pid, "Z");
	must(getrusage(RUSAGE_CHILDREN, &r));
	yes(us(r.ru_utime) + us(r.ru_stime) == 0); // not waited for
	struct rusage w;
	must(wait4(pid, NULL, 0, &w));
	yes(us(w.ru_utime) + us(w.ru_stime) >= 20000);
	must(getrusage(RUSAGE_CHILDREN, &r));
	yes(us(r.ru_utime) + us(r.ru_stime) >= 20000 && r.ru_maxrss > 0);
	must(times(&t));
	yes(t.tms_cutime + t.tms_cstime >= 2);
	pid = spawn(quiet(spawn(burn())));
	must(wait4(pid, NULL, 0, &w));
	yes(us(w.ru_utime) + us(w.ru_stime) >= 20000); // with its waited-for children
	must(getrusage(RUSAGE_SELF, &r));
	yes(us(r.ru_utime) + us(r.ru_stime) < 20000000 && r.ru_maxrss > 0);
	fact("unused: %ld %ld %ld %ld %ld", r.ru_ixrss, r.ru_idrss, r.ru_isrss, r.ru_msgsnd, r.ru_nsignals);
	long before = r.ru_minflt;
	char *p = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < 64; i++)
		p[i * PAGE] = 1;
	must(getrusage(RUSAGE_SELF, &r));
	yes(r.ru_minflt >= before);
	show(getrusage(5, &r));
	show(getrusage(RUSAGE_SELF, (void *)1));
	ok(times(NULL));
	ok(sys(SYS_times, 8));
	yes(now_ns(CLOCK_PROCESS_CPUTIME_ID) > 0 && now_ns(CLOCK_THREAD_CPUTIME_ID) > 0);
	return 0;
}
