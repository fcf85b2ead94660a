// flock(2): shared and exclusive, upgrades, dup and fork, release at close, other descriptors.
#include "../oracle.h"
#include <sys/file.h>

int main(void) {
	make("f", "");
	int a = must(open("f", O_RDONLY)), b = must(open("f", O_RDWR)), c = must(open("f", O_RDWR));
	show(flock(a, LOCK_SH)), show(flock(b, LOCK_SH | LOCK_NB)), show(flock(c, LOCK_EX | LOCK_NB));
	show(flock(b, LOCK_EX | LOCK_NB)); // an upgrade that fails loses the lock
	show(flock(c, LOCK_EX | LOCK_NB));
	show(flock(a, LOCK_UN)), show(flock(c, LOCK_EX | LOCK_NB)), show(flock(a, LOCK_SH | LOCK_NB));
	show(flock(c, LOCK_SH | LOCK_NB)), show(flock(a, LOCK_SH | LOCK_NB)), show(flock(a, LOCK_UN));
	show(flock(a, 0)), show(flock(a, LOCK_NB)), show(flock(a, 7)), show(flock(999, LOCK_SH));
	must(flock(c, LOCK_EX));
	int d = must(dup(c));
	show(flock(d, LOCK_EX | LOCK_NB)); // the same open file
	must(close(c)), show(flock(a, LOCK_EX | LOCK_NB));
	must(close(d)), show(flock(a, LOCK_EX | LOCK_NB));
	struct gate g = gate_new();
	quiet(spawn(show(flock(a, LOCK_SH | LOCK_NB)); show(flock(b, LOCK_EX | LOCK_NB)); show(flock(a, LOCK_UN)))); // the child's copy is the same lock
	show(flock(b, LOCK_EX | LOCK_NB));
	pid_t pid = spawn(int e = must(open("f", O_RDWR)); gate_open(g); _exit(flock(e, LOCK_EX) ? 1 : 0));
	gate_pass(g);
	asleep(pid);
	show(flock(b, LOCK_UN));
	reap("waiter", pid);
	pid = spawn(must(flock(a, LOCK_EX)); gate_open(g); pause());
	gate_pass(g);
	show(flock(b, LOCK_SH | LOCK_NB));
	kill(pid, SIGKILL), reap("holder", pid);
	show(flock(b, LOCK_SH | LOCK_NB)); // our own a keeps it
	must(close(a)), show(flock(b, LOCK_SH | LOCK_NB));
	show(flock(must(open("f", O_PATH)), LOCK_SH));
	int dir = must(open(".", O_RDONLY)), p[2];
	must(pipe(p)), show(flock(dir, LOCK_EX)), show(flock(p[0], LOCK_EX));
	struct flock l = {.l_type = F_WRLCK};
	show(fcntl(b, F_SETLK, &l)); // another kind: no conflict
	return 0;
}
