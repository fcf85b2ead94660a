// Signals of the processor: number, code and address for each exception.
#include "../oracle.h"
#include <setjmp.h>
#include <ucontext.h>
static sigjmp_buf back;
static siginfo_t info;
static long trapno, at;
static void handler(int s, siginfo_t *i, void *u) {
	ucontext_t *c = u;
	info = *i;
	trapno = c->uc_mcontext.gregs[REG_TRAPNO];
	at = c->uc_mcontext.gregs[REG_RIP] - (long)i->si_addr;
	siglongjmp(back, 1);
}
#define try(name, ...) ({ if (sigsetjmp(back, 1) == 0) { __VA_ARGS__; fact("%s: nothing", name); } \
	else fact("%s: %s code %d trap %ld%s", name, signame(info.si_signo), info.si_code, trapno, info.si_addr == 0 ? "" : at == 0 ? " address is rip" : " other address"); })

int main(void) {
	struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
	for (int s = 1; s < 32; s++)
		sigaction(s, &a, NULL);
	try("divide", __asm__ volatile("xor %%ecx, %%ecx; xor %%edx, %%edx; div %%ecx" ::: "eax", "ecx", "edx"));
	try("divide overflow", __asm__ volatile("mov $0x80000000, %%eax; cltd; mov $-1, %%ecx; idiv %%ecx" ::: "eax", "ecx", "edx"));
	try("ud2", __asm__ volatile("ud2"));
	try("int3", __asm__ volatile("int3"));
	try("int 3", __asm__ volatile(".byte 0xcd, 3"));
	try("int1", __asm__ volatile(".byte 0xf1"));
	try("int 4", __asm__ volatile("int $4"));
	try("hlt", __asm__ volatile("hlt"));
	try("cli", __asm__ volatile("cli"));
	try("in", __asm__ volatile("inb $0x80, %%al" ::: "eax"));
	try("mov cr0", __asm__ volatile("mov %%cr0, %%rax" ::: "rax"));
	try("rdmsr", __asm__ volatile("rdmsr" ::: "eax", "edx"));
	try("int 0x50", __asm__ volatile("int $0x50"));
	try("unaligned movaps", static char data[48] __attribute__((aligned(16))); __asm__ volatile("movaps (%0), %%xmm0" ::"r"(data + 1) : "xmm0"));
	try("non-canonical", __asm__ volatile("mov (%0), %%rax" ::"r"(1UL << 63) : "rax"));
	try("lock prefix", __asm__ volatile(".byte 0xf0, 0x90"));
	unsigned mxcsr = 0x1f80 & ~0x200; // divide by zero unmasked
	try("SSE division", __asm__ volatile("ldmxcsr %0; xorps %%xmm0, %%xmm0; mov $1, %%eax; cvtsi2ss %%eax, %%xmm1; divss %%xmm0, %%xmm1" ::"m"(mxcsr) : "xmm0", "xmm1", "eax"));
	mxcsr = 0x1f80;
	__asm__ volatile("ldmxcsr %0" ::"m"(mxcsr));
	unsigned short cw = 0x37f & ~4;
	try("x87 division", __asm__ volatile("fninit; fldcw %0; fldz; fld1; fdivp; fwait" ::"m"(cw)));
	__asm__ volatile("fninit");
	unsigned short cw2 = 0x37f & ~1;
	try("x87 invalid", __asm__ volatile("fninit; fldcw %0; fldz; fldz; fdivp; fwait" ::"m"(cw2)));
	__asm__ volatile("fninit");
	try("single step", __asm__ volatile("pushf; orl $0x100, (%%rsp); popf; nop; nop" ::: "memory", "cc"));
	return 0;
}
