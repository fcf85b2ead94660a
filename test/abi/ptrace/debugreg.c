// Debug registers by PTRACE_POKEUSER: watch and break points, what is refused, fork and exec (arch/x86/kernel/ptrace.c).
#include "../oracle.h"
#include <sys/ptrace.h>
#include <sys/user.h>

static volatile long watched, other;
static int child;

__attribute__((noinline)) static void stepped(void) { __asm__ volatile("nop"); }

static long dr(int n) { return ptrace(PTRACE_PEEKUSER, child, offsetof(struct user, u_debugreg[n]), 0); }
static long set(int n, long v) { return ptrace(PTRACE_POKEUSER, child, offsetof(struct user, u_debugreg[n]), v); }

static void go(const char *what) {
	int status;
	siginfo_t i = {0};
	must(ptrace(PTRACE_CONT, child, 0, 0));
	must(waitpid(child, &status, 0));
	if (!WIFSTOPPED(status)) {
		fact("%s: status %#x", what, status);
		return;
	}
	ptrace(PTRACE_GETSIGINFO, child, 0, &i);
	fact("%s: stop %#x code %d dr6 %#lx watched %ld", what, status, i.si_code, dr(6) ^ 0xffff0ff0, ptrace(PTRACE_PEEKDATA, child, &watched, 0));
}

int main(void) {
	int status;
	child = must(fork());
	if (child == 0) {
		must(ptrace(PTRACE_TRACEME, 0, 0, 0));
		raise(SIGSTOP);
		other = 1;
		watched = 5;
		long seen = watched;
		watched = seen + 1;
		stepped();
		if (fork() == 0) {
			watched = 99; // not the child's
			_exit(0);
		}
		wait(NULL);
		execl("/proc/self/exe", "again", NULL);
	}
	must(waitpid(child, &status, 0));
	fact("at first %ld %#lx %ld", dr(0), dr(6) ^ 0xffff0ff0, dr(7));
	show(set(0, (long)&watched));
	show(set(1, (long)stepped));
	show(set(7, 1 | 3 << 18 | 2 << 16)); // I/O
	show(set(7, 4 | 3 << 22));           // a break point of four bytes
	const long kernel = 0x7ffffffff000;
	show(set(0, kernel));
	show(set(0, (long)&watched));
	show(set(4, 1));
	show(set(7, 1 | 4 | 2 << 18 | 1 << 16)); // writes of eight bytes; execution
	fact("dr7 %#lx, same %d", dr(7), dr(0) == (long)&watched);
	go("write");
	show(set(6, 0));
	show(set(7, 1 | 4 | 2 << 18 | 3 << 16)); // reads too
	go("read");
	go("write again");
	show(set(7, 4));
	go("call");
	show(set(7, 1 | 2 << 18 | 1 << 16));
	go("its child ended");
	go("exec");
	fact("after exec %ld %ld", dr(0), dr(7));
	ptrace(PTRACE_KILL, child, 0, 0);
	waitpid(child, &status, 0);
	fact("%#x", status);
	return 0;
}
