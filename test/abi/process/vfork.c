// vfork(2): the parent sleeps until the child execs or exits, and shares its memory.
#include "../oracle.h"

int main(int argc, char **argv) {
	if (argc > 1)
		return atoi(argv[1]);
	volatile int shared = 0;
	int order[2], st;
	must(pipe(order));
	pid_t pid = vfork();
	if (pid == 0) {
		shared = 42;
		usleep(20000);
		(void)!write(order[1], "c", 1);
		_exit(3);
	}
	(void)!write(order[1], "p", 1);
	char text[3] = {0};
	must(read(order[0], text, 2));
	fact("order %s, shared %d", text, shared);
	reap("exit", pid);
	char *args[] = {argv[0], "5", NULL};
	pid = vfork();
	if (pid == 0) {
		shared++;
		execve("/proc/self/exe", args, NULL);
		_exit(1);
	}
	fact("after exec: shared %d", shared);
	reap("exec", pid);
	pid = vfork();
	if (pid == 0) {
		execve("/nowhere", args, NULL);
		shared = errno;
		_exit(9);
	}
	fact("failed exec: %s", ename(shared));
	reap("failed", pid);
	pid = vfork();
	if (pid == 0)
		kill(getpid(), SIGKILL), _exit(0);
	must(waitpid(pid, &st, 0));
	status("killed", st);
	pid = vfork();
	if (pid == 0) { // descriptors are not shared
		close(order[0]);
		_exit(0);
	}
	quiet(pid);
	show(fcntl(order[0], F_GETFD));
	return 0;
}
