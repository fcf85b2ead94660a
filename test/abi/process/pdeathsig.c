// prctl PR_SET_PDEATHSIG: a signal when the parent ends; cleared by fork; values.
#include "../oracle.h"

int main(void) {
	int sig = -1;
	show(prctl(PR_SET_PDEATHSIG, 65));
	show(prctl(PR_SET_PDEATHSIG, SIGUSR1));
	show(prctl(PR_GET_PDEATHSIG, &sig));
	fact("%s", signame(sig));
	quiet(spawn(prctl(PR_GET_PDEATHSIG, &sig); fact("child: %s", signame(sig))));
	show(prctl(PR_GET_PDEATHSIG, 1));
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	struct gate ready = gate_new();
	int pipes[2];
	must(pipe(pipes));
	pid_t pid = spawn({
		pid_t g = spawn({
			must(prctl(PR_SET_PDEATHSIG, SIGTERM));
			sigset_t s;
			sigemptyset(&s), sigaddset(&s, SIGTERM);
			must(sigprocmask(SIG_BLOCK, &s, NULL));
			gate_open(ready);
			siginfo_t i;
			int got = sigwaitinfo(&s, &i);
			fact("grandchild: %s code %d from my parent: %d", signame(got), i.si_code, i.si_pid != 0);
			_exit(0);
		});
		must(write(pipes[1], &g, sizeof g));
		gate_pass(ready);
	});
	quiet(pid);
	must(read(pipes[0], &pid, sizeof pid));
	reap("grandchild", pid);
	pid = spawn({
		spawn(must(prctl(PR_SET_PDEATHSIG, SIGKILL)); gate_open(ready); pause());
		gate_pass(ready);
	});
	quiet(pid);
	int st;
	must(wait(&st));
	status("with SIGKILL", st);
	return 0;
}
