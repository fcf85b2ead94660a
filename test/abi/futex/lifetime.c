// Futex words that go away: unmapped while waiting, remapped elsewhere, copied by fork.
#include "../oracle.h"
#include <linux/futex.h>
#define futex(...) sys(SYS_futex, __VA_ARGS__)
static int *w, tid_;
static struct gate g;
static void *waiter(void *a) {
	tid_ = sys(SYS_gettid);
	gate_open(g);
	struct timespec t = {0, 400000000}; // within which the others look, on a slow machine too
	return (void *)(long)err(futex(w, (long)a, 0, &t));
}
static pthread_t start(long op) {
	pthread_t t = thread(waiter, (void *)op);
	gate_pass(g);
	asleep(tid_);
	return t;
}

int main(void) {
	g = gate_new();
	int rw = PROT_READ | PROT_WRITE;
	w = mmap(NULL, PAGE, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_t t = start(FUTEX_WAIT_PRIVATE);
	must(munmap(w, PAGE));
	show(futex(w, FUTEX_WAKE_PRIVATE, 1)); // only the address counts
	fact("unmapped: %s", ename(join(t)));
	w = mmap(NULL, PAGE, rw, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	t = start(FUTEX_WAIT);
	int *moved = mremap(w, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, mmap(NULL, PAGE, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	show(futex(moved, FUTEX_WAKE, 1)); // shared: the page counts
	fact("moved, shared: %s", ename(join(t)));
	w = mmap(NULL, PAGE, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	*w = 0;
	t = start(FUTEX_WAIT);
	moved = mremap(w, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, mmap(NULL, PAGE, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	show(futex(moved, FUTEX_WAKE, 1));
	fact("moved, private: %s", ename(join(t)));
	w = mmap(NULL, PAGE, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	t = start(FUTEX_WAIT);
	quiet(spawn(*w = 1)); // the page becomes a copy somewhere
	*w = 0;
	show(futex(w, FUTEX_WAKE, 1));
	fact("after fork: %s", ename(join(t)));
	return 0;
}
