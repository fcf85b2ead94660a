// What the frame of SIGSEGV and SIGBUS says about a page fault: si_addr, the error code, the number of
// the exception, the address again; and that the interrupted state is whole afterwards.
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include "../oracle.h"

static sigjmp_buf env;
static char *base;
static void handler(int sig, siginfo_t *i, void *u)
{
	greg_t *r = ((ucontext_t *)u)->uc_mcontext.gregs;
	printf("sig %d code %d addr %+ld err %lld trapno %lld cr2 same %d\n", sig, i->si_code,
		(long)((char *)i->si_addr - base), (long long)r[REG_ERR], (long long)r[REG_TRAPNO], r[REG_CR2] == (long)i->si_addr);
	siglongjmp(env, 1);
}

static volatile int sink;
#define TRY(what, ...) do { printf("%s: ", what); fflush(stdout); if (!sigsetjmp(env, 1)) { __VA_ARGS__; puts("no fault"); } } while (0)

static void mend(int sig, siginfo_t *i, void *u) { mprotect(base, 4096, PROT_READ | PROT_WRITE); }

int main(void)
{
	struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
	sigaction(SIGSEGV, &a, 0);
	sigaction(SIGBUS, &a, 0);
	base = 0;
	TRY("read of nothing", sink = *(volatile int *)0x10);
	TRY("write of nothing", *(volatile int *)0x10 = 1);
	TRY("fetch of nothing", ((void (*)(void))0x10)());
	base = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	base[0] = base[4096] = 1;
	mprotect(base, 4096, PROT_READ);
	TRY("write to read-only", *(volatile char *)base = 2);
	TRY("fetch of data", ((void (*)(void))base)());
	TRY("write across", *(volatile long *)(base + 4092) = 3);
	mprotect(base, 4096, PROT_NONE);
	TRY("read of PROT_NONE", sink = *(volatile char *)base);
	for (int i = 0; i < 3; i++) { // also where memory that was used before is at hand
		char *p = base = mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		TRY("write to untouched", *(volatile char *)p = 1);
		sink = *p;
		TRY("write to touched", *(volatile char *)p = 1);
		mprotect(p, 4096, PROT_READ | PROT_WRITE);
		memset(p, 1, 4096);
		munmap(p, 4096);
	}
	TRY("read of unmapped", sink = *(volatile char *)base);
	base = 0;
	TRY("kernel's half", sink = *(volatile char *)0xffffffff81000000);
	int fd = memfd_create("f", 0);
	ftruncate(fd, 100);
	char *f = base = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	TRY("write beyond the end", *(volatile char *)(f + 4096) = 1);
	TRY("read beyond the end", sink = *(volatile char *)(f + 4096));

	// A handler that mends it: registers and extended state are as they were.
	base = mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	a.sa_sigaction = mend;
	sigaction(SIGSEGV, &a, 0);
	double x = 1.5;
	long r = 7, flags;
	__asm__ volatile("movsd %3, %%xmm9\n\tmov $42, %%r12\n\tstc\n\tmovb $5, (%2)\n\tpushf\n\tpop %1\n\tmovsd %%xmm9, %0\n\tadd %%r12, %%r12\n\tmov %%r12, %%r13"
		: "=m"(x), "=&r"(flags) : "r"(base), "m"(x) : "xmm9", "r12", "r13", "memory", "cc");
	__asm__ volatile("mov %%r13, %0" : "=r"(r));
	printf("mended: byte %d xmm9 %.1f carry %ld\n", *base, x, flags & 1);
	return 0;
}
