// PTRACE_SINGLESTEP: one instruction at a time, over system calls, into handlers, the trap flag hidden.
#include "../oracle.h"
#include <sys/ptrace.h>
#include <sys/user.h>
extern char code[], after_nop[], after_call[], end[];
__asm__(".globl code; code: nop; after_nop: mov $39, %eax; syscall; after_call: push %rax; pop %rbx; xor %ecx, %ecx; pushf; pop %rdx; rep movsb; end: int3; ret");
static void handler(int s) { __asm__ volatile("nop"); }
static long rip(pid_t pid) {
	struct user_regs_struct r;
	must(ptrace(PTRACE_GETREGS, pid, 0, &r));
	return r.rip;
}
static int step(pid_t pid, int sig) {
	int st;
	must(ptrace(PTRACE_SINGLESTEP, pid, 0, sig)), must(waitpid(pid, &st, 0));
	return st;
}

int main(void) {
	siginfo_t i;
	pid_t pid = spawn(on(SIGUSR1, handler, 0); must(ptrace(PTRACE_TRACEME, 0, 0, 0)); raise(SIGSTOP); __asm__ volatile("xor %%ecx, %%ecx; call code" ::: "rax", "rbx", "rcx", "rdx", "rdi", "rsi", "memory"); raise(SIGUSR1); _exit(3));
	must(waitpid(pid, NULL, 0));
	struct user_regs_struct r;
	long keep = ptrace(PTRACE_PEEKTEXT, pid, code, 0);
	must(ptrace(PTRACE_POKETEXT, pid, code, (keep & ~0xffL) | 0xcc)); // a breakpoint
	must(ptrace(PTRACE_CONT, pid, 0, 0));
	int st;
	must(waitpid(pid, &st, 0)), status("breakpoint", st), must(ptrace(PTRACE_GETSIGINFO, pid, 0, &i)), fact("code %d, rip past it %d", i.si_code, rip(pid) == (long)code + 1);
	must(ptrace(PTRACE_POKETEXT, pid, code, keep)), must(ptrace(PTRACE_GETREGS, pid, 0, &r)), r.rip = (long)code, must(ptrace(PTRACE_SETREGS, pid, 0, &r));
	status("step", step(pid, 0)), must(ptrace(PTRACE_GETSIGINFO, pid, 0, &i)), fact("code %d, after the nop %d", i.si_code, rip(pid) == (long)after_nop);
	step(pid, 0), step(pid, 0), fact("after the call %d", rip(pid) == (long)after_call);
	int n = 0;
	while (rip(pid) != (long)end && n < 30)
		step(pid, 0), n++;
	fact("steps to the end: %d", n);
	must(ptrace(PTRACE_GETREGS, pid, 0, &r)), fact("value of the call right %d", (pid_t)r.rbx == pid);
	fact("trap flag: in the pushed word %d, in the registers %d", (int)(r.rdx >> 8 & 1), (int)(r.eflags >> 8 & 1));
	status("int3", step(pid, 0));
	must(ptrace(PTRACE_CONT, pid, 0, 0)), must(waitpid(pid, &st, 0)), status("USR1", st);
	status("step with the signal", step(pid, SIGUSR1)), fact("first instruction of the handler: %d", rip(pid) == (long)handler);
	must(ptrace(PTRACE_CONT, pid, 0, 0)), reap("end", pid);
	return 0;
}
