// seccomp(2): bad programs, flags, operations, sizes; strict mode.
#include "../oracle.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
static long install(struct sock_filter *f, int n, unsigned flags) {
	struct sock_fprog p = {n, f};
	return sys(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &p);
}
#define try(what, ...) ({ struct sock_filter f_[] = {__VA_ARGS__}; fact("%s: %s", what, ename(err(install(f_, COUNT(f_), 0)))); })
#define S BPF_STMT
#define J BPF_JUMP
#define END S(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

int main(void) {
	static struct sock_filter many[4097];
	for (int i = 0; i < 4097; i++)
		many[i] = (struct sock_filter)END;
	reap("strict: read, write and exit", spawn(must(write(1, "before\n", 7)); must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT)); write(1, "strict\n", 7); sys(SYS_exit, 4)));
	reap("strict: another call", spawn(must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT)); sys(SYS_getpid); sys(SYS_exit, 4)));
	reap("strict: exit_group", spawn(must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT)); sys(SYS_exit_group, 4)));
	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	show(install(many, 0, 0)), show(install(many, 4097, 0)), show(install((void *)8, 5, 0)), show(sys(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, 8)), show(install(many, 1, 0x100)), show(sys(SYS_seccomp, 9, 0, NULL)), show(sys(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, NULL)), show(sys(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, 8));
	try("unknown instruction", S(0xff, 0), END), try("no return", S(BPF_LD | BPF_IMM, 0)), try("return of the accumulator", S(BPF_LD | BPF_IMM, SECCOMP_RET_ALLOW), S(BPF_RET | BPF_A, 0)), try("jump out", J(BPF_JMP | BPF_JEQ | BPF_K, 1, 5, 0), END), try("long jump out", S(BPF_JMP | BPF_JA, 7), END), try("division by 0", S(BPF_ALU | BPF_DIV | BPF_K, 0), END), try("shift by 40", S(BPF_ALU | BPF_LSH | BPF_K, 40), END);
	try("unaligned load", S(BPF_LD | BPF_W | BPF_ABS, 3), END), try("load beyond", S(BPF_LD | BPF_W | BPF_ABS, 64), END), try("byte load", S(BPF_LD | BPF_B | BPF_ABS, 0), END), try("indirect load", S(BPF_LD | BPF_W | BPF_IND, 0), END), try("memory slot 16", S(BPF_ST, 16), END), try("memory before a store", S(BPF_LD | BPF_MEM, 3), END), try("memory after a store", S(BPF_ST, 3), S(BPF_LD | BPF_MEM, 3), END), try("length", S(BPF_LD | BPF_W | BPF_LEN, 0), END), try("modulo", S(BPF_ALU | BPF_MOD | BPF_K, 5), END), try("packet load of X", S(BPF_LDX | BPF_B | BPF_MSH, 0), END);
	unsigned action = SECCOMP_RET_TRAP;
	show(sys(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action)), action = SECCOMP_RET_KILL_PROCESS, show(sys(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action)), action = 0x1230000, show(sys(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action)), show(sys(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 1, &action)), show(sys(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, 8));
	struct seccomp_notif_sizes z;
	show(sys(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &z)), fact("%u %u %u", z.seccomp_notif, z.seccomp_notif_resp, z.seccomp_data);
	quiet(spawn(int n = 0; while (install(many, 4096, 0) == 0) n++; fact("too many at last: %d, %s", n > 0, ename(errno))));
	show(prctl(PR_SET_SECCOMP, 9, 0)), show(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, 8));
	reap("division by zero, found at run time", spawn(try("division by X", S(BPF_ALU | BPF_DIV | BPF_X, 0), END); _exit(0)));
	show(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT)); // a filter is there already
	return 0;
}
