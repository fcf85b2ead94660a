// A tracer that is not the parent: attached, it hears of stops and of the end first, then the parent does.
#include "../oracle.h"
#include <sys/ptrace.h>

int main(void) {
	struct gate g = gate_new(), h = gate_new();
	pid_t pid = spawn(gate_pass(h); _exit(5));
	quiet(spawn({
		int st;
		show(ptrace(PTRACE_ATTACH, 1 << 22, 0, 0)), show(ptrace(PTRACE_ATTACH, getpid(), 0, 0));
		must(ptrace(PTRACE_ATTACH, pid, 0, 0)), show(ptrace(PTRACE_ATTACH, pid, 0, 0));
		must(waitpid(pid, &st, 0)), status("attached", st), show(waitpid(pid, &st, WNOHANG));
		must(ptrace(PTRACE_CONT, pid, 0, 0)), gate_open(h);
		must(waitpid(pid, &st, 0)), status("the tracer's", st), show(waitpid(pid, &st, WNOHANG));
	}));
	reap("the parent's", pid);
	pid = spawn(pause());
	pid_t tracer = spawn(must(ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_EXITKILL)); gate_open(g); pause());
	gate_pass(g), kill(tracer, SIGKILL), quiet(tracer), reap("exitkill", pid);
	pid = spawn(on(SIGUSR1, (void (*)(int))_exit, 0); gate_open(g); pause());
	gate_pass(g), asleep(pid);
	tracer = spawn(int st; must(ptrace(PTRACE_ATTACH, pid, 0, 0)); must(waitpid(pid, &st, 0)); gate_open(g); pause());
	gate_pass(g), fact("stopped %c", state(pid)), kill(tracer, SIGKILL), quiet(tracer), await(pid, "S"), fact("goes on without it"); // detached
	kill(pid, SIGUSR1), reap("end", pid);
	pid = spawn(pause()), asleep(pid);
	quiet(spawn({ // killed while it is stopped
		int st;
		must(ptrace(PTRACE_ATTACH, pid, 0, 0)), must(waitpid(pid, &st, 0)), kill(pid, SIGKILL), must(waitpid(pid, &st, 0)), status("killed", st);
	}));
	reap("and the parent's", pid);
	pid = spawn(raise(SIGSTOP); _exit(6));
	await(pid, "T");
	quiet(spawn({ // attaching to what is stopped already
		int st;
		must(ptrace(PTRACE_ATTACH, pid, 0, 0)), must(waitpid(pid, &st, 0)), status("was stopped", st), must(ptrace(PTRACE_DETACH, pid, 0, 0));
	}));
	await(pid, "T"), kill(pid, SIGCONT);
	reap("went on", pid);
	return 0;
}
