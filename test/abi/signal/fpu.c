// The floating point state: handlers start clean enough, what they change is undone, and their frame shows it.
#include "../oracle.h"
#include <ucontext.h>
static volatile int xmm_in_frame, mxcsr_in, cw_in;
static void handler(int s, siginfo_t *i, void *u) {
	ucontext_t *c = u;
	struct _libc_fpstate *f = c->uc_mcontext.fpregs;
	unsigned m, junk[4] = {0xdead, 0xdead, 0xdead, 0xdead};
	unsigned short cw;
	__asm__ volatile("stmxcsr %0; fnstcw %1" : "=m"(m), "=m"(cw));
	mxcsr_in = m, cw_in = cw;
	xmm_in_frame = f->_xmm[7].element[0];
	f->_xmm[6].element[0] = 0x66666666; // changes come back
	m = 0x1f80 | 0x6000;
	__asm__ volatile("ldmxcsr %0; movups %1, %%xmm7; movups %1, %%xmm8; fninit; fldpi; fldpi" ::"m"(m), "m"(junk) : "xmm7", "xmm8");
	if (__builtin_cpu_supports("avx"))
		__asm__ volatile("vzeroall" ::: "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7");
}
// wide puts a pattern in a 256-bit register, takes a signal, and looks again.
__attribute__((target("avx"), noinline)) static int wide(void) {
	uint64_t in[4] = {1, 2, 3, 4}, out[4] = {0};
	__asm__ volatile("vmovups %1, %%ymm9; syscall; vmovups %%ymm9, %0" : "=m"(out)
			 : "m"(in), "a"(SYS_tgkill), "D"(getpid()), "S"(getpid()), "d"(SIGUSR1) : "rcx", "r11", "memory", "xmm9");
	return memcmp(in, out, sizeof in) == 0;
}

int main(void) {
	struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
	must(sigaction(SIGUSR1, &a, NULL));
	unsigned x7[4] = {0x77, 0, 0, 0}, x8[4] = {0x88, 0, 0, 0}, o6[4], o7[4], o8[4], mxcsr = 0x1f80 | 0x2000, mx;
	unsigned short cw = 0x27f, cw2;
	double top = 2.5, out;
	long ret = SYS_tgkill;
	__asm__ volatile("ldmxcsr %6; fldcw %7; fldl %8; movups %9, %%xmm7; movups %10, %%xmm8; syscall;"
			 "movups %%xmm6, %0; movups %%xmm7, %1; movups %%xmm8, %2; stmxcsr %3; fnstcw %4; fstpl %5"
			 : "=m"(o6), "=m"(o7), "=m"(o8), "=m"(mx), "=m"(cw2), "=m"(out)
			 : "m"(mxcsr), "m"(cw), "m"(top), "m"(x7), "m"(x8), "a"(ret), "D"(getpid()), "S"(getpid()), "d"(SIGUSR1)
			 : "rcx", "r11", "memory", "xmm6", "xmm7", "xmm8");
	fact("frame's xmm7 %#x; kept xmm7 %#x xmm8 %#x", xmm_in_frame, o7[0], o8[0]);
	fact("set through the frame: xmm6 %#x", o6[0]);
	fact("mxcsr in %#x after %#x", mxcsr_in, mx & ~0x3f);
	fact("control word in %#x after %#x, top %.1f", cw_in, cw2, out);
	__asm__ volatile("fninit");
	if (__builtin_cpu_supports("avx"))
		fact("ymm kept: %d", wide());
	else
		fact("ymm kept: 1");
	return 0;
}
