// The time that a process and its threads have used never goes back, whoever looks while it computes and calls.
#include "../oracle.h"
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>

static atomic_int stop;

static void *worker(void *clock)
{
	volatile unsigned n = 0;
	must(pthread_getcpuclockid(pthread_self(), clock) ? -1 : 0);
	atomic_store(&stop, 1);
	while (atomic_load(&stop) != 2) {
		for (int i = 0; i < 20000; i++)
			n++;
		syscall(SYS_getpgid, getppid());
	}
	return NULL;
}

static long long at(clockid_t clock)
{
	struct timespec t;
	must(clock_gettime(clock, &t));
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(void)
{
	clockid_t clocks[2] = {CLOCK_PROCESS_CPUTIME_ID};
	long long last[2] = {0, 0};
	int back[2] = {0, 0};
	pthread_t t;
	must(pthread_create(&t, NULL, worker, &clocks[1]) ? -1 : 0);
	while (!atomic_load(&stop))
		sched_yield();
	for (int i = 0; i < 100000; i++) {
		long long now = at(clocks[i & 1]);
		back[i & 1] += now < last[i & 1];
		last[i & 1] = now;
	}
	atomic_store(&stop, 2);
	must(pthread_join(t, NULL) ? -1 : 0);
	printf("process back %d, thread back %d\n", back[0], back[1]);
	printf("both have used time: %d\n", last[0] > 0 && last[1] > 0);
}
