// ioprio_set(2), ioprio_get(2): what is kept, inherited and refused (block/ioprio.c).
#include "../oracle.h"

static long get(int which, int who) { return syscall(SYS_ioprio_get, which, who); }
static long set(int which, int who, int prio) { return syscall(SYS_ioprio_set, which, who, prio); }

int main(void) {
	show(get(1, 0)); // none was set
	show(set(1, 0, 2 << 13 | 6));
	show(get(1, 0));
	pid_t child = must(fork());
	if (child == 0)
		return get(1, 0) != (2 << 13 | 6);
	int status;
	must(waitpid(child, &status, 0));
	fact("inherited %d", status);
	setpgid(0, 0);
	show(get(2, 0));
	show(set(1, 0, 3 << 13 | 6));
	show(get(1, 0));
	show(set(1, 0, 0 << 13 | 6)); // no class, a level
	show(set(1, 0, 0));
	show(get(1, 0));
	show(get(2, 0)); // by the nice value
	must(setpriority(PRIO_PROCESS, 0, 10));
	show(get(2, 0));
	show(set(1, 0, 5 << 13));
	show(set(0, 0, 2 << 13));
	show(get(4, 0));
	show(get(1, 999999));
	return 0;
}
