// sched_setscheduler, sched_setattr and kin: policies, priorities, errors, inheritance.
#include "../oracle.h"
#include <linux/sched.h>
struct attr { uint32_t size, policy; uint64_t flags; int32_t nice; uint32_t priority; uint64_t runtime, deadline, period; uint32_t umin, umax; };

int main(void) {
	struct sched_param p = {0};
	struct timespec t;
	show(sched_getscheduler(0)), show(sched_getparam(0, &p)), show(p.sched_priority), show(sched_getscheduler(999999)), show(sched_getscheduler(-1)), show(sched_getparam(0, NULL));
	for (int i = 0; i < 7; i++)
		fact("policy %d: min %ld max %ld", i, sys(SYS_sched_get_priority_min, i), sys(SYS_sched_get_priority_max, i));
	show(sched_setscheduler(0, SCHED_BATCH, &p)), show(sched_getscheduler(0)), quiet(spawn(show(sched_getscheduler(0)))), show(sched_setscheduler(0, SCHED_IDLE, &p)), show(sched_getscheduler(0)), show(sched_setscheduler(0, SCHED_OTHER, &p));
	p.sched_priority = 5;
	show(sched_setscheduler(0, SCHED_OTHER, &p)), show(sched_setscheduler(0, 99, &p)), show(sched_setscheduler(0, -1, &p)), p.sched_priority = 100, show(sched_setscheduler(0, SCHED_FIFO, &p)), show(sched_setscheduler(0, SCHED_OTHER, NULL)), p.sched_priority = 0, show(sched_setscheduler(0, SCHED_RR, &p));
	show(sched_setparam(0, &p)), p.sched_priority = 1, show(sched_setparam(0, &p)), show(sched_rr_get_interval(999999, &t)), show(sched_rr_get_interval(0, (void *)8));
	struct attr a = {0};
	show(sys(SYS_sched_getattr, 0, &a, sizeof a, 0)), fact("policy %u nice %d priority %u size at least 48: %d", a.policy, a.nice, a.priority, a.size >= 48);
	show(sys(SYS_sched_getattr, 0, &a, 40, 0)), show(sys(SYS_sched_getattr, 0, &a, 5000, 0)), show(sys(SYS_sched_getattr, 0, &a, 56, 1)), show(sys(SYS_sched_getattr, 0, 8, 56, 0));
	a = (struct attr){.size = 48, .policy = SCHED_BATCH, .nice = 3};
	show(sys(SYS_sched_setattr, 0, &a, 0)), show(sched_getscheduler(0)), show(getpriority(PRIO_PROCESS, 0));
	a.size = 20, show(sys(SYS_sched_setattr, 0, &a, 0)), a.size = 48, a.policy = 99, show(sys(SYS_sched_setattr, 0, &a, 0)), a.policy = 0, a.flags = 1UL << 40, show(sys(SYS_sched_setattr, 0, &a, 0)), show(sys(SYS_sched_setattr, 0, 8, 0)), a.flags = 0, show(sys(SYS_sched_setattr, 0, &a, 1));
	a.flags = SCHED_FLAG_RESET_ON_FORK, show(sys(SYS_sched_setattr, 0, &a, 0)), show(sched_getscheduler(0)), quiet(spawn(show(sched_getscheduler(0)); show(getpriority(PRIO_PROCESS, 0))));
	quiet(spawn(must(setuid(1000)); p.sched_priority = 1; show(sched_setscheduler(0, SCHED_FIFO, &p)); p.sched_priority = 0; show(sched_setscheduler(0, SCHED_BATCH, &p)); show(sched_setscheduler(getppid(), SCHED_OTHER, &p))));
	show(sched_yield());
	return 0;
}
