// Numbers that are no system call, calls that are gone, and what the kernel answers; 32-bit ways in.
#include "../oracle.h"

int main(void) {
	static const int gone[] = {SYS_uselib, SYS__sysctl, SYS_create_module, SYS_get_kernel_syms, SYS_query_module, SYS_nfsservctl, SYS_getpmsg, SYS_putpmsg, SYS_afs_syscall, SYS_tuxcall, SYS_security, SYS_set_thread_area, SYS_get_thread_area, SYS_epoll_ctl_old, SYS_epoll_wait_old, SYS_vserver, SYS_lookup_dcookie};
	for (unsigned i = 0; i < COUNT(gone); i++)
		fact("%d: %s", gone[i], ename(err(sys(gone[i], 0, 0, 0, 0, 0, 0))));
	static const long none[] = {387, 400, 423, 500, 511, 600, 1000, 0x3fffffff, 0x7fffffff, -1, -2, LONG_MIN};
	for (unsigned i = 0; i < COUNT(none); i++)
		fact("%ld: %s", none[i], ename(err(sys(none[i], 0, 0, 0, 0, 0, 0))));
	long r;
	__asm__ volatile("syscall" : "=a"(r) : "0"(0x100000000L | SYS_getpid) : "rcx", "r11", "memory"); // the upper half is not looked at
	fact("39 with bits above: %s", r == getpid() ? "getpid" : ename(-r));
	__asm__ volatile("syscall" : "=a"(r) : "0"(0x40000000L | SYS_getpid) : "rcx", "r11", "memory"); // x32
	fact("x32: %s", r == getpid() ? "getpid" : ename(-r));
	register long r10 __asm__("r10") = 4, r8 __asm__("r8") = 5, r9 __asm__("r9") = 6;
	long rdi = 1, rsi = 2, rdx = 3, flags = 0, rcx, r11;
	__asm__ volatile("stc; lea 0f(%%rip), %%rbx; syscall; 0: pushf; pop %3; sub %%rbx, %%rcx" : "=a"(r), "=c"(rcx), "=r"(r11), "=r"(flags), "+D"(rdi), "+S"(rsi), "+d"(rdx), "+r"(r10), "+r"(r8), "+r"(r9) : "0"(SYS_getpid) : "rbx", "r11", "memory", "cc");
	fact("registers kept: %ld %ld %ld %ld %ld %ld; rcx is the next address %d; carry kept %ld", rdi, rsi, rdx, r10, r8, r9, rcx == 0, flags & 1);
	return 0;
}
