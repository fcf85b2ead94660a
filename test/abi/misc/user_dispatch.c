// PR_SET_SYSCALL_USER_DISPATCH: ranges, the selector, what SIGSYS says, fork and exec end it.
#include "../oracle.h"
#include <sys/prctl.h>
#include <ucontext.h>
#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif
static volatile char selector;
static volatile int calls, code, number;
static volatile long arch, rax;
static void handler(int s, siginfo_t *i, void *u) {
	ucontext_t *c = u;
	selector = 0; // the handler's own calls, and the return from it, pass
	calls++, code = i->si_code, number = i->si_syscall, arch = i->si_arch, rax = c->uc_mcontext.gregs[REG_RAX];
	c->uc_mcontext.gregs[REG_RAX] = 77;
}
static int begin(volatile char *sel) { return prctl(PR_SET_SYSCALL_USER_DISPATCH, 1L, 0L, 0L, sel); }

int main(int argc, char **argv) {
	if (argc > 1) {
		fact("after exec: %d", getppid() > 0);
		return 0;
	}
	struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
	must(sigaction(SIGSYS, &a, NULL));
	show(prctl(PR_SET_SYSCALL_USER_DISPATCH, 1L, -8L, 16L, 0L)), show(prctl(PR_SET_SYSCALL_USER_DISPATCH, 1L, 8L, 0L, 0L)), show(prctl(PR_SET_SYSCALL_USER_DISPATCH, 1L, 0L, 0L, -1L)), show(prctl(PR_SET_SYSCALL_USER_DISPATCH, 9, 0, 0, 0));
	must(begin(&selector));
	fact("allowed: %d", sys(SYS_getpid) == getpid());
	selector = 1;
	long r = sys(SYS_getpgid, 5);
	fact("blocked: %ld, calls %d code %d call %d arch %#lx, rax was %ld", r, calls, code, number, arch, rax - SYS_getpgid);
	quiet(spawn(selector = 1; fact("a child: %d", getppid() > 0)));
	quiet(spawn(must(begin(&selector)); char *args[] = {argv[0], "x", NULL}; execve("/proc/self/exe", args, NULL)));
	reap("neither allowed nor blocked", spawn(must(begin(&selector)); selector = 5; sys(SYS_getpid)));
	reap("a selector that is not there", spawn(must(begin((char *)8)); sys(SYS_getpid)));
	reap("no handler", spawn(signal(SIGSYS, SIG_DFL); must(begin(&selector)); selector = 1; sys(SYS_getpid)));
	must(prctl(PR_SET_SYSCALL_USER_DISPATCH, 1L, 1L, 1UL << 47, 0L)); // all of memory may
	fact("in the range: %d", sys(SYS_getpid) == getpid());
	show(prctl(PR_SET_SYSCALL_USER_DISPATCH, 0, 0, 0, 0));
	return 0;
}
