// The end of a session leader: SIGHUP to the foreground only, stopped orphans, the terminal for another.
#include "../oracle.h"
#include <termios.h>
#include <sys/ioctl.h>

int main(void) {
	int m = must(open("/dev/ptmx", O_RDWR | O_NOCTTY)), st;
	must(unlockpt(m));
	int s = must(open(ptsname(m), O_RDWR | O_NOCTTY));
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	struct gate g = gate_new();
	int pipes[2];
	must(pipe(pipes));
	pid_t leader = spawn({
		must(setsid());
		must(ioctl(s, TIOCSCTTY, 0));
		signal(SIGTTOU, SIG_IGN);
		pid_t ids[3];
		ids[0] = spawn(setpgid(0, 0); pause());
		ids[1] = spawn(setpgid(0, 0); pause());
		ids[2] = spawn(setpgid(0, 0); pause());
		for (int i = 0; i < 3; i++)
			setpgid(ids[i], ids[i]);
		must(tcsetpgrp(s, ids[0]));
		kill(ids[2], SIGSTOP);
		await(ids[2], "T");
		must(write(pipes[1], ids, sizeof ids));
		gate_pass(g);
		_exit(0);
	});
	pid_t ids[3];
	must(read(pipes[0], ids, sizeof ids));
	gate_open(g);
	reap("leader", leader);
	reap("foreground", ids[0]);
	reap("stopped in the background", ids[2]);
	show(waitpid(ids[1], &st, WNOHANG)); // the running one lives
	yes(getsid(ids[1]) == leader);
	asleep(ids[1]);
	kill(ids[1], SIGKILL);
	reap("background", ids[1]);
	show(tcgetpgrp(s));
	quiet(spawn(must(setsid()); show(ioctl(s, TIOCSCTTY, 0)); yes(tcgetsid(s) == getpid())));
	return 0;
}
