// SECCOMP_RET_TRAP: SIGSYS with the call's number, address, architecture, data; the handler's result.
#include "../oracle.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <ucontext.h>
static siginfo_t info;
static greg_t rax, rip;
static void handler(int s, siginfo_t *i, void *u) {
	ucontext_t *c = u;
	info = *i, rax = c->uc_mcontext.gregs[REG_RAX], rip = c->uc_mcontext.gregs[REG_RIP];
	c->uc_mcontext.gregs[REG_RAX] = 4242;
}
static void install(int nr, unsigned action) {
	struct sock_filter f[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1), BPF_STMT(BPF_RET | BPF_K, action), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	struct sock_fprog p = {4, f};
	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)), must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p));
}

int main(void) {
	struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
	must(sigaction(SIGSYS, &a, NULL));
	install(SYS_getppid, SECCOMP_RET_TRAP | 77);
	show(sys(SYS_getppid));
	fact("%s code %d call right %d arch right %d errno %d", signame(info.si_signo), info.si_code, info.si_syscall == SYS_getppid, info.si_arch == AUDIT_ARCH_X86_64, info.si_errno);
	yes(info.si_call_addr == (void *)rip), yes(rax == SYS_getppid);
	show(getpid() > 0);
	reap("no handler", spawn(signal(SIGSYS, SIG_DFL); sys(SYS_getppid)));
	reap("ignored", spawn(signal(SIGSYS, SIG_IGN); sys(SYS_getppid)));
	reap("blocked", spawn(sigset_t s; sigemptyset(&s); sigaddset(&s, SIGSYS); sigprocmask(SIG_BLOCK, &s, NULL); sys(SYS_getppid)));
	reap("kill beats trap", spawn(install(SYS_getppid, SECCOMP_RET_KILL_PROCESS); sys(SYS_getppid)));
	quiet(spawn(install(SYS_getppid, SECCOMP_RET_ERRNO | 5); show(sys(SYS_getppid)))); // trap is stricter than errno
	return 0;
}
