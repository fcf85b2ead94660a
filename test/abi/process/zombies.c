// Zombies, SIGCHLD ignored or SA_NOCLDWAIT, double fork, subreapers.
#include "../oracle.h"
static volatile int chld;
static void count(int s) { chld++; }

int main(void) {
	pid_t pid = spawn(_exit(1));
	await(pid, "Z");
	show(kill(pid, 0)); // a zombie can be signalled
	show(kill(pid, SIGKILL));
	yes(getpgid(pid) == getpgrp());
	reap("zombie", pid);
	show(kill(pid, 0));
	on(SIGCHLD, SIG_IGN, 0);
	pid = spawn(_exit(1));
	int st;
	show(waitpid(pid, &st, 0)); // waits, then there is none
	on(SIGCHLD, count, SA_NOCLDWAIT);
	pid = spawn(_exit(1));
	while (waitpid(pid, &st, 0) == -1 && errno == EINTR)
		;
	fact("NOCLDWAIT with a handler: %s, signals %d", ename(errno), chld);
	on(SIGCHLD, SIG_DFL, 0);
	struct gate a = gate_new(), b = gate_new();
	int pipes[2];
	must(pipe(pipes));
	pid = spawn({ // the grandchild becomes init's
		spawn(gate_pass(a); char init = getppid() == 1; must(write(pipes[1], &init, 1)));
	});
	quiet(pid);
	gate_open(a);
	char c;
	must(read(pipes[0], &c, 1));
	fact("orphan's parent is init: %d", c);
	show(prctl(PR_SET_CHILD_SUBREAPER, 1));
	int sub = 0;
	show(prctl(PR_GET_CHILD_SUBREAPER, &sub));
	show(sub);
	pid = spawn({
		show(prctl(PR_GET_CHILD_SUBREAPER, &sub));
		show(sub); // not inherited
		spawn(gate_pass(b); _exit(getppid() == 1 ? 1 : 2));
	});
	quiet(pid);
	gate_open(b);
	yes((pid = wait(&st)) > 0);
	status("adopted grandchild", st);
	show(wait(&st));
	return 0;
}
