// prctl(2): the lesser options, their defaults, arguments and errors.
#include "../oracle.h"
#include <asm/prctl.h>
#include <linux/prctl.h>

int main(void) {
	int v = -1;
	show(prctl(9999)), show(prctl(PR_GET_TIMING)), show(prctl(PR_SET_TIMING, 0)), show(prctl(PR_SET_TIMING, 1));
	show(prctl(PR_GET_UNALIGN, &v)), show(prctl(PR_GET_FPEMU, &v)), show(prctl(PR_GET_ENDIAN, &v));
	show(prctl(PR_GET_TSC, &v)), show(v), show(prctl(PR_SET_TSC, 9)), show(prctl(PR_GET_TSC, 8));
	show(prctl(PR_GET_SECCOMP));
	show(prctl(PR_GET_TIMERSLACK)), show(prctl(PR_SET_TIMERSLACK, 100000)), show(prctl(PR_GET_TIMERSLACK)), quiet(spawn(show(prctl(PR_GET_TIMERSLACK)))), show(prctl(PR_SET_TIMERSLACK, 0)), show(prctl(PR_GET_TIMERSLACK));
	show(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0)), show(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)), show(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0)), show(prctl(PR_GET_THP_DISABLE, 1, 0, 0, 0)), quiet(spawn(show(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0))));
	show(prctl(PR_SET_NAME, NULL)), show(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0)), show(prctl(PR_MCE_KILL_GET, 1, 0, 0, 0));
	char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	show(prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, p + 1, PAGE, "x")), show(prctl(PR_SET_VMA, 9, p, PAGE, "x"));
	void *tid = NULL;
	static int word;
	sys(SYS_set_tid_address, &word);
	show(prctl(PR_GET_TID_ADDRESS, &tid)), yes(tid == &word);
	show(prctl(PR_SET_MM, PR_SET_MM_BRK, 0, 0, 0)), show(prctl(PR_SET_MM, 99, p, 0, 0));
	show(prctl(PR_TASK_PERF_EVENTS_DISABLE)), show(prctl(PR_GET_IO_FLUSHER, 0, 0, 0, 0));
	show(prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 1, 0, 0)), show(prctl(PR_SET_SYSCALL_USER_DISPATCH, 9, 0, 0, 0)), show(prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, 0));
	show(prctl(PR_SET_PTRACER, 0)), show(prctl(PR_SCHED_CORE, 99, 0, 0, 0));
	unsigned long fs = 0, gs = 5;
	show(sys(SYS_arch_prctl, ARCH_GET_FS, &fs)), yes(fs == (unsigned long)pthread_self()), show(sys(SYS_arch_prctl, ARCH_GET_GS, &gs)), show(gs);
	show(sys(SYS_arch_prctl, ARCH_SET_GS, &word)), show(sys(SYS_arch_prctl, ARCH_GET_GS, &gs)), yes(gs == (unsigned long)&word);
	word = 77;
	int got;
	__asm__("mov %%gs:0, %0" : "=r"(got));
	show(got);
	quiet(spawn(__asm__("mov %%gs:0, %0" : "=r"(got)); show(got)));
	show(sys(SYS_arch_prctl, ARCH_SET_GS, 1UL << 63)), show(sys(SYS_arch_prctl, ARCH_SET_FS, 1UL << 63)), show(sys(SYS_arch_prctl, ARCH_GET_FS, 8)), show(sys(SYS_arch_prctl, 0x9999, 0));
	return 0;
}
