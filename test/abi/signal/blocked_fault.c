// A fault whose signal is blocked or ignored kills all the same; kill with the same signal does not.
#include "../oracle.h"
static void handler(int s) { _exit(50); }
static void faults(int s) { *(volatile int *)0 = 2; }
static void block(int s) {
	sigset_t set;
	sigemptyset(&set), sigaddset(&set, s);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

int main(void) {
	volatile int *null = 0;
	reap("handler", spawn(on(SIGSEGV, handler, 0); *null = 1));
	reap("blocked", spawn(on(SIGSEGV, handler, 0); block(SIGSEGV); *null = 1));
	reap("ignored", spawn(signal(SIGSEGV, SIG_IGN); *null = 1));
	reap("ignored, by kill", spawn(signal(SIGSEGV, SIG_IGN); raise(SIGSEGV); _exit(3)));
	reap("blocked, by kill", spawn(block(SIGSEGV); raise(SIGSEGV); _exit(3)));
	reap("trap blocked", spawn(block(SIGTRAP); __asm__ volatile("int3")));
	reap("fpe ignored", spawn(signal(SIGFPE, SIG_IGN); __asm__ volatile("xor %%ecx, %%ecx; div %%ecx" ::: "eax", "ecx", "edx")));
	reap("fault in the handler", spawn(on(SIGSEGV, faults, 0); *null = 1));
	reap("no room for the frame", spawn(on(SIGUSR1, handler, 0); __asm__ volatile("mov $39, %%eax; syscall; mov %%eax, %%edi; mov $10, %%esi; mov $62, %%eax; mov $64, %%rsp; syscall; ud2" ::: "memory")));
	reap("bad sigreturn", spawn(__asm__ volatile("mov $15, %%eax; mov $64, %%rsp; syscall; ud2" ::: "memory")));
	reap("SIGPIPE", spawn(int p[2]; must(pipe(p)); close(p[0]); write(p[1], "x", 1); _exit(1)));
	reap("SIGPIPE ignored", spawn(int p[2]; must(pipe(p)); close(p[0]); signal(SIGPIPE, SIG_IGN); write(p[1], "x", 1); _exit(errno == EPIPE ? 2 : 1)));
	return 0;
}
