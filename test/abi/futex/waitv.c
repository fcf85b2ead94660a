// futex_waitv(2): many words, which one woke, sizes and flags, errors.
#include "../oracle.h"
#include <linux/futex.h>
#define waitv(...) sys(449, __VA_ARGS__)
static uint32_t w[4];
static struct futex_waitv v[130];
static struct gate g;
static int tid_;
static void *waiter(void *a) {
	tid_ = sys(SYS_gettid);
	gate_open(g);
	return (void *)waitv(v, 4, 0, NULL, 0);
}

int main(void) {
	struct timespec past = {0, 0}, bad = {0, -1};
	for (int i = 0; i < 4; i++)
		v[i] = (struct futex_waitv){.uaddr = (uintptr_t)&w[i], .flags = FUTEX_32 | FUTEX_PRIVATE_FLAG};
	show(waitv(v, 0, 0, NULL, 0));
	show(waitv(v, 129, 0, NULL, 0));
	show(waitv(v, 4, 1, NULL, 0));
	show(waitv(NULL, 4, 0, NULL, 0));
	show(waitv(8, 4, 0, NULL, 0));
	show(waitv(v, 4, 0, &past, CLOCK_MONOTONIC));
	show(waitv(v, 4, 0, &past, CLOCK_REALTIME));
	show(waitv(v, 4, 0, &past, CLOCK_BOOTTIME));
	show(waitv(v, 4, 0, &bad, CLOCK_MONOTONIC));
	w[2] = 1;
	show(waitv(v, 4, 0, NULL, 0));
	w[2] = 0;
	v[1].flags = FUTEX_PRIVATE_FLAG; // no size
	show(waitv(v, 4, 0, NULL, 0));
	v[1].flags = FUTEX_32 | 0x40;
	show(waitv(v, 4, 0, NULL, 0));
	v[1].flags = FUTEX_32, v[1].__reserved = 1;
	show(waitv(v, 4, 0, NULL, 0));
	v[1].__reserved = 0, v[1].val = 1UL << 32;
	show(waitv(v, 4, 0, NULL, 0));
	v[1].val = 0, v[1].uaddr++;
	show(waitv(v, 4, 0, NULL, 0));
	v[1].uaddr--, v[1].flags |= FUTEX_PRIVATE_FLAG;
	g = gate_new();
	for (int i = 3; i >= 0; i--) {
		pthread_t t = thread(waiter, NULL);
		gate_pass(g);
		asleep(tid_);
		show(sys(SYS_futex, &w[i], FUTEX_WAKE_PRIVATE, 1));
		fact("index %ld", join(t));
	}
	return 0;
}
