// Leaving handlers by siglongjmp and by editing the saved mask; blocked while a handler runs; swapcontext.
#include "../oracle.h"
#include <setjmp.h>
#include <ucontext.h>
static sigjmp_buf back;
static void jumps(int s) { siglongjmp(back, 1); }
static void edits(int s, siginfo_t *i, void *u) { sigemptyset(&((ucontext_t *)u)->uc_sigmask); }
static int blocked(int s) {
	sigset_t set;
	sigprocmask(SIG_BLOCK, NULL, &set);
	return sigismember(&set, s);
}
static ucontext_t main_, other;
static char stack[1 << 16];
static void body(void) {
	fact("in the context: USR2 blocked %d", blocked(SIGUSR2));
	swapcontext(&other, &main_);
	fact("again");
}

int main(void) {
	on(SIGUSR1, jumps, 0);
	volatile int times = 0;
	if (sigsetjmp(back, 1) == 0 || ++times < 5)
		raise(SIGUSR1);
	fact("with the mask: %d, blocked %d", times, blocked(SIGUSR1));
	if (sigsetjmp(back, 0) == 0)
		raise(SIGUSR1);
	fact("without: blocked %d", blocked(SIGUSR1));
	struct sigaction a = {.sa_sigaction = edits, .sa_flags = SA_SIGINFO};
	must(sigaction(SIGUSR2, &a, NULL));
	raise(SIGUSR2);
	fact("after editing: blocked %d", blocked(SIGUSR1));
	getcontext(&other);
	other.uc_stack.ss_sp = stack, other.uc_stack.ss_size = sizeof stack, other.uc_link = &main_;
	sigaddset(&other.uc_sigmask, SIGUSR2);
	makecontext(&other, body, 0);
	swapcontext(&main_, &other);
	fact("back: USR2 blocked %d", blocked(SIGUSR2));
	swapcontext(&main_, &other);
	fact("end: USR2 blocked %d", blocked(SIGUSR2));
	return 0;
}
