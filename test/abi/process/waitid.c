// waitid(2): P_PID, P_PGID, P_ALL, P_PIDFD; WEXITED, WSTOPPED, WNOWAIT; what siginfo holds.
#include "../oracle.h"
#ifndef P_PIDFD
#define P_PIDFD 3
#endif
static pid_t pid;
static void tell(const char *what, int r, siginfo_t *i) {
	if (r)
		fact("%s: %s", what, ename(errno));
	else
		fact("%s: signo %s code %d status %d pid %s uid %d", what, signame(i->si_signo), i->si_code, i->si_status, i->si_pid == pid ? "child" : i->si_pid == 0 ? "0" : "other", i->si_uid);
}
#define wait_(...) ({ siginfo_t i; memset(&i, 0x11, sizeof i); tell(#__VA_ARGS__, waitid(__VA_ARGS__), &i); })

int main(void) {
	struct gate g = gate_new();
	siginfo_t i_;
	wait_(P_ALL, 0, &i, WEXITED);
	pid = spawn(gate_pass(g); _exit(7));
	wait_(P_PID, pid, &i, WEXITED | WNOHANG);
	wait_(P_PID, pid, &i, 0);
	wait_(P_PID, pid, &i, WNOHANG);
	wait_(P_PID, 0, &i, WEXITED);
	wait_(P_PID, -1, &i, WEXITED);
	wait_(99, pid, &i, WEXITED);
	wait_(P_PID, pid, &i, WEXITED | 0x100);
	kill(pid, SIGSTOP);
	wait_(P_PID, pid, &i, WSTOPPED);
	wait_(P_PID, pid, &i, WSTOPPED | WNOHANG);
	kill(pid, SIGCONT);
	wait_(P_PID, pid, &i, WCONTINUED);
	int pidfd = sys(SYS_pidfd_open, pid, 0);
	gate_open(g);
	wait_(P_PIDFD, pidfd, &i, WEXITED | WNOWAIT);
	wait_(P_PGID, 0, &i, WEXITED | WNOWAIT);
	wait_(P_PGID, getpgrp(), &i, WEXITED);
	wait_(P_PIDFD, pidfd, &i, WEXITED);
	wait_(P_PIDFD, 0, &i, WEXITED);
	wait_(P_PIDFD, -1, &i, WEXITED);
	wait_(P_PIDFD, 999, &i, WEXITED);
	pid = spawn(raise(SIGTERM));
	wait_(P_ALL, 0, &i, WEXITED);
	pid = spawn(setuid(1000); _exit(1));
	wait_(P_ALL, 0, &i, WEXITED);
	pid = spawn();
	struct rusage ru;
	show(sys(SYS_waitid, P_PID, pid, NULL, WEXITED, &ru)); // no siginfo is fine
	pid = spawn();
	await(pid, "Z");
	show(waitid(P_PID, pid, (void *)1, WEXITED));
	show(waitid(P_PID, pid, &i_, WEXITED));
	return 0;
}
