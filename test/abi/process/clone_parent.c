// CLONE_PARENT: the new process is the caller's sibling; init may not; ppid after reparenting to a thread's group.
#include "../oracle.h"
static void *forks(void *arg) {
	pid_t pid = spawn(_exit(getppid() == *(pid_t *)arg ? 21 : 22));
	*(pid_t *)arg = pid;
	return NULL;
}

int main(void) {
	int pipes[2], st;
	must(pipe(pipes));
	pid_t me = getpid(), pid = spawn({
		pid_t sibling = must(sys(SYS_clone, CLONE_PARENT | SIGUSR1, 0, 0, 0, 0));
		if (sibling == 0)
			_exit(getppid() == me ? 11 : 12);
		must(write(pipes[1], &sibling, sizeof sibling));
		fact("not a child of the caller: %s", ename(err(waitpid(sibling, &st, 0))));
		_exit(0);
	}), sibling;
	quiet(pid);
	must(read(pipes[0], &sibling, sizeof sibling));
	reap("sibling", sibling);
	pid_t arg = getpid();
	join(thread(forks, &arg));
	reap("a child that a thread made, after the thread's end", arg);
	return 0;
}
