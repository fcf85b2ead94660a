// sched_setaffinity, getaffinity, getcpu, /proc's view of it.
#include "../oracle.h"

int main(void) {
	cpu_set_t set, one;
	unsigned long small = 0;
	long n = sys(SYS_sched_getaffinity, 0, sizeof set, &set);
	yes(n >= 8 && n % 8 == 0);
	int count = CPU_COUNT_S(n, &set), first = 0;
	yes(count >= 1);
	while (!CPU_ISSET(first, &set))
		first++;
	show(sys(SYS_sched_getaffinity, 0, 3, &small)), show(sys(SYS_sched_getaffinity, 0, 9, &set)), show(sys(SYS_sched_getaffinity, 0, 0, &set)), show(sys(SYS_sched_getaffinity, 999999, sizeof set, &set)), show(sys(SYS_sched_getaffinity, 0, sizeof set, 8));
	CPU_ZERO(&one);
	show(sched_setaffinity(0, sizeof one, &one)); // none
	CPU_SET(1000, &one);
	show(sched_setaffinity(0, sizeof one, &one)); // none that is there
	CPU_SET(first, &one);
	show(sched_setaffinity(0, sizeof one, &one)); // the others are dropped
	CPU_ZERO(&set);
	must(sched_getaffinity(0, sizeof set, &set));
	yes(CPU_COUNT(&set) == 1 && CPU_ISSET(first, &set));
	quiet(spawn(must(sched_getaffinity(0, sizeof set, &set)); yes(CPU_COUNT(&set) == 1)));
	unsigned cpu = -1, node = -1;
	show(getcpu(&cpu, &node)), yes(cpu == (unsigned)first && node < 1024), show(sys(SYS_getcpu, NULL, NULL, NULL)), show(sys(SYS_getcpu, 8, NULL, NULL)), yes(sched_getcpu() == first);
	char want[64], *text = strstr(slurp("/proc/self/status"), "Cpus_allowed_list:");
	snprintf(want, 64, "Cpus_allowed_list:\t%d\n", first);
	yes(!strncmp(text, want, strlen(want)));
	show(sys(SYS_sched_setaffinity, 0, 1, &one) == 0 || first >= 8), show(sys(SYS_sched_setaffinity, 0, 0, &one)), show(sys(SYS_sched_setaffinity, 999999, 8, &one)), show(sys(SYS_sched_setaffinity, 0, 8, 8));
	static char all[1024];
	show(sys(SYS_sched_getaffinity, -1, sizeof all, all)), show(sys(SYS_sched_getaffinity, -1, 3, all)), show(sys(SYS_sched_getaffinity, 999999, 0, all)), show(sys(SYS_sched_setaffinity, -1, 8, &one)), show(sys(SYS_sched_setaffinity, -1, 8, 8));
	struct gate g = gate_new();
	pid_t pid = spawn(gate_open(g); pause());
	gate_pass(g);
	show(sched_setaffinity(pid, sizeof one, &one));
	quiet(spawn(must(setuid(1000)); show(sched_setaffinity(pid, sizeof one, &one)); ok(sched_getaffinity(pid, sizeof set, &set)); show(sched_setaffinity(0, sizeof one, &one))));
	kill(pid, SIGKILL), reap("child", pid);
	yes(sysconf(_SC_NPROCESSORS_ONLN) >= 1 && sysconf(_SC_NPROCESSORS_CONF) >= sysconf(_SC_NPROCESSORS_ONLN));
	return 0;
}
