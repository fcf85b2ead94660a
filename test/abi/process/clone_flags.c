// clone(2): combinations that are refused; sharing of files, fs, signal handlers, memory; exit signal.
#include "../oracle.h"
static volatile int value;
static void handler(int s) { value = 100; }
static long raw(unsigned long flags) { return sys(SYS_clone, flags, 0, 0, 0, 0); }
// in runs the statements in a clone that may share memory: with a stack of its own.
static char stack[1 << 16] __attribute__((aligned(16)));
static void run(int flags, int (*f)(void *)) {
	pid_t pid = must(clone(f, stack + sizeof stack, flags, NULL));
	int st;
	must(waitpid(pid, &st, __WALL));
	if (st)
		status("clone", st);
}
static int opens(void *a) { return open("/dev/null", O_RDONLY) < 0; }
static int moves(void *a) { return chdir("/") < 0 || umask(077) < 0; }
static int stores(void *a) {
	value = 7;
	return 0;
}
static int handles(void *a) {
	on(SIGUSR1, handler, 0);
	return 0;
}

int main(void) {
	fact("SIGHAND without VM: %s", ename(err(raw(CLONE_SIGHAND | SIGCHLD))));
	fact("THREAD without SIGHAND: %s", ename(err(raw(CLONE_THREAD | CLONE_VM | SIGCHLD))));
	fact("NEWNS with FS: %s", ename(err(raw(CLONE_NEWNS | CLONE_FS | SIGCHLD))));
	fact("NEWUSER with FS: %s", ename(err(raw(CLONE_NEWUSER | CLONE_FS | SIGCHLD))));
	fact("NEWPID with THREAD: %s", ename(err(raw(CLONE_NEWPID | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM))));
	fact("NEWIPC with SYSVSEM: %s", ename(err(raw(CLONE_NEWIPC | CLONE_SYSVSEM | SIGCHLD))));
	fact("PIDFD with DETACHED: %s", ename(err(raw(CLONE_PIDFD | CLONE_DETACHED | SIGCHLD))));
	fact("PIDFD with PARENT_SETTID: %s", ename(err(raw(CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD))));
	int fd = open("/dev/null", O_RDONLY);
	close(fd);
	run(SIGCHLD, opens);
	fact("files not shared: %s", ename(err(fcntl(fd, F_GETFD))));
	run(CLONE_FILES | SIGCHLD, opens);
	fact("files shared: %s", ename(err(fcntl(fd, F_GETFD))));
	char before[256], after[256];
	getcwd(before, sizeof before);
	run(SIGCHLD, moves);
	fact("fs not shared: same directory %d", strcmp(before, getcwd(after, sizeof after)) == 0);
	run(CLONE_FS | SIGCHLD, moves);
	fact("fs shared: %s umask %o", getcwd(after, sizeof after), umask(022));
	run(SIGCHLD, stores);
	fact("memory not shared: %d", value);
	run(CLONE_VM | SIGCHLD, stores);
	fact("memory shared: %d", value);
	struct sigaction a;
	run(CLONE_VM | SIGCHLD, handles);
	must(sigaction(SIGUSR1, NULL, &a));
	fact("handlers not shared: %d", a.sa_handler == handler);
	run(CLONE_VM | CLONE_SIGHAND | SIGCHLD, handles);
	must(sigaction(SIGUSR1, NULL, &a));
	fact("handlers shared: %d", a.sa_handler == handler);
	pid_t pid = must(raw(0)); // no exit signal
	if (pid == 0)
		_exit(3);
	int st;
	fact("plain wait: %s", ename(err(waitpid(pid, &st, 0))));
	must(waitpid(pid, &st, __WCLONE));
	status("__WCLONE", st);
	on(SIGUSR2, handler, SA_RESTART);
	pid = must(raw(SIGUSR2));
	if (pid == 0)
		_exit(4);
	fact("__WALL: %d", waitpid(-1, &st, __WALL) == pid);
	fact("the exit signal came: %d", value == 100);
	return 0;
}
