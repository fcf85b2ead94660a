// What the processor says of itself is the same whichever way a program asks, each time it is
// executed, in children, and one instruction at a time. Signals come to a program that does nothing but ask.
#include "../oracle.h"
#include <sys/time.h>

#define ASK(before, leaf, sub) ({ struct answer r; \
	asm volatile("mov $" #leaf ",%%eax\n" sub before "cpuid" \
		: "=a"(r.v[0]), "=b"(r.v[1]), "=c"(r.v[2]), "=d"(r.v[3]) : "2"(0)); r; })
#define BOTH(name, leaf, sub) do { \
	struct answer plain = ASK("nop\n", leaf, sub), usual = ASK("", leaf, sub); \
	fact("%s: %s", name, memcmp(&plain, &usual, sizeof plain) ? "differs" : "same"); \
} while (0)

struct answer { unsigned v[4]; };

static volatile int steps, ticks;

static void tick(int sig) {
	(void)sig;
	ticks++;
}

static void step(int sig, siginfo_t *info, void *u) {
	(void)sig, (void)info, (void)u;
	steps++;
}

static void ask(void) {
	BOTH("vendor", 0, "");
	BOTH("extended", 0x80000000, "");
	BOTH("cache", 0x80000006, "");
	BOTH("features", 7, "xor %%ecx,%%ecx\n");
	BOTH("state", 0xd, "mov $1,%%ecx\n");
	long flags;
	asm volatile("stc\nmov $0x80000000,%%eax\ncpuid\nsetc %%al\nmovzbl %%al,%%eax" : "=a"(flags) : : "rbx", "rcx", "rdx");
	fact("carry %ld", flags);
}

int main(int argc, char **argv) {
	int round = argc > 1 ? atoi(argv[1]) : 0;
	ask();
	if (fork() == 0) {
		ask();
		_exit(0);
	}
	wait(NULL);
	struct sigaction a = {.sa_sigaction = step, .sa_flags = SA_SIGINFO};
	sigaction(SIGTRAP, &a, NULL);
	asm volatile("sub $128,%%rsp\npushf\norl $0x100,(%%rsp)\npopf\n"
		"mov $0x80000006,%%eax\ncpuid\n"
		"pushf\nandl $~0x100,(%%rsp)\npopf\nadd $128,%%rsp" : : : "rax", "rbx", "rcx", "rdx", "memory", "cc");
	fact("steps %d", steps);
	signal(SIGALRM, tick);
	setitimer(ITIMER_REAL, &(struct itimerval){{0, 1000}, {0, 1000}}, NULL);
	while (ticks < 20)
		asm volatile("mov $0x80000006,%%eax\ncpuid" : : : "rax", "rbx", "rcx", "rdx");
	setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
	fact("20 ticks");
	if (round < 3) {
		char next[2] = {'1' + round, 0};
		execl("/proc/self/exe", "cpuid", next, NULL);
	}
	return 0;
}
