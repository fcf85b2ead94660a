// rseq(2): glibc's registration, a second one, unregistering, the processor's number, aborts, fork and exec.
#include "../oracle.h"
#include <sys/rseq.h>
static struct rseq area __attribute__((aligned(32)));
static void handler(int s) {}
static void *thread_(void *a) {
	return (void *)(long)(*(volatile unsigned *)((char *)__builtin_thread_pointer() + __rseq_offset + 4) < 4096);
}

int main(void) {
	fact("glibc: size %u at least 20, offset %s", __rseq_size >= 20 || __rseq_size == 0 ? 20 : __rseq_size, __rseq_offset ? "set" : "0");
	struct rseq *mine = (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
	if (!__rseq_size)
		return fact("not registered"), 0;
	yes(mine->cpu_id < 4096 && mine->cpu_id_start == mine->cpu_id);
	show(sys(SYS_rseq, &area, 32, 0, RSEQ_SIG)); // one per thread
	fact("thread's own: %ld", join(thread(thread_, NULL)));
	show(sys(SYS_rseq, mine, 32, RSEQ_FLAG_UNREGISTER, 0x1234)), show(sys(SYS_rseq, mine, 32, 8, RSEQ_SIG)), show(sys(SYS_rseq, mine, 32, RSEQ_FLAG_UNREGISTER, RSEQ_SIG)), fact("cpu %d", (int)mine->cpu_id);
	show(sys(SYS_rseq, mine, 32, RSEQ_FLAG_UNREGISTER, RSEQ_SIG));
	show(sys(SYS_rseq, (char *)&area + 1, 32, 0, 5)), show(sys(SYS_rseq, &area, 16, 0, 5)), show(sys(SYS_rseq, 0xffff800000000000, 32, 0, 5));
	area.cpu_id = -1;
	show(sys(SYS_rseq, &area, 32, 0, RSEQ_SIG)), yes(area.cpu_id < 4096);
	quiet(spawn(yes(area.cpu_id < 4096); show(sys(SYS_rseq, &area, 32, RSEQ_FLAG_UNREGISTER, RSEQ_SIG)))); // kept by fork
	on(SIGUSR1, handler, 0);
	// A critical section that is interrupted, by a signal at the latest, goes to its abort handler.
	int aborted = 0;
	static struct { uint32_t version, flags; uint64_t start, length, abort; } cs __attribute__((aligned(32)));
	pid_t me = getpid(), pid = spawn(usleep(20000); kill(me, SIGUSR1));
	__asm__ volatile("lea 1f(%%rip), %%rax; mov %%rax, 8+%[cs]; lea 2f(%%rip), %%rcx; sub %%rax, %%rcx; mov %%rcx, 16+%[cs]; lea 3f(%%rip), %%rax; mov %%rax, 24+%[cs]; lea %[cs], %%rax; mov %%rax, %[area]; jmp 1f;"
			 ".byte 0x0f, 0xb9, 0x3d; .long 0x53053053; 3: movl $1, %[aborted]; jmp 4f;"
			 "1: pause; jmp 1b; 2: nop; 4:"
			 : [aborted] "+m"(aborted), [cs] "+m"(cs), [area] "+m"(area.rseq_cs) :: "rax", "rcx", "memory");
	show(aborted);
	quiet(pid);
	return 0;
}
