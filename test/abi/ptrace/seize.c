// PTRACE_ATTACH, SEIZE, INTERRUPT, LISTEN: stops of each kind, group stops, who may attach.
#include "../oracle.h"
#include <sys/ptrace.h>
static void stop(const char *what, pid_t pid) {
	int st;
	must(waitpid(pid, &st, __WALL));
	if (WIFSTOPPED(st))
		fact("%s: %s event %d", what, signame(WSTOPSIG(st)), st >> 16);
	else
		status(what, st);
}

int main(void) {
	struct gate g = gate_new();
	pid_t pid = spawn(gate_open(g); for (;;) pause());
	gate_pass(g), asleep(pid);
	show(ptrace(PTRACE_ATTACH, pid, 0, 0)), stop("attach", pid), show(ptrace(PTRACE_ATTACH, pid, 0, 0)), fact("state %c", state(pid));
	char want[64], path[64];
	snprintf(path, 64, "/proc/%d/status", pid), snprintf(want, 64, "TracerPid:\t%d\n", getpid());
	yes(strstr(slurp(path), want) != NULL);
	show(ptrace(PTRACE_DETACH, pid, 0, 0)), show(ptrace(PTRACE_DETACH, pid, 0, 0));
	show(ptrace(PTRACE_SEIZE, pid, 0, 0)), show(ptrace(PTRACE_CONT, pid, 0, 0)); // it runs
	show(ptrace(PTRACE_INTERRUPT, pid, 0, 0)), stop("interrupt", pid), must(ptrace(PTRACE_CONT, pid, 0, 0));
	kill(pid, SIGSTOP), stop("signal", pid), must(ptrace(PTRACE_CONT, pid, 0, SIGSTOP)), stop("group stop", pid);
	siginfo_t i;
	show(ptrace(PTRACE_GETSIGINFO, pid, 0, &i)), fact("code %d", i.si_code);
	show(ptrace(PTRACE_LISTEN, pid, 0, 0)), kill(pid, SIGCONT), stop("woken while listening", pid), must(ptrace(PTRACE_CONT, pid, 0, 0)), stop("SIGCONT", pid), must(ptrace(PTRACE_CONT, pid, 0, 0));
	show(ptrace(PTRACE_LISTEN, pid, 0, 0));
	asleep(pid), must(ptrace(PTRACE_INTERRUPT, pid, 0, 0)), stop("interrupt", pid), show(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXIT)), must(ptrace(PTRACE_CONT, pid, 0, 0));
	kill(pid, SIGTERM), stop("term", pid), must(ptrace(PTRACE_CONT, pid, 0, SIGTERM)), stop("exit", pid), must(ptrace(PTRACE_CONT, pid, 0, 0)), stop("end", pid);
	show(ptrace(PTRACE_ATTACH, getpid(), 0, 0)), show(ptrace(PTRACE_ATTACH, 999999, 0, 0)), show(ptrace(PTRACE_SEIZE, getppid(), 0, 0x10000000));
	pid = spawn(gate_open(g); pause());
	gate_pass(g);
	quiet(spawn(show(ptrace(PTRACE_SEIZE, pid, 0, 0)); show(ptrace(PTRACE_INTERRUPT, pid, 0, 0)); int st; must(waitpid(pid, &st, __WALL)); fact("not a child, but waited for: %d", WIFSTOPPED(st)))); // its end detaches
	show(waitpid(pid, NULL, WNOHANG));
	quiet(spawn(must(setuid(1000)); show(ptrace(PTRACE_ATTACH, pid, 0, 0))));
	kill(pid, SIGKILL), stop("killed", pid);
	pid = spawn(must(setuid(1000)); gate_open(g); pause());
	gate_pass(g);
	quiet(spawn(must(setuid(1000)); show(ptrace(PTRACE_ATTACH, pid, 0, 0)))); // the same user, but not dumpable
	kill(pid, SIGKILL), stop("killed", pid);
	return 0;
}
