// getppid(2) of a program that asks all the time is right as soon as anybody can know that its parent has ended.
#include "../oracle.h"
#include <sys/prctl.h>

static pid_t grandparent;

// child asks until its parent's end shows, and says whether it was ever wrong.
static void child(struct gate up, int gone) {
	pid_t parent = getppid();
	char c;
	for (int i = 0; i < 400; i++) // which makes it a call worth a short cut
		if (getppid() != parent)
			_exit(1);
	gate_open(up);
	fcntl(gone, F_SETFL, O_NONBLOCK);
	while (read(gone, &c, 1) != 1) // until somebody has waited for the parent
		if (getppid() != parent && getppid() != grandparent)
			_exit(2);
	for (int i = 0; i < 400; i++)
		if (getppid() != grandparent)
			_exit(3);
	_exit(getppid() == grandparent ? 7 : 4);
}

int main(void) {
	grandparent = getpid();
	must(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
	int right = 0;
	for (int i = 0; i < 10; i++) {
		struct gate up = gate_new();
		int gone[2], st;
		must(pipe(gone));
		pid_t parent = must(fork());
		if (parent == 0) {
			pid_t c = must(fork());
			if (c == 0)
				child(up, gone[0]);
			gate_pass(up);
			_exit(0);
		}
		must(waitpid(parent, &st, 0));
		must(write(gone[1], "x", 1));
		must(wait(&st));
		right += WIFEXITED(st) && WEXITSTATUS(st) == 7;
		if (!WIFEXITED(st) || WEXITSTATUS(st) != 7)
			fact("status %#x", st);
		close(gone[0]), close(gone[1]), close(up.fd[0]), close(up.fd[1]);
	}
	show(right);
	pid_t p = spawn(for (int i = 0; i < 100; i++) if (getppid() != grandparent) _exit(1); sys(SYS_setsid); _exit(getppid() == grandparent ? 0 : 2));
	reap("asked by a new leader", p);
	return 0;
}
