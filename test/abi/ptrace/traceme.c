// PTRACE_TRACEME: signals stop, continuing with or without them, exec's SIGTRAP, detaching, the tracer's end.
#include "../oracle.h"
#include <sys/ptrace.h>
#define pt(...) ptrace(__VA_ARGS__)
static volatile int calls;
static void handler(int s) { calls++; }
static void wait_(const char *what, pid_t pid) {
	int st;
	if (waitpid(pid, &st, __WALL) < 0)
		fact("%s: %s", what, ename(errno));
	else
		status(what, st);
}

int main(int argc, char **argv) {
	if (argc > 1)
		return 6;
	pid_t pid = spawn({
		must(pt(PTRACE_TRACEME, 0, 0, 0));
		fact("twice: %s", ename(err(pt(PTRACE_TRACEME, 0, 0, 0))));
		on(SIGUSR1, handler, 0), on(SIGUSR2, handler, 0);
		raise(SIGUSR1);
		fact("after USR1: %d", calls);
		raise(SIGUSR1);
		fact("after USR1 suppressed: %d", calls);
		raise(SIGUSR1);
		fact("after USR1 turned into USR2: %d", calls);
		char *args[] = {argv[0], "x", NULL};
		execve("/proc/self/exe", args, NULL);
	});
	wait_("first", pid);
	must(pt(PTRACE_CONT, pid, 0, SIGUSR1)), wait_("second", pid);
	must(pt(PTRACE_CONT, pid, 0, 0)), wait_("third", pid);
	must(pt(PTRACE_CONT, pid, 0, SIGUSR2)), wait_("exec", pid);
	must(pt(PTRACE_CONT, pid, 0, 0)), wait_("end", pid);
	show(pt(PTRACE_CONT, pid, 0, 0));
	pid = spawn(must(pt(PTRACE_TRACEME, 0, 0, 0)); raise(SIGSTOP); _exit(5));
	wait_("stop", pid);
	show(pt(PTRACE_CONT, pid, 0, 99)), show(pt(9999, pid, 0, 0)), show(pt(PTRACE_CONT, getppid(), 0, 0)), show(pt(PTRACE_DETACH, pid, 0, 0));
	show(pt(PTRACE_CONT, pid, 0, 0)), wait_("detached", pid);
	pid = spawn(must(pt(PTRACE_TRACEME, 0, 0, 0)); raise(SIGTERM); _exit(5));
	wait_("term", pid), must(pt(PTRACE_CONT, pid, 0, SIGTERM)), wait_("killed by it", pid);
	pid = spawn(must(pt(PTRACE_TRACEME, 0, 0, 0)); raise(SIGTERM); _exit(5));
	wait_("term", pid), must(pt(PTRACE_DETACH, pid, 0, SIGKILL)), wait_("detached with KILL", pid);
	pid = spawn(must(pt(PTRACE_TRACEME, 0, 0, 0)); raise(SIGTERM); _exit(5));
	wait_("term", pid), show(pt(PTRACE_KILL, pid, 0, 0)), wait_("PTRACE_KILL", pid);
	int p[2];
	must(pipe(p)), prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid = spawn(pid_t c = spawn(must(pt(PTRACE_TRACEME, 0, 0, 0)); raise(SIGSTOP); _exit(7)); must(waitpid(c, NULL, 0)); must(write(p[1], &c, sizeof c)); _exit(0)); // the tracer ends
	wait_("tracer", pid);
	must(read(p[0], &pid, sizeof pid)), kill(pid, SIGCONT), wait_("its child goes on", pid);
	pid = spawn(pid_t c = spawn(must(pt(PTRACE_TRACEME, 0, 0, 0)); raise(SIGSTOP); _exit(7)); must(waitpid(c, NULL, 0)); must(pt(PTRACE_SETOPTIONS, c, 0, PTRACE_O_EXITKILL)); must(write(p[1], &c, sizeof c)); _exit(0));
	wait_("tracer", pid), must(read(p[0], &pid, sizeof pid)), wait_("with EXITKILL", pid);
	return 0;
}
