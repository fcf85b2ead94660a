// The owner of a PI futex dies: in turn its waiters get it, between processes too; later ones are told.
#include "../oracle.h"
#include <linux/futex.h>
#define futex(...) sys(SYS_futex, __VA_ARGS__)
static int *w, *order;
static pid_t waits(int n) {
	pid_t pid = spawn({
		long r = futex(w, FUTEX_LOCK_PI, 0, NULL);
		order[__atomic_fetch_add(order, 1, __ATOMIC_SEQ_CST) + 1] = n;
		fact("waiter %d: %s, mine %d died %d", n, r ? ename(errno) : "ok", (*w & FUTEX_TID_MASK) == (int)sys(SYS_gettid), (*w & FUTEX_OWNER_DIED) != 0);
		if (n == 1)
			_exit(0); // keeps it: the next one's turn
		fact("unlock: %s", ename(err(futex(w, FUTEX_UNLOCK_PI))));
	});
	asleep(pid);
	return pid;
}

int main(void) {
	int *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct gate g = gate_new();
	w = page, order = page + 16;
	pid_t owner = spawn(must(futex(w, FUTEX_LOCK_PI, 0, NULL)); gate_open(g); pause());
	gate_pass(g);
	pid_t a = waits(1), b = waits(2);
	fact("waiters bit %d", (*w & FUTEX_WAITERS) != 0);
	kill(owner, SIGKILL), must(waitpid(owner, NULL, 0)), quiet(a), quiet(b);
	fact("order %d %d", order[1], order[2]);
	fact("free: %d", (*w & FUTEX_TID_MASK) == 0);
	*w = 0;
	owner = spawn(must(futex(w, FUTEX_LOCK_PI, 0, NULL)); gate_open(g); pause());
	gate_pass(g), kill(owner, SIGKILL), must(waitpid(owner, NULL, 0));
	show(futex(w, FUTEX_LOCK_PI, 0, NULL)); // nobody waited
	show(futex(w, FUTEX_TRYLOCK_PI));
	return 0;
}
