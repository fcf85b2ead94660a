// A waiting futex and signals: restart with the rest of a relative timeout, EINTR, wake while a handler runs.
#include "../oracle.h"
#include <linux/futex.h>
#define futex(...) sys(SYS_futex, __VA_ARGS__)
static int *w;
static struct gate g, h;
static void handler(int s) {
	gate_open(g);
	gate_pass(h);
}

int main(void) {
	w = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	g = gate_new(), h = gate_new();
	pid_t pid = spawn(on(SIGUSR1, handler, SA_RESTART); gate_open(g); show(futex(w, FUTEX_WAIT, 0, NULL)));
	gate_pass(g);
	asleep(pid);
	kill(pid, SIGUSR1);
	gate_pass(g); // in the handler: no waiter now
	fact("woken while the handler runs: %ld", futex(w, FUTEX_WAKE, 1));
	*w = 1;
	gate_open(h);
	quiet(pid); // restarted: the value differs
	*w = 0;
	pid = spawn(on(SIGUSR1, handler, 0); gate_open(g); show(futex(w, FUTEX_WAIT, 0, NULL)));
	gate_pass(g);
	asleep(pid);
	kill(pid, SIGUSR1);
	gate_pass(g);
	gate_open(h);
	quiet(pid);
	pid = spawn(gate_open(g); struct timespec t = {0, 400000000}; int64_t s = now_ns(CLOCK_MONOTONIC);
		    show(futex(w, FUTEX_WAIT, 0, &t)); yes(now_ns(CLOCK_MONOTONIC) - s >= 400000000));
	gate_pass(g);
	asleep(pid);
	kill(pid, SIGSTOP); // stopping and going on without a handler: the wait goes on
	await(pid, "T");
	kill(pid, SIGCONT);
	quiet(pid);
	pid = spawn(on(SIGUSR1, handler, SA_RESTART); gate_open(g); show(futex(w, FUTEX_WAIT, 0, NULL)));
	gate_pass(g);
	asleep(pid);
	kill(pid, SIGSTOP);
	await(pid, "T");
	*w = 3;
	kill(pid, SIGCONT);
	quiet(pid);
	return 0;
}
