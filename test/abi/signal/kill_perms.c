// kill(2): who may signal whom; groups, -1, session for SIGCONT; signal 0.
#include "../oracle.h"
static int as(uid_t ruid, uid_t euid, uid_t suid, pid_t to, int sig) {
	int e = 0, st;
	pid_t pid = fork();
	if (pid == 0) {
		if (setresuid(ruid, euid, suid) < 0)
			_exit(200);
		_exit(err(kill(to, sig)));
	}
	waitpid(pid, &st, 0);
	e = WEXITSTATUS(st);
	return e;
}

int main(void) {
	struct gate g = gate_new();
	pid_t target = spawn(must(setresuid(1001, 1002, 1003)); gate_open(g); pause());
	gate_pass(g);
	fact("root: %s", ename(err(kill(target, 0))));
	fact("real is its real: %s", ename(as(1001, 5, 5, target, 0)));
	fact("effective is its real: %s", ename(as(5, 1001, 5, target, 0)));
	fact("saved is its real: %s", ename(as(5, 5, 1001, target, 0)));
	fact("real is its effective: %s", ename(as(1002, 5, 5, target, 0)));
	fact("real is its saved: %s", ename(as(1003, 5, 5, target, 0)));
	fact("effective is its saved: %s", ename(as(5, 1003, 5, target, 0)));
	fact("none: %s", ename(as(5, 5, 5, target, 0)));
	fact("SIGCONT in the session: %s", ename(as(5, 5, 5, target, SIGCONT)));
	pid_t apart = spawn(must(setsid()); must(setresuid(1001, 1001, 1001)); gate_open(g); pause());
	gate_pass(g);
	fact("SIGCONT in another session: %s", ename(as(5, 5, 5, apart, SIGCONT)));
	fact("bad signal: %s", ename(err(kill(target, 65))));
	fact("negative: %s", ename(err(kill(target, -1))));
	fact("nobody: %s", ename(err(kill(999999, 0))));
	fact("no such group: %s", ename(err(kill(-999999, 0))));
	fact("INT_MIN: %s", ename(err(kill(INT_MIN, 0))));
	fact("-1 as nobody else: %s", ename(as(7777, 7777, 7777, -1, 0)));
	pid_t a = spawn(setpgid(0, 0); gate_open(g); pause());
	gate_pass(g);
	pid_t b = spawn(setpgid(0, a); must(setuid(1009)); gate_open(g); pause());
	gate_pass(g);
	fact("group with one allowed: %s", ename(as(1009, 1009, 1009, -a, SIGUSR1)));
	reap("that one", b);
	fact("group with none allowed: %s", ename(as(1009, 1009, 1009, -a, SIGUSR1)));
	kill(-a, SIGTERM), kill(target, SIGKILL), kill(apart, SIGKILL);
	reap("group", a);
	reap("target", target);
	reap("apart", apart);
	reap("kill(0)", spawn(setpgid(0, 0); kill(0, SIGUSR2); _exit(0)));
	return 0;
}
