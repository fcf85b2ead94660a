// PTRACE_O_*: fork, vfork, clone, exec, exit events and their messages.
#include "../oracle.h"
#include <sys/ptrace.h>
static void event(const char *what, pid_t pid, pid_t *child) {
	int st;
	unsigned long msg = 0;
	pid_t got = waitpid(pid, &st, __WALL);
	if (got < 0 || !WIFSTOPPED(st)) {
		got < 0 ? fact("%s: %s", what, ename(errno)) : status(what, st);
		return;
	}
	long r = ptrace(PTRACE_GETEVENTMSG, pid, 0, &msg);
	fact("%s: %s event %d, message %s", what, signame(WSTOPSIG(st)), st >> 16, r < 0 ? ename(errno) : !msg ? "0" : st >> 16 == PTRACE_EVENT_EXIT ? (WIFEXITED(msg) ? "exited" : "killed") : st >> 16 ? "a pid" : "old");
	if (child)
		*child = msg;
}
static char stack[1 << 14] __attribute__((aligned(16)));
static int body(void *a) { return 4; }

int main(int argc, char **argv) {
	if (argc > 1)
		return 8;
	long all = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT | PTRACE_O_TRACEVFORKDONE;
	pid_t c, pid = spawn({
		must(ptrace(PTRACE_TRACEME, 0, 0, 0)), raise(SIGSTOP);
		pid_t a = must(sys(SYS_fork));
		if (a == 0)
			_exit(2);
		must(waitpid(a, NULL, 0));
		a = vfork();
		if (a == 0)
			_exit(3);
		must(waitpid(a, NULL, 0));
		a = must(clone(body, stack + sizeof stack, CLONE_VM | CLONE_FILES, NULL)); // no exit signal: a clone event
		must(waitpid(a, NULL, __WALL));
		char *args[] = {argv[0], "x", NULL};
		execve("/proc/self/exe", args, NULL);
	});
	must(waitpid(pid, NULL, 0)), must(ptrace(PTRACE_SETOPTIONS, pid, 0, all)), must(ptrace(PTRACE_CONT, pid, 0, 0));
	event("fork", pid, &c), event("new child", c, NULL);
	must(ptrace(PTRACE_CONT, c, 0, 0)), event("new child ends", c, NULL), must(ptrace(PTRACE_CONT, c, 0, 0)), event("new child", c, NULL);
	must(ptrace(PTRACE_CONT, pid, 0, 0)), event("parent", pid, NULL), must(ptrace(PTRACE_CONT, pid, 0, SIGCHLD));
	event("vfork", pid, &c), event("vfork's child", c, NULL), must(ptrace(PTRACE_CONT, c, 0, 0)), must(ptrace(PTRACE_CONT, pid, 0, 0));
	event("vfork's child ends", c, NULL), must(ptrace(PTRACE_CONT, c, 0, 0)), event("vfork's child", c, NULL);
	event("vfork done", pid, NULL), must(ptrace(PTRACE_CONT, pid, 0, 0)), event("parent", pid, NULL), must(ptrace(PTRACE_CONT, pid, 0, SIGCHLD));
	event("clone", pid, &c), event("clone's child", c, NULL), must(ptrace(PTRACE_CONT, pid, 0, 0)), must(ptrace(PTRACE_CONT, c, 0, 0)), event("clone's child ends", c, NULL), must(ptrace(PTRACE_CONT, c, 0, 0)), event("clone's child", c, NULL);
	event("exec", pid, &c), fact("former id is the pid: %d", c == pid), must(ptrace(PTRACE_CONT, pid, 0, 0));
	event("exit", pid, NULL), must(ptrace(PTRACE_CONT, pid, 0, 0)), event("end", pid, NULL);
	return 0;
}
