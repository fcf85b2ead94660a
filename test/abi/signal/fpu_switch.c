// Threads and processes do not see each other's floating point state, over many switches.
#include "../oracle.h"
static volatile int bad;
__attribute__((noinline)) static void *spin(void *arg) {
	uint64_t n = (uintptr_t)arg, in[2] = {n, ~n}, out[2];
	unsigned mxcsr = 0x1f80 | (n % 4) << 13, got;
	unsigned short cw = 0x37f & ~(n % 2 ? 0x300 : 0), cw2;
	for (int i = 0; i < 200; i++) {
		long r;
		__asm__ volatile("ldmxcsr %5; fldcw %6; movups %4, %%xmm15; syscall; movups %%xmm15, %1; stmxcsr %2; fnstcw %3"
				 : "=a"(r), "=m"(out), "=m"(got), "=m"(cw2)
				 : "m"(in), "m"(mxcsr), "m"(cw), "0"(SYS_sched_yield) : "rcx", "r11", "memory", "xmm15");
		if (memcmp(in, out, 16) || (got & 0xffc0) != (mxcsr & 0xffc0) || cw2 != cw)
			bad++;
	}
	return NULL;
}

int main(void) {
	pthread_t t[4];
	for (long i = 0; i < 4; i++)
		t[i] = thread(spin, (void *)(i + 1));
	for (int i = 0; i < 4; i++)
		join(t[i]);
	show(bad);
	pid_t pids[4];
	for (long i = 0; i < 4; i++)
		pids[i] = spawn(spin((void *)(i + 10)); _exit(bad != 0));
	for (int i = 0; i < 4; i++)
		quiet(pids[i]);
	uint64_t in[2] = {5, 6}, out[2];
	unsigned mxcsr = 0x1f80 | 0x4000, got;
	long pid;
	__asm__ volatile("ldmxcsr %4; movups %3, %%xmm12; syscall; movups %%xmm12, %1; stmxcsr %2"
			 : "=a"(pid), "=m"(out), "=m"(got) : "m"(in), "m"(mxcsr), "0"(SYS_fork) : "rcx", "r11", "memory", "xmm12");
	if (pid == 0)
		_exit(memcmp(in, out, 16) == 0 && (got & 0xffc0) == mxcsr ? 42 : 43);
	reap("fork keeps the state", pid);
	return 0;
}
