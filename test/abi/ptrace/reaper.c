// A subreaper whose first thread has ended: an orphan is its living thread's child, and what asks to be
// traced is traced by that thread, until that ends, too.
#include "../oracle.h"
#include <sys/ptrace.h>

static int go[2], traced[2];

// orphan makes a grandchild, which waits until its parent is gone and asks to be traced.
static void orphan(void) {
	char c;
	pid_t child = fork(), self;
	if (child != 0) {
		int st;
		fact("the child is reaped: %d", waitpid(child, &st, 0) == child);
		return;
	}
	self = getpid();
	if (fork() != 0)
		_exit(0);
	while (getppid() == self)
		usleep(1000);
	long r = ptrace(PTRACE_TRACEME, 0, 0, 0);
	write(traced[1], "x", 1);
	read(go[0], &c, 1);
	_exit(r == 0 ? 7 : 8);
}

static void *reaper(void *unused UNUSED) {
	char c;
	int st;
	usleep(20000); // the first thread ends
	orphan();
	read(traced[0], &c, 1);
	write(go[1], "x", 1);
	fact("an orphan: %d", waitpid(-1, &st, 0) > 0);
	status("the orphan", st);
	orphan();
	read(traced[0], &c, 1);
	exit(0);
}

int main(void) {
	int st;
	pipe(go), pipe(traced);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	pid_t p = fork();
	if (p == 0) {
		pthread_t t;
		prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
		pthread_create(&t, 0, reaper, 0);
		sys(SYS_exit, 0);
	}
	fact("the reaper is reaped: %d", waitpid(p, &st, 0) == p);
	status("the reaper", st);
	write(go[1], "x", 1);
	fact("its orphan: %d", waitpid(-1, &st, 0) > 0);
	status("its orphan", st);
	fact("nobody is left: %d %s", waitpid(-1, &st, 0), ename(errno));
	return 0;
}
