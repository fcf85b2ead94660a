// FUTEX_WAKE_OP: every operation and comparison, on the word and on the counts.
#include "../oracle.h"
#include <linux/futex.h>
#define futex(...) sys(SYS_futex, __VA_ARGS__)
static int a, b, tids[2];
static struct gate g;
static void *waiter(void *p) {
	*(int *)p = sys(SYS_gettid);
	gate_open(g);
	return (void *)(long)err(futex(p == &tids[0] ? &a : &b, FUTEX_WAIT, p == &tids[0] ? a : b, NULL, NULL, 0));
}

int main(void) {
	static const char *ops[] = {"set", "add", "or", "andn", "xor"};
	for (int op = 0; op < 5; op++) {
		b = 12;
		long r = futex(&a, FUTEX_WAKE_OP, 1, 1, &b, FUTEX_OP(op, 5, FUTEX_OP_CMP_EQ, 0));
		fact("%s 5: %ld, word %d", ops[op], r, b);
		b = 12;
		r = futex(&a, FUTEX_WAKE_OP, 1, 1, &b, FUTEX_OP(op | FUTEX_OP_OPARG_SHIFT, 2, FUTEX_OP_CMP_EQ, 0));
		fact("%s 1<<2: %ld, word %d", ops[op], r, b);
	}
	b = 7;
	futex(&a, FUTEX_WAKE_OP, 1, 1, &b, FUTEX_OP(FUTEX_OP_ADD, 0xfff, FUTEX_OP_CMP_EQ, 0)); // -1: signed
	fact("add -1: %d", b);
	show(futex(&a, FUTEX_WAKE_OP, 1, 1, &b, FUTEX_OP(7, 1, FUTEX_OP_CMP_EQ, 0)));
	show(futex(&a, FUTEX_WAKE_OP, 1, 1, &b, FUTEX_OP(0, 1, 9, 0)));
	show(futex(&a, FUTEX_WAKE_OP, 1, 1, 8, 0));
	show(futex(8, FUTEX_WAKE_OP, 1, 1, &b, 0));
	show(futex(&a, FUTEX_WAKE_OP, 1, 1, (char *)&b + 1, 0));
	static const char *cmps[] = {"eq", "ne", "lt", "le", "gt", "ge"};
	g = gate_new();
	for (int cmp = 0; cmp < 6; cmp++)
		for (int old = 4; old <= 6; old++) {
			pthread_t t[2];
			b = old;
			for (int i = 0; i < 2; i++)
				t[i] = thread(waiter, &tids[i]), gate_pass(g);
			asleep(tids[0]), asleep(tids[1]);
			fact("%d %s 5: woken %ld", old, cmps[cmp], futex(&a, FUTEX_WAKE_OP, 1, 1, &b, FUTEX_OP(FUTEX_OP_SET, 0, cmp, 5)));
			futex(&b, FUTEX_WAKE, 1);
			join(t[0]), join(t[1]);
		}
	return 0;
}
