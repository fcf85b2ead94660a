// The stack grows by itself up to RLIMIT_STACK, and a MAP_GROWSDOWN mapping too; below it is a gap.
#include "../oracle.h"

__attribute__((noinline)) static int deep(int n) {
	volatile char frame[3000];
	frame[0] = n, frame[2999] = 1;
	return n == 0 ? frame[2999] : deep(n - 1) + frame[2999] - 1;
}
static void down(int s) { _exit(7); }

int main(void) {
	int pid = spawn({
		struct rlimit l = {512 << 10, RLIM_INFINITY};
		must(setrlimit(RLIMIT_STACK, &l));
		deep(1000);
	});
	reap("over the limit", pid);
	pid = spawn({
		static char alt[1 << 16];
		stack_t ss = {.ss_sp = alt, .ss_size = sizeof alt};
		must(sigaltstack(&ss, NULL));
		on(SIGSEGV, down, SA_ONSTACK);
		struct rlimit l = {512 << 10, RLIM_INFINITY};
		must(setrlimit(RLIMIT_STACK, &l));
		deep(1000);
	});
	reap("over the limit, handler on an alternate stack", pid);
	pid = spawn(on(SIGSEGV, down, 0); struct rlimit l = {512 << 10, RLIM_INFINITY}; must(setrlimit(RLIMIT_STACK, &l)); deep(1000));
	reap("over the limit, handler on the same stack", pid);
	show(deep(1000)); // 3 MB
	char *room = mmap(NULL, 2048 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(munmap(room, 2048 * PAGE));
	char *g = mmap(room + 2000 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED, -1, 0);
	for (int i = 0; i < 100; i++)
		g[-i * PAGE] = 1;
	fact("grew by 99 pages: %s", ename(err(msync(g - 99 * PAGE, 99 * PAGE, MS_ASYNC))));
	fact("not further: %s", ename(err(msync(g - 100 * PAGE, PAGE, MS_ASYNC))));
	return 0;
}
