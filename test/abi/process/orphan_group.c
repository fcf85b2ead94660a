// A process group that becomes orphaned with stopped members gets SIGHUP and SIGCONT.
#include "../oracle.h"
static volatile int hup, cont;
static void handler(int s) {
	if (s == SIGHUP)
		hup = cont ? 2 : 1;
	else
		cont = hup ? 2 : 1;
}

int main(void) {
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	struct gate ready = gate_new(), go = gate_new();
	int st;
	pid_t pid = spawn({ // a child with a session of its own: its child in another group stops
		must(setsid());
		pid_t g = spawn({
			must(setpgid(0, 0));
			on(SIGHUP, handler, 0);
			on(SIGCONT, handler, 0);
			sigset_t both, old;
			sigemptyset(&both), sigaddset(&both, SIGHUP), sigaddset(&both, SIGCONT);
			gate_open(ready);
			raise(SIGSTOP);
			sigprocmask(SIG_BLOCK, &both, &old);
			while (!hup || !cont)
				sigsuspend(&old);
			fact("stopped member: SIGHUP and SIGCONT");
			_exit(5);
		});
		gate_pass(ready);
		await(g, "T");
	});
	quiet(pid);
	must(wait(&st));
	status("member", st);
	pid = spawn({ // no stopped member: nothing
		must(setsid());
		spawn(setpgid(0, 0); gate_open(ready); gate_pass(go); _exit(6));
		gate_pass(ready);
	});
	quiet(pid);
	gate_open(go);
	must(wait(&st));
	status("running member", st);
	pid = spawn({
		must(setsid());
		pid_t c = spawn(setpgid(0, 0); raise(SIGTSTP); _exit(7));
		must(waitpid(c, &st, WUNTRACED));
		status("SIGTSTP in a group that is not orphaned", st);
		kill(c, SIGCONT);
		reap("then", c);
	});
	quiet(pid);
	pid = spawn(must(setsid()); raise(SIGTSTP); raise(SIGTTIN); raise(SIGTTOU); _exit(8));
	reap("terminal stops in an orphaned group are dropped", pid);
	pid = spawn(must(setsid()); raise(SIGSTOP); _exit(9));
	must(waitpid(pid, &st, WUNTRACED));
	status("SIGSTOP is not", st);
	kill(pid, SIGCONT);
	reap("then", pid);
	return 0;
}
