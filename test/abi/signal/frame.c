// The frame of a handler: registers, mask, siginfo, stack alignment; changes to it take effect.
#include "../oracle.h"
#include <ucontext.h>
static volatile greg_t rax, rbx, rip_moved;
static volatile int aligned, onmask;
static siginfo_t info;
static void handler(int s, siginfo_t *i, void *u) {
	ucontext_t *c = u;
	info = *i;
	rax = c->uc_mcontext.gregs[REG_RAX], rbx = c->uc_mcontext.gregs[REG_RBX];
	aligned = ((uintptr_t)__builtin_frame_address(0) & 15) == 0;
	onmask = sigismember(&c->uc_sigmask, SIGHUP);
	c->uc_mcontext.gregs[REG_R12] = 0x1234567890;
	c->uc_mcontext.gregs[REG_EFL] |= 1; // carry
	sigaddset(&c->uc_sigmask, SIGUSR2);
	if (s == SIGILL)
		c->uc_mcontext.gregs[REG_RIP] += 2; // over ud2
	if (s == SIGSEGV)
		c->uc_mcontext.gregs[REG_RDI] = c->uc_mcontext.gregs[REG_RSI];
}

int main(void) {
	struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
	must(sigaction(SIGILL, &a, NULL)), must(sigaction(SIGSEGV, &a, NULL)), must(sigaction(SIGUSR1, &a, NULL));
	sigset_t hup, got;
	sigemptyset(&hup), sigaddset(&hup, SIGHUP);
	must(sigprocmask(SIG_BLOCK, &hup, NULL));
	uint64_t r12 = 0, carry = 0, raxout = 0, rcx = 0x77, r11 = 0x88;
	register uint64_t bx __asm__("rbx") = 0xbbbb;
	__asm__ volatile("clc; mov $0x5555, %%eax; mov $0x77, %%ecx; mov $0x88, %%r11; ud2; setc %b1; mov %%rax, %2; mov %%r12, %0; mov %%rcx, %3; mov %%r11, %4"
			 : "=m"(r12), "+r"(carry), "=m"(raxout), "=m"(rcx), "=m"(r11) : "r"(bx) : "rax", "r12", "rcx", "r11", "cc", "memory");
	fact("seen: rax %#llx rbx %#llx", rax, rbx);
	fact("after: rax %#lx r12 %#lx carry %ld rcx %#lx r11 %#lx", raxout, r12, carry, rcx, r11);
	fact("signo %s code %d, aligned %d, mask held HUP %d", signame(info.si_signo), info.si_code, aligned, onmask);
	must(sigprocmask(SIG_BLOCK, NULL, &got));
	fact("mask after: HUP %d USR2 %d ILL %d", sigismember(&got, SIGHUP), sigismember(&got, SIGUSR2), sigismember(&got, SIGILL));
	static char fine[8];
	uint64_t bad = 8, good = (uintptr_t)fine;
	__asm__ volatile("movb $9, (%%rdi)" : "+D"(bad) : "S"(good) : "memory"); // restarted with another pointer
	fact("store after repair: %d, fault address %#lx", fine[0], (long)info.si_addr);
	kill(getpid(), SIGUSR1);
	yes(info.si_pid == getpid());
	fact("kill: code %d uid %d", info.si_code, info.si_uid);
	sys(SYS_tgkill, getpid(), getpid(), SIGUSR1);
	fact("tgkill: code %d", info.si_code);
	return 0;
}
