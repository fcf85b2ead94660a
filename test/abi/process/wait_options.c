// wait4(2): WNOHANG, WUNTRACED, WCONTINUED, groups, errors, rusage.
#include "../oracle.h"

int main(void) {
	int st;
	show(waitpid(-1, &st, 0));
	show(waitpid(-1, &st, WNOHANG));
	struct gate g = gate_new();
	pid_t pid = spawn(gate_pass(g); _exit(4));
	show(waitpid(pid, &st, WNOHANG));
	show(waitpid(getpid(), &st, WNOHANG)); // not a child
	show(waitpid(999999, &st, 0));
	show(waitpid(INT_MIN, &st, 0));
	show(waitpid(pid, &st, 0x1000));
	must(kill(pid, SIGSTOP));
	await(pid, "T");
	show(waitpid(pid, &st, WNOHANG)); // stops are not asked for
	yes(waitpid(pid, &st, WUNTRACED) == pid);
	status("stopped", st);
	show(waitpid(pid, &st, WUNTRACED | WNOHANG)); // told once
	must(kill(pid, SIGCONT));
	yes(waitpid(pid, &st, WCONTINUED) == pid);
	status("continued", st);
	show(waitpid(pid, &st, WCONTINUED | WNOHANG));
	must(kill(pid, SIGSTOP));
	await(pid, "T");
	must(kill(pid, SIGCONT)); // the stop was not collected
	yes(waitpid(pid, &st, WUNTRACED | WCONTINUED) == pid);
	status("stop and continue", st);
	gate_open(g);
	await(pid, "Z");
	show(waitpid(pid, (int *)1, 0)); // the child is collected all the same
	show(waitpid(pid, &st, 0));
	pid = spawn(_exit(1));
	pid_t grouped = spawn(setpgid(0, 0); gate_pass(g); _exit(2));
	setpgid(grouped, grouped);
	yes(waitpid(0, &st, 0) == pid); // own group
	show(waitpid(0, &st, WNOHANG));
	gate_open(g);
	yes(waitpid(-grouped, &st, 0) == grouped);
	status("by group", st);
	struct rusage ru;
	memset(&ru, 0xff, sizeof ru);
	pid = spawn(for (volatile int i = 0; i < 1000; i++));
	yes(wait4(pid, &st, 0, &ru) == pid);
	yes(ru.ru_utime.tv_sec == 0 && ru.ru_maxrss > 0);
	return 0;
}
