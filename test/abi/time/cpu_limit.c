// RLIMIT_CPU: SIGXCPU comes at the soft limit and can be caught; the default ends the process.
// slow: a second is the least limit
#include "../oracle.h"
static volatile int calls;
static void handler(int s) { calls++; }

int main(void) {
	struct rlimit l = {1, 10};
	pid_t a = spawn(must(setrlimit(RLIMIT_CPU, &l)); on(SIGXCPU, handler, 0); while (!calls); yes(now_ns(CLOCK_PROCESS_CPUTIME_ID) >= 500000000); _exit(3));
	pid_t b = spawn(must(setrlimit(RLIMIT_CPU, &l)); for (;;));
	reap("caught", a);
	reap("not caught", b);
	return 0;
}
