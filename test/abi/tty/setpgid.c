// setpgid(2), setsid(2): who may be moved where.
#include "../oracle.h"

int main(int argc, char **argv) {
	if (argc > 1) {
		must(write(atoi(argv[1]), "e", 1));
		pause();
	}
	show(setpgid(0, 0)); // a session leader
	show(setpgid(0, -1));
	show(setpgid(-1, 0));
	show(setpgid(999999, 0));
	struct gate g = gate_new();
	pid_t a = spawn(pause()), b = spawn(pause());
	show(setpgid(a, a));
	show(setpgid(a, a)); // again
	yes(getpgid(a) == a);
	show(setpgid(b, a));
	yes(getpgid(b) == a);
	show(setpgid(b, 999999));
	show(setpgid(a, 0));
	show(setpgid(a, getpgrp())); // the leader of a group may leave it
	yes(getpgid(a) == getpgrp());
	yes(getpgid(b) == a); // whose group stays
	show(setpgid(a, a));
	show(setpgid(getppid(), 0));
	pid_t c = spawn(setsid(); gate_open(g); pause());
	gate_pass(g);
	show(setpgid(c, c)); // another session
	show(setpgid(a, c));
	int pipes[2];
	must(pipe(pipes));
	pid_t d = spawn(char fd[8]; snprintf(fd, 8, "%d", pipes[1]); char *args[] = {argv[0], fd, NULL}; execve("/proc/self/exe", args, NULL));
	char e;
	must(read(pipes[0], &e, 1));
	show(setpgid(d, d)); // has executed
	pid_t grand;
	pid_t f = spawn(pid_t x = spawn(pause()); must(write(pipes[1], &x, sizeof x)); pause());
	must(read(pipes[0], &grand, sizeof grand));
	show(setpgid(grand, grand)); // a grandchild
	quiet(spawn(setpgid(0, a); yes(getpgrp() == a); ok(setsid()); yes(getsid(0) == getpid() && getpgrp() == getpid()); show(setpgid(0, a))));
	quiet(spawn(setpgid(0, 0); show(setsid())));
	quiet(spawn({
		pid_t leader = getpid();
		setpgid(0, 0);
		pid_t member = spawn(gate_pass(g); show(getpgrp() == leader); show(setpgid(0, leader)); ok(setsid()));
		(void)member;
		gate_open(g);
		quiet(member);
	}));
	kill(a, SIGKILL), kill(b, SIGKILL), kill(c, SIGKILL), kill(d, SIGKILL), kill(f, SIGKILL), kill(grand, SIGKILL);
	return 0;
}
