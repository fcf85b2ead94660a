// The init of a PID namespace ends while it traces: those it traces die, and nobody waits for it in vain.
#include "../oracle.h"
#include <sys/ptrace.h>

static void init(int how) {
	int status;
	pid_t child = must(fork());
	if (child == 0) {
		if (how == 0)
			must(ptrace(PTRACE_TRACEME, 0, 0, 0)), raise(SIGSTOP);
		for (;;)
			pause();
	}
	if (how == 0) {
		must(waitpid(child, &status, WUNTRACED));
	} else {
		must(ptrace(PTRACE_SEIZE, child, 0, 0));
		if (how == 2)
			must(kill(child, SIGKILL)), must(waitid(P_PID, child, &(siginfo_t){0}, WEXITED | WNOWAIT));
	}
	_exit(7);
}

int main(void) {
	for (int how = 0; how < 3; how++) {
		pid_t pid = must(fork());
		if (pid == 0) {
			must(unshare(CLONE_NEWPID));
			pid = must(fork());
			if (pid == 0)
				init(how);
			int status;
			must(waitpid(pid, &status, 0));
			_exit(WEXITSTATUS(status));
		}
		reap("its parent", pid);
	}
	return 0;
}
