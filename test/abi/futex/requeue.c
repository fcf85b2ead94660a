// FUTEX_REQUEUE, FUTEX_CMP_REQUEUE: how many wake, how many move, who wakes them then.
#include "../oracle.h"
#include <linux/futex.h>
#define futex(...) sys(SYS_futex, __VA_ARGS__)
static int a, b, tids[5], woken;
static struct gate g;
static void *waiter(void *p) {
	*(int *)p = sys(SYS_gettid);
	gate_open(g);
	must(futex(&a, FUTEX_WAIT, 0, NULL, NULL, 0));
	__atomic_fetch_add(&woken, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

int main(void) {
	pthread_t t[5];
	g = gate_new();
	show(futex(&a, FUTEX_CMP_REQUEUE, 1, 1, &b, 5)); // value differs
	show(futex(&a, FUTEX_CMP_REQUEUE, 1, 1, &b, 0));
	show(futex(&a, FUTEX_REQUEUE, 1, -1, &b, 0));
	show(futex(&a, FUTEX_REQUEUE, -1, 1, &b, 0));
	show(futex(&a, FUTEX_REQUEUE, 1, 1, (char *)&b + 1, 0));
	show(futex(&a, FUTEX_CMP_REQUEUE, 1, 1, 8, 0));
	for (int i = 0; i < 5; i++)
		t[i] = thread(waiter, &tids[i]), gate_pass(g), asleep(tids[i]);
	show(futex(&a, FUTEX_CMP_REQUEUE, 1, 2, &b, 0)); // woken and moved
	show(futex(&b, FUTEX_WAKE, 1));
	show(futex(&a, FUTEX_REQUEUE, 0, 1, &b, 0)); // only woken are counted by REQUEUE
	show(futex(&b, FUTEX_WAKE, 10));
	show(futex(&a, FUTEX_REQUEUE, 0, 10, &a, 0)); // onto itself
	show(futex(&a, FUTEX_WAKE, 10));
	for (int i = 0; i < 5; i++)
		join(t[i]);
	show(woken);
	return 0;
}
