// What a system call does to registers: r11 holds the flags, rcx the return address, all others stay; TF and DF.
#include "../oracle.h"
uint64_t in[16], out[16];

int main(void) {
	for (int i = 0; i < 16; i++)
		in[i] = 0x0101010101010101UL * (i + 1);
	long flags;
	__asm__ volatile("push %%rbp; push %%rbx; lea in(%%rip), %%rax; mov 8(%%rax), %%rbx; mov 24(%%rax), %%rdx; mov 32(%%rax), %%rsi; mov 40(%%rax), %%rdi; mov 48(%%rax), %%rbp; mov 64(%%rax), %%r8; mov 72(%%rax), %%r9; mov 80(%%rax), %%r10;"
			 "mov 96(%%rax), %%r12; mov 104(%%rax), %%r13; mov 112(%%rax), %%r14; mov 120(%%rax), %%r15; mov $39, %%eax; std; syscall; pushf; cld;"
			 "lea out(%%rip), %%rax; mov %%rbx, 8(%%rax); mov %%rdx, 24(%%rax); mov %%rsi, 32(%%rax); mov %%rdi, 40(%%rax); mov %%rbp, 48(%%rax); mov %%r8, 64(%%rax); mov %%r9, 72(%%rax); mov %%r10, 80(%%rax); mov %%r11, 88(%%rax);"
			 "mov %%r12, 96(%%rax); mov %%r13, 104(%%rax); mov %%r14, 112(%%rax); mov %%r15, 120(%%rax); pop %%rcx; mov %%rcx, 16(%%rax); pop %%rbx; pop %%rbp" ::: "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc");
	flags = out[2];
	static const int kept[] = {1, 3, 4, 5, 6, 8, 9, 10, 12, 13, 14, 15};
	int same = 0;
	for (unsigned i = 0; i < COUNT(kept); i++)
		same += in[kept[i]] == out[kept[i]];
	show(same);
	fact("r11 is the flags: %d; direction kept: %d; interrupts on: %d", (out[11] & 0xcd5) == (flags & 0xcd5), (int)(flags >> 10 & 1), (int)(flags >> 9 & 1));
	unsigned a, b, c, d;
	__asm__("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "0"(0), "2"(0));
	yes(a >= 1);
	__asm__("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "0"(1), "2"(0));
	yes(d >> 25 & d >> 26 & 1); // SSE, SSE2
	unsigned long t1, t2;
	__asm__ volatile("rdtsc; shl $32, %%rdx; or %%rdx, %%rax" : "=a"(t1)::"rdx");
	__asm__ volatile("rdtsc; shl $32, %%rdx; or %%rdx, %%rax" : "=a"(t2)::"rdx");
	yes(t2 > t1);
	return 0;
}
