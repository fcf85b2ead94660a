// How processes end, as wait tells it: exit, _exit, exit_group from a thread, signals.
#include "../oracle.h"
static void *end(void *arg) {
	sys(SYS_exit_group, 5);
	return NULL;
}
static void *leave(void *arg) {
	sys(SYS_exit, 6); // only the thread
	return NULL;
}

int main(void) {
	reap("exit(300)", spawn(_exit(300)));
	reap("exit(-1)", spawn(_exit(-1)));
	reap("return", spawn());
	reap("exit_group in a thread", spawn(thread(end, NULL); pause()));
	reap("exit in a thread", spawn(pthread_t t = thread(leave, NULL); pthread_join(t, NULL); _exit(3)));
	reap("exit of the first thread alone", spawn(thread(end, NULL); sys(SYS_exit, 9)));
	static const int signals[] = {SIGHUP, SIGKILL, SIGSEGV, SIGPIPE, SIGALRM, SIGUSR1, SIGABRT, SIGSYS};
	for (unsigned i = 0; i < COUNT(signals); i++)
		reap("kill", spawn(kill(getpid(), signals[i]); _exit(0)));
	reap("raise(SIGRTMIN)", spawn(raise(SIGRTMIN)));
	reap("abort", spawn(abort()));
	reap("SIGCHLD is ignored", spawn(raise(SIGCHLD); _exit(1)));
	reap("SIGWINCH is ignored", spawn(raise(SIGWINCH); _exit(1)));
	reap("SIGURG is ignored", spawn(raise(SIGURG); _exit(1)));
	reap("null pointer", spawn(*(volatile int *)0 = 1));
	reap("trap", spawn(__asm__ volatile("int3")));
	reap("illegal", spawn(__asm__ volatile("ud2")));
	reap("halt", spawn(__asm__ volatile("hlt")));
	reap("divide", spawn(__asm__ volatile("xor %%ecx, %%ecx; xor %%edx, %%edx; div %%ecx" ::: "eax", "ecx", "edx")));
	reap("port", spawn(__asm__ volatile("outb %al, $0x80")));
	return 0;
}
