// Tracing threads: clone events by tid, each thread stopped by itself, exec in a thread, exit_group.
#include "../oracle.h"
#include <sys/ptrace.h>
static struct gate g;
static char *self;
static void *body(void *a) {
	gate_pass(g);
	return NULL;
}
static void *execs(void *a) {
	char *args[] = {"x", "y", NULL};
	execv(self, args);
	return NULL;
}
static int wait_(pid_t id) {
	int st;
	must(waitpid(id, &st, __WALL));
	return st;
}

int main(int argc, char **argv) {
	if (argc > 1)
		return 9;
	self = argv[0], g = gate_new();
	unsigned long tid, former;
	pid_t pid = spawn(must(ptrace(PTRACE_TRACEME, 0, 0, 0)); raise(SIGSTOP); pthread_t t = thread(body, NULL); join(t); thread(execs, NULL); pause());
	wait_(pid), must(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC)), must(ptrace(PTRACE_CONT, pid, 0, 0));
	int st = wait_(pid);
	fact("event %d", st >> 16), must(ptrace(PTRACE_GETEVENTMSG, pid, 0, &tid));
	st = wait_(tid), fact("thread starts: %s event %d", signame(WSTOPSIG(st)), st >> 16);
	must(ptrace(PTRACE_CONT, pid, 0, 0)), asleep(pid);
	fact("leader asleep, thread %c", state(tid));
	show(ptrace(PTRACE_PEEKUSER, pid, 0, 0)); // the leader runs
	must(ptrace(PTRACE_CONT, tid, 0, 0)), asleep(tid);
	sys(SYS_tgkill, pid, tid, SIGWINCH), st = wait_(tid), fact("signal to the thread: %s", signame(WSTOPSIG(st))), must(ptrace(PTRACE_CONT, tid, 0, 0));
	gate_open(g), status("thread ends", wait_(tid));
	st = wait_(pid), fact("event %d", st >> 16), must(ptrace(PTRACE_GETEVENTMSG, pid, 0, &tid)), wait_(tid), must(ptrace(PTRACE_CONT, pid, 0, 0)), must(ptrace(PTRACE_CONT, tid, 0, 0));
	st = wait_(pid), fact("exec: event %d, reported for the leader's id", st >> 16);
	must(ptrace(PTRACE_GETEVENTMSG, pid, 0, &former)), fact("former id is the thread's: %d", former == tid), show(ptrace(PTRACE_CONT, tid, 0, 0));
	must(ptrace(PTRACE_CONT, pid, 0, 0)), status("end", wait_(pid));
	pid = spawn(must(ptrace(PTRACE_TRACEME, 0, 0, 0)); raise(SIGSTOP); thread(body, NULL); sys(SYS_exit_group, 3));
	wait_(pid), must(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACECLONE)), must(ptrace(PTRACE_CONT, pid, 0, 0)), wait_(pid), must(ptrace(PTRACE_GETEVENTMSG, pid, 0, &tid)), wait_(tid);
	must(ptrace(PTRACE_CONT, tid, 0, 0)), must(ptrace(PTRACE_CONT, pid, 0, 0)), status("thread at exit_group", wait_(tid)), status("leader", wait_(pid));
	return 0;
}
