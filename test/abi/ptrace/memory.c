// PEEK and POKE of text, data and user area; errors; read-only and shared memory.
#include "../oracle.h"
#include <sys/ptrace.h>
#include <sys/user.h>
static volatile long data = 0x1122334455667788;
static const long constant = 0x77;
static long peek(pid_t pid, void *at) {
	errno = 0;
	return ptrace(PTRACE_PEEKDATA, pid, at, 0);
}

int main(void) {
	long *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), *ro = mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(munmap((char *)ro + PAGE, PAGE));
	pid_t pid = spawn(must(ptrace(PTRACE_TRACEME, 0, 0, 0)); raise(SIGSTOP); fact("child: data %#lx shared %ld constant %ld read-only %ld", data, *shared, *(volatile const long *)&constant, *(volatile long *)ro));
	must(waitpid(pid, NULL, 0));
	fact("data %#lx", peek(pid, (void *)&data)), fact("unaligned %#lx", peek(pid, (char *)&data + 1));
	show(ptrace(PTRACE_POKEDATA, pid, &data, 0xabcdef)), fact("ours %#lx", data);
	show(ptrace(PTRACE_POKEDATA, pid, shared, 5L)), fact("shared %ld", *shared);
	show(ptrace(PTRACE_POKEDATA, pid, &constant, 99L)), fact("ours %ld", *(volatile const long *)&constant); // through the protection
	show(ptrace(PTRACE_POKEDATA, pid, ro, 33L)), fact("ours %ld", *ro);
	peek(pid, (char *)ro + PAGE), fact("unmapped: %s", ename(errno));
	peek(pid, (char *)ro + PAGE - 4), fact("half: %s", ename(errno));
	show(ptrace(PTRACE_POKEDATA, pid, 8, 1));
	show(sys(SYS_ptrace, PTRACE_PEEKDATA, pid, &data, 8)); // the raw call stores where it is told
	struct user_regs_struct regs, again;
	show(ptrace(PTRACE_GETREGS, pid, 0, &regs)), show(ptrace(PTRACE_GETREGS, pid, 0, 8));
	errno = 0;
	yes(ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user, regs.rip), 0) == (long)regs.rip);
	show(ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, regs.r12), 0x1212)), must(ptrace(PTRACE_GETREGS, pid, 0, &again)), fact("r12 %#llx", again.r12);
	errno = 0;
	show(ptrace(PTRACE_PEEKUSER, pid, 3, 0)), show(ptrace(PTRACE_PEEKUSER, pid, 100000, 0)), show(ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, regs.cs), 0)), show(ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, regs.fs_base), 1UL << 63));
	regs.cs = 0x10;
	show(ptrace(PTRACE_SETREGS, pid, 0, &regs)), regs.cs = 0x33, regs.eflags |= 1 << 17 | 3 << 12;
	show(ptrace(PTRACE_SETREGS, pid, 0, &regs)), must(ptrace(PTRACE_GETREGS, pid, 0, &again)), fact("privileged flags kept out: %d", (again.eflags & (1 << 17 | 3 << 12)) == 0);
	struct user_fpregs_struct fp;
	show(ptrace(PTRACE_GETFPREGS, pid, 0, &fp)), fact("control word %#x mxcsr %#x", fp.cwd, fp.mxcsr);
	fp.mxcsr = 0xffffffff;
	show(ptrace(PTRACE_SETFPREGS, pid, 0, &fp)), fp.mxcsr = 0x1f80, show(ptrace(PTRACE_SETFPREGS, pid, 0, &fp));
	ptrace(PTRACE_CONT, pid, 0, 0), reap("child", pid);
	peek(pid, (void *)&data), fact("gone: %s", ename(errno));
	return 0;
}
