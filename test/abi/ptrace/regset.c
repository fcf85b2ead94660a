// PTRACE_GETREGSET and SETREGSET: NT_PRSTATUS, NT_PRFPREG, NT_X86_XSTATE; short and long buffers.
#include "../oracle.h"
#include <elf.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

int main(void) {
	static unsigned char big[1 << 16];
	pid_t pid = spawn({
		must(ptrace(PTRACE_TRACEME, 0, 0, 0));
		unsigned in[4] = {0xaaaa, 0xbbbb, 0xcccc, 0xdddd}, out[4];
		long r;
		__asm__ volatile("movups %2, %%xmm5; syscall; movups %%xmm5, %1" : "=a"(r), "=m"(out) : "m"(in), "0"(SYS_kill), "D"(getpid()), "S"(SIGSTOP) : "rcx", "r11", "memory", "xmm5");
		fact("child: xmm5 %#x %#x", out[0], out[3]);
		fact("child: value of the call %ld", r);
	});
	must(waitpid(pid, NULL, 0));
	struct user_regs_struct regs;
	struct iovec v = {&regs, sizeof regs};
	show(ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &v)), fact("length %zu, call %s", v.iov_len, regs.orig_rax == SYS_kill ? "kill" : "other");
	v.iov_len = 16, show(ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &v)), show(v.iov_len), v.iov_len = 10, show(ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &v)), v = (struct iovec){big, sizeof big}, show(ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &v)), show(v.iov_len);
	show(ptrace(PTRACE_GETREGSET, pid, 0x9999, &v)), show(ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, 8));
	v = (struct iovec){big, sizeof big}, show(ptrace(PTRACE_GETREGSET, pid, NT_PRFPREG, &v)), show(v.iov_len);
	v = (struct iovec){big, sizeof big}, show(ptrace(PTRACE_GETREGSET, pid, NT_X86_XSTATE, &v)), yes(v.iov_len >= 576);
	unsigned *xmm5 = (unsigned *)(big + 160 + 5 * 16);
	fact("xmm5 %#x %#x", xmm5[0], xmm5[3]);
	uint64_t xfeatures = *(uint64_t *)(big + 512), *mask = (uint64_t *)(big + 464);
	yes((xfeatures & 2) == 2 && (*mask & 3) == 3);
	xmm5[0] = 0x5555, xmm5[3] = 0x7777;
	show(ptrace(PTRACE_SETREGSET, pid, NT_X86_XSTATE, &v));
	*(unsigned *)(big + 24) = 0xffffffff; // mxcsr
	show(ptrace(PTRACE_SETREGSET, pid, NT_X86_XSTATE, &v));
	*(unsigned *)(big + 24) = 0x1f80, *(uint64_t *)(big + 520) = 1; // xcomp_bv
	show(ptrace(PTRACE_SETREGSET, pid, NT_X86_XSTATE, &v));
	v = (struct iovec){&regs, sizeof regs}, must(ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &v));
	regs.rax = 4321;
	show(ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &v)), v.iov_len = 12, show(ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &v));
	must(ptrace(PTRACE_CONT, pid, 0, 0)), reap("child", pid);
	return 0;
}
