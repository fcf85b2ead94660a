// nice, getpriority, setpriority: ranges, who may, groups and users.
#include "../oracle.h"
static int got;
static void *one(void *arg) { // the call sets one thread only
	must(setpriority(PRIO_PROCESS, 0, 11));
	got = getpriority(PRIO_PROCESS, 0);
	return NULL;
}

int main(void) {
	errno = 0;
	show(sys(SYS_getpriority, PRIO_PROCESS, 0)); // 20 - nice
	show(nice(3)), show(getpriority(PRIO_PROCESS, 0)), show(setpriority(PRIO_PROCESS, 0, 100)), show(getpriority(PRIO_PROCESS, 0)), show(setpriority(PRIO_PROCESS, 0, -100)), show(sys(SYS_getpriority, PRIO_PROCESS, 0));
	show(setpriority(PRIO_PROCESS, 0, 5)), quiet(spawn(show(getpriority(PRIO_PROCESS, 0))));
	show(getpriority(9, 0)), show(getpriority(PRIO_PROCESS, 999999)), show(setpriority(PRIO_PROCESS, 999999, 1)), show(setpriority(9, 0, 1)), show(getpriority(PRIO_PGRP, 999999)), show(getpriority(PRIO_USER, 999999));
	struct gate g = gate_new();
	pid_t a = spawn(setpgid(0, 0); gate_open(g); pause());
	gate_pass(g);
	pid_t b = spawn(setpgid(0, a); must(setpriority(PRIO_PROCESS, 0, 12)); gate_open(g); pause());
	gate_pass(g);
	show(getpriority(PRIO_PGRP, a)); // the best of them
	show(setpriority(PRIO_PGRP, a, 7)), show(getpriority(PRIO_PROCESS, a)), show(getpriority(PRIO_PROCESS, b));
	pid_t c = spawn(must(setuid(4321)); gate_open(g); pause());
	gate_pass(g);
	show(getpriority(PRIO_USER, 4321)), show(setpriority(PRIO_USER, 4321, 9)), show(getpriority(PRIO_PROCESS, c));
	quiet(spawn(must(setuid(4321)); show(setpriority(PRIO_PROCESS, c, 10)); show(setpriority(PRIO_PROCESS, c, 9)); show(setpriority(PRIO_PROCESS, a, 10)); show(nice(-1)); show(nice(1)); show(nice(0))));
	must(setpriority(PRIO_PROCESS, c, 15));
	quiet(spawn(must(setrlimit(RLIMIT_NICE, &(struct rlimit){0, 0})); must(setuid(4321)); show(setpriority(PRIO_PROCESS, 0, 4)); show(setpriority(PRIO_PROCESS, 0, 6))));
	join(thread(one, NULL));
	fact("thread %d, we %d", got, getpriority(PRIO_PROCESS, 0));
	kill(a, SIGKILL), kill(b, SIGKILL), kill(c, SIGKILL);
	return 0;
}
