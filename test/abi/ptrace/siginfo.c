// GETSIGINFO, SETSIGINFO, PEEKSIGINFO, GETSIGMASK, SETSIGMASK.
#include "../oracle.h"
#include <sys/ptrace.h>
static siginfo_t seen;
static void handler(int s, siginfo_t *i, void *u) { seen = *i; }

int main(void) {
	siginfo_t i;
	pid_t pid = spawn({
		struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
		must(sigaction(SIGUSR1, &a, NULL)), must(ptrace(PTRACE_TRACEME, 0, 0, 0));
		sigset_t s;
		sigemptyset(&s), sigaddset(&s, 35), sigaddset(&s, 36), sigprocmask(SIG_BLOCK, &s, NULL);
		sigqueue(getpid(), 35, (union sigval){.sival_int = 1}), sigqueue(getpid(), 36, (union sigval){.sival_int = 2}), sys(SYS_tgkill, getpid(), getpid(), 36);
		sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 42});
		fact("child: code %d value %d", seen.si_code, seen.si_value.sival_int);
		sigprocmask(SIG_BLOCK, NULL, &s), fact("child: mask 35 %d 36 %d 40 %d", sigismember(&s, 35), sigismember(&s, 36), sigismember(&s, 40));
		_exit(0);
	});
	must(waitpid(pid, NULL, 0));
	show(ptrace(PTRACE_GETSIGINFO, pid, 0, &i)), fact("%s code %d value %d from the child %d", signame(i.si_signo), i.si_code, i.si_value.sival_int, i.si_pid == pid);
	i.si_value.sival_int = 99, i.si_code = -77, show(ptrace(PTRACE_SETSIGINFO, pid, 0, &i)), show(ptrace(PTRACE_GETSIGINFO, pid, 0, 8));
	struct { uint64_t off; uint32_t flags; int32_t nr; } a = {0, 1, 8};
	siginfo_t list[8];
	long n = ptrace(0x4209, pid, &a, list); // PEEKSIGINFO, shared
	fact("shared: %ld, %s=%d %s=%d", n, signame(list[0].si_signo), list[0].si_value.sival_int, "RTMIN+2", list[1].si_value.sival_int);
	a.flags = 0, n = ptrace(0x4209, pid, &a, list), fact("private: %ld, code %d", n, list[0].si_code);
	a.off = 1, show(ptrace(0x4209, pid, &a, list)), a.flags = 8, show(ptrace(0x4209, pid, &a, list)), a.flags = 0, a.nr = -1, show(ptrace(0x4209, pid, &a, list));
	uint64_t mask = 0;
	show(ptrace(0x420a, pid, 8, &mask)), fact("mask %#lx", mask);
	mask |= 1UL << 39 | 1UL << 8, show(ptrace(0x420b, pid, 8, &mask)), show(ptrace(0x420a, pid, 4, &mask)), must(ptrace(0x420a, pid, 8, &mask)), fact("mask %#lx", mask); // KILL is left out
	must(ptrace(PTRACE_CONT, pid, 0, SIGUSR1)), reap("child", pid);
	return 0;
}
