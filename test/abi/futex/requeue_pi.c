// FUTEX_WAIT_REQUEUE_PI and FUTEX_CMP_REQUEUE_PI: a condition variable over a PI lock.
#include "../oracle.h"
#include <linux/futex.h>
#define futex(...) sys(SYS_futex, __VA_ARGS__)
static int cond, lock, tids[3], order[3], n;
static struct gate g;
static void *waiter(void *p) {
	*(int *)p = sys(SYS_gettid);
	gate_open(g);
	long e = err(futex(&cond, FUTEX_WAIT_REQUEUE_PI_PRIVATE, 0, NULL, &lock, 0));
	if (e == 0) {
		order[n++] = (lock & FUTEX_TID_MASK) == *(int *)p;
		futex(&lock, FUTEX_UNLOCK_PI_PRIVATE);
	}
	return (void *)e;
}

int main(void) {
	pthread_t t[3];
	g = gate_new();
	struct timespec past = {0, 0};
	show(futex(&cond, FUTEX_WAIT_REQUEUE_PI_PRIVATE, 1, NULL, &lock, 0));
	show(futex(&cond, FUTEX_WAIT_REQUEUE_PI_PRIVATE, 0, &past, &lock, 0));
	show(futex(&cond, FUTEX_WAIT_REQUEUE_PI_PRIVATE, 0, NULL, &cond, 0));
	show(futex(&cond, FUTEX_CMP_REQUEUE_PI_PRIVATE, 2, 1, &lock, 0)); // must wake exactly one
	show(futex(&cond, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, 1, &lock, 5));
	show(futex(&cond, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, 1, &cond, 0));
	show(futex(&cond, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, 1, &lock, 0));
	for (int i = 0; i < 3; i++)
		t[i] = thread(waiter, &tids[i]), gate_pass(g), asleep(tids[i]);
	show(futex(&cond, FUTEX_WAKE_PRIVATE, 1)); // such a waiter is not for WAKE
	must(futex(&lock, FUTEX_LOCK_PI_PRIVATE, 0, NULL));
	show(futex(&cond, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, INT_MAX, &lock, 0));
	yes((unsigned)lock == (sys(SYS_gettid) | FUTEX_WAITERS));
	show(futex(&lock, FUTEX_UNLOCK_PI_PRIVATE));
	for (int i = 0; i < 3; i++)
		fact("waiter: %s", ename(join(t[i])));
	fact("owners: %d %d %d", order[0], order[1], order[2]);
	show(lock & FUTEX_TID_MASK);
	return 0;
}
