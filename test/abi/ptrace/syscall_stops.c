// PTRACE_SYSCALL: entry and exit stops, TRACESYSGOOD, changing number, arguments and result; GET_SYSCALL_INFO.
#include "../oracle.h"
#include <sys/ptrace.h>
#include <sys/user.h>
static pid_t pid;
static struct user_regs_struct r;
static int next(int how) {
	int st;
	must(ptrace(how, pid, 0, 0)), must(waitpid(pid, &st, 0)), ptrace(PTRACE_GETREGS, pid, 0, &r);
	return st;
}
static void info(const char *what) {
	struct __ptrace_syscall_info i = {0};
	long n = ptrace(0x420e, pid, (void *)sizeof i, &i);
	if (i.op == 1)
		fact("%s: size %ld entry, call %lu, argument %ld", what, n, i.entry.nr, i.entry.args[0]);
	else if (i.op == 2)
		fact("%s: size %ld exit, value %lld, error %d", what, n, i.exit.is_error ? (long long)i.exit.rval : 0, i.exit.is_error);
	else
		fact("%s: size %ld none", what, n);
}

int main(void) {
	pid = spawn({
		must(ptrace(PTRACE_TRACEME, 0, 0, 0)), raise(SIGSTOP);
		long a = sys(SYS_getpgid, 77777), b = sys(SYS_getpgid, 77777), c = sys(SYS_getpgid, 0), d = sys(SYS_getpgid, 0);
		fact("child: %s, argument changed %d, call changed %d, result changed %ld", a == -1 ? "error" : "value", b > 0, c == getppid(), d);
		fact("skipped: %s", ename(err(sys(SYS_getpgid, 0))));
	});
	must(waitpid(pid, NULL, 0)), show(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD)), show(ptrace(PTRACE_SETOPTIONS, pid, 0, 0x80000000)), info("not in a call");
	int st;
	do // the rest of raise
		st = next(PTRACE_SYSCALL);
	while (r.orig_rax != SYS_getpgid);
	fact("stop: %#x, rax at entry %s", st >> 8, (long)r.rax == -ENOSYS ? "-ENOSYS" : "other"), info("entry");
	st = next(PTRACE_SYSCALL), fact("stop: %#x, rax at exit %lld", st >> 8, r.rax), info("exit");
	next(PTRACE_SYSCALL), r.rdi = 0, must(ptrace(PTRACE_SETREGS, pid, 0, &r)), next(PTRACE_SYSCALL), fact("argument after: %lld", r.rdi);
	next(PTRACE_SYSCALL), r.orig_rax = SYS_getppid, must(ptrace(PTRACE_SETREGS, pid, 0, &r)), next(PTRACE_SYSCALL), fact("number after: %s", r.orig_rax == SYS_getppid ? "the new one" : "the old one");
	next(PTRACE_SYSCALL), next(PTRACE_SYSCALL), r.rax = 9876, must(ptrace(PTRACE_SETREGS, pid, 0, &r));
	do
		next(PTRACE_SYSCALL);
	while (r.orig_rax != SYS_getpgid);
	r.orig_rax = -1, must(ptrace(PTRACE_SETREGS, pid, 0, &r)), next(PTRACE_SYSCALL), fact("exit of a skipped call: rax %s", (long)r.rax == -ENOSYS ? "-ENOSYS" : "other");
	must(ptrace(PTRACE_CONT, pid, 0, 0)), reap("child", pid);
	pid = spawn(must(ptrace(PTRACE_TRACEME, 0, 0, 0)); raise(SIGSTOP); sys(SYS_getpgid, 0); _exit(5));
	must(waitpid(pid, NULL, 0));
	do
		st = next(PTRACE_SYSEMU);
	while (r.orig_rax != SYS_getpgid);
	r.rax = 55, must(ptrace(PTRACE_SETREGS, pid, 0, &r)), status("SYSEMU", st);
	st = next(PTRACE_SYSEMU), fact("the next is another call: %d", r.orig_rax == SYS_exit_group);
	must(ptrace(PTRACE_KILL, pid, 0, 0)), reap("child", pid);
	return 0;
}
