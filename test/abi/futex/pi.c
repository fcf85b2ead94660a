// Priority inheritance futexes: lock, trylock, unlock, deadlock, timeouts, owner's death.
#include "../oracle.h"
#include <linux/futex.h>
#define futex(...) sys(SYS_futex, __VA_ARGS__)
static int *w, tid_;
static struct gate g;
static void *waiter(void *a) {
	tid_ = sys(SYS_gettid);
	gate_open(g);
	long e = err(futex(w, FUTEX_LOCK_PI, 0, NULL));
	int mine = (*w & FUTEX_TID_MASK) == tid_;
	futex(w, FUTEX_UNLOCK_PI);
	return (void *)(e * 10 + mine);
}

int main(void) {
	w = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	g = gate_new();
	struct timespec soon;
	show(futex(w, FUTEX_LOCK_PI, 0, NULL));
	yes(*w == sys(SYS_gettid));
	show(futex(w, FUTEX_LOCK_PI, 0, NULL)); // own lock
	show(futex(w, FUTEX_TRYLOCK_PI, 0, NULL));
	show(futex(w, FUTEX_UNLOCK_PI));
	show(*w);
	show(futex(w, FUTEX_UNLOCK_PI)); // not the owner
	show(futex(w, FUTEX_TRYLOCK_PI));
	pthread_t t = thread(waiter, NULL);
	gate_pass(g);
	asleep(tid_);
	yes((unsigned)*w == (sys(SYS_gettid) | FUTEX_WAITERS));
	show(futex(w, FUTEX_WAKE, 1)); // not for those
	show(futex(w, FUTEX_WAIT, *w, &(struct timespec){0, 1000000}));
	show(futex(w, FUTEX_UNLOCK_PI)); // hands over
	show(join(t));
	show(*w & FUTEX_TID_MASK);
	*w = 999999;
	show(futex(w, FUTEX_LOCK_PI, 0, NULL)); // an owner that is not there
	*w = 0;
	pid_t pid = spawn(must(futex(w, FUTEX_LOCK_PI, 0, NULL)); gate_open(g); pause());
	gate_pass(g);
	clock_gettime(CLOCK_REALTIME, &soon);
	soon.tv_nsec += 3000000, soon.tv_sec += soon.tv_nsec / 1000000000, soon.tv_nsec %= 1000000000;
	show(futex(w, FUTEX_LOCK_PI, 0, &soon));
	show(futex(w, FUTEX_TRYLOCK_PI));
	show(futex(w, FUTEX_UNLOCK_PI));
	struct timespec mono;
	clock_gettime(CLOCK_MONOTONIC, &mono);
	show(futex(w, 13, 0, &mono)); // FUTEX_LOCK_PI2: by the monotonic clock
	pid_t me = sys(SYS_gettid), killer = spawn(asleep(me); kill(pid, SIGKILL));
	long r = futex(w, FUTEX_LOCK_PI, 0, NULL); // the owner dies without a robust list
	fact("owner's death: %s", r == -1 ? ename(errno) : "ok");
	quiet(killer);
	waitpid(pid, NULL, 0);
	yes((*w & FUTEX_TID_MASK) == me);
	fact("died bit: %d", (*w & FUTEX_OWNER_DIED) != 0);
	show(futex(w, FUTEX_UNLOCK_PI));
	show(futex((char *)w + 1, FUTEX_LOCK_PI, 0, NULL));
	show(futex(8, FUTEX_LOCK_PI, 0, NULL));
	show(futex(w, FUTEX_LOCK_PI, 0, &(struct timespec){0, -1}));
	return 0;
}
