// FUTEX_WAIT and FUTEX_WAKE: values, counts, timeouts, bits, clocks, errors.
#include "../oracle.h"
#include <linux/futex.h>
#define futex(...) sys(SYS_futex, __VA_ARGS__)
static int word, tids[4];
static struct gate g;
static void *waiter(void *a) {
	*(int *)a = sys(SYS_gettid);
	gate_open(g);
	return (void *)(long)err(futex(&word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0));
}
static void *bit_waiter(void *a) {
	*(int *)a = sys(SYS_gettid);
	gate_open(g);
	return (void *)(long)err(futex(&word, FUTEX_WAIT_BITSET, 0, NULL, NULL, a == &tids[0] ? 1 : 2));
}

int main(void) {
	struct timespec shortly = {0, 3000000}, bad = {0, -1}, past = {0, 0}, abs;
	pthread_t t[4];
	g = gate_new();
	show(futex(&word, FUTEX_WAKE, 1));
	show(futex(&word, FUTEX_WAIT, 1, NULL));
	show(futex(&word, FUTEX_WAIT, 0, &shortly));
	show(futex(&word, FUTEX_WAIT, 0, &bad));
	show(futex(&word, FUTEX_WAIT, 0, 8));
	show(futex((char *)&word + 1, FUTEX_WAIT, 0, &shortly));
	show(futex((char *)&word + 1, FUTEX_WAKE, 1));
	show(futex(8, FUTEX_WAIT, 0, &shortly));
	show(futex(8, FUTEX_WAKE, 1));
	show(futex(8, FUTEX_WAKE_PRIVATE, 1)); // the key is only an address
	show(futex(0xffff800000000000, FUTEX_WAKE_PRIVATE, 1));
	show(futex(&word, 77, 1));
	show(futex(&word, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0));
	show(futex(&word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0));
	show(futex(&word, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, 0, &past));
	show(futex(&word, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1));
	show(futex(&word, FUTEX_FD, 1));
	show(futex(&word, FUTEX_WAIT_BITSET, 0, &past, NULL, -1));
	clock_gettime(CLOCK_MONOTONIC, &abs);
	abs.tv_nsec += 2000000, abs.tv_sec += abs.tv_nsec / 1000000000, abs.tv_nsec %= 1000000000;
	show(futex(&word, FUTEX_WAIT_BITSET, 0, &abs, NULL, -1));
	yes(now_ns(CLOCK_MONOTONIC) >= abs.tv_sec * 1000000000LL + abs.tv_nsec);
	clock_gettime(CLOCK_REALTIME, &abs);
	show(futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &abs, NULL, -1));
	for (int i = 0; i < 4; i++)
		t[i] = thread(waiter, &tids[i]), gate_pass(g);
	for (int i = 0; i < 4; i++)
		asleep(tids[i]);
	show(futex(&word, FUTEX_WAKE, 10)); // shared and private are different keys
	show(futex(&word, FUTEX_WAKE_PRIVATE, 1));
	show(futex(&word, FUTEX_WAKE_PRIVATE, 0)); // wakes one
	show(futex(&word, FUTEX_WAKE_PRIVATE, INT_MAX));
	show(futex(&word, FUTEX_WAKE_PRIVATE, INT_MAX));
	for (int i = 0; i < 4; i++)
		fact("waiter: %s", ename(join(t[i])));
	for (int i = 0; i < 2; i++)
		t[i] = thread(bit_waiter, &tids[i]), gate_pass(g), asleep(tids[i]);
	show(futex(&word, FUTEX_WAKE_BITSET, 9, NULL, NULL, 4));
	show(futex(&word, FUTEX_WAKE_BITSET, 9, NULL, NULL, 2));
	show(futex(&word, FUTEX_WAKE, 9));
	join(t[0]), join(t[1]);
	return 0;
}
