// Seccomp filters: errno, allow, kill, arguments compared, instruction pointer, inheritance.
#include "../oracle.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#define LD(f) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, f))
#define RET(v) BPF_STMT(BPF_RET | BPF_K, v)
#define EQ(v, t, f) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, v, t, f)
#define ALLOW RET(SECCOMP_RET_ALLOW)
static long install(struct sock_filter *f, int n, unsigned flags) {
	struct sock_fprog p = {n, f};
	return sys(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &p);
}
#define filter(...) ({ struct sock_filter f_[] = {__VA_ARGS__}; install(f_, COUNT(f_), 0); })
#define nnp() must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))

int main(int argc, char **argv) {
	if (argc > 1) {
		fact("after exec: %s", ename(err(getpriority(PRIO_PROCESS, 0))));
		return 0;
	}
	quiet(spawn(must(setuid(1000)); show(filter(ALLOW)); nnp(); show(filter(ALLOW)); show(prctl(PR_GET_SECCOMP))));
	quiet(spawn(nnp(); must(filter(LD(nr), EQ(SYS_getppid, 0, 1), RET(SECCOMP_RET_ERRNO | EXDEV), ALLOW)); show(sys(SYS_getppid)); show(getpid() > 0);
		    quiet(spawn(show(sys(SYS_getppid)); fact("%.10s", strstr(slurp("/proc/self/status"), "Seccomp:")); fact("%.18s", strstr(slurp("/proc/self/status"), "Seccomp_filters:"))))));
	quiet(spawn(nnp(); must(filter(LD(nr), EQ(SYS_getpriority, 0, 1), RET(SECCOMP_RET_ERRNO | EPROTO), ALLOW)); char *args[] = {argv[0], "x", NULL}; execve("/proc/self/exe", args, NULL)));
	quiet(spawn(nnp(); must(filter(LD(nr), EQ(SYS_getppid, 0, 1), RET(SECCOMP_RET_ERRNO | 0), ALLOW)); show(sys(SYS_getppid)))); // "success"
	quiet(spawn(nnp(); must(filter(LD(nr), EQ(SYS_getppid, 0, 1), RET(SECCOMP_RET_ERRNO | 5000), ALLOW)); fact("errno %d", (int)err(sys(SYS_getppid))))); // cut to 4095
	reap("kill process", spawn(nnp(); must(filter(LD(nr), EQ(SYS_getppid, 0, 1), RET(SECCOMP_RET_KILL_PROCESS), ALLOW)); sys(SYS_getppid)));
	reap("kill thread", spawn(nnp(); must(filter(LD(nr), EQ(SYS_getppid, 0, 1), RET(SECCOMP_RET_KILL_THREAD), ALLOW)); sys(SYS_getppid)));
	reap("unknown action", spawn(nnp(); must(filter(LD(nr), EQ(SYS_getppid, 0, 1), RET(0x12340000), ALLOW)); sys(SYS_getppid)));
	quiet(spawn(nnp(); must(filter(LD(nr), EQ(SYS_getppid, 0, 1), RET(SECCOMP_RET_LOG), ALLOW)); show(sys(SYS_getppid) > 0)));
	quiet(spawn(nnp(); must(filter(LD(nr), EQ(SYS_getppid, 0, 1), RET(SECCOMP_RET_TRACE | 7), ALLOW)); show(sys(SYS_getppid)))); // no tracer
	quiet(spawn(nnp(); must(filter(LD(arch), EQ(AUDIT_ARCH_X86_64, 0, 7), LD(nr), EQ(SYS_setpriority, 0, 5), LD(args[2]), EQ(7, 0, 3), BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2]) + 4), EQ(0, 0, 1), RET(SECCOMP_RET_ERRNO | EDOM), ALLOW));
		    show(setpriority(PRIO_PROCESS, 0, 7)); show(setpriority(PRIO_PROCESS, 0, 6)); show(sys(SYS_setpriority, PRIO_PROCESS, 0, 0x100000007))));
	quiet(spawn(nnp(); must(filter(LD(nr), EQ(SYS_getppid, 0, 1), RET(SECCOMP_RET_ERRNO | 1), ALLOW)); must(filter(LD(nr), EQ(SYS_getppid, 0, 1), RET(SECCOMP_RET_ERRNO | 2), ALLOW)); show(sys(SYS_getppid)); // of equals the last one
		    must(filter(LD(nr), EQ(SYS_getppid, 0, 1), RET(SECCOMP_RET_LOG), ALLOW)); show(sys(SYS_getppid)))); // the strictest counts
	quiet(spawn(nnp(); must(filter(LD(nr), EQ(0x7fffffff, 0, 1), RET(SECCOMP_RET_ERRNO | EBFONT), ALLOW)); show(sys(0x7fffffff)); show(sys(600)))); // numbers that do not exist pass through it too
	show(filter(RET(SECCOMP_RET_ALLOW), BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0))); // does not end with a return
	return 0;
}
