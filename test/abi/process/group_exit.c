// Ends of thread groups: the last thread's code counts, a leader that left is a zombie until then.
#include "../oracle.h"
static struct gate g;
static void *later(void *a) {
	gate_pass(g);
	sys(SYS_exit, 33);
	return NULL;
}
static void *fatal(void *a) {
	gate_pass(g);
	*(volatile int *)0 = 1;
	return NULL;
}

int main(void) {
	int st;
	g = gate_new();
	pid_t pid = spawn(thread(later, NULL); sys(SYS_exit, 44));
	await(pid, "Z"); // the leader
	show(waitpid(pid, &st, WNOHANG)); // but the group lives
	show(kill(pid, 0));
	gate_open(g);
	reap("leader's code", pid);
	pid = spawn(thread(fatal, NULL); thread(later, NULL); pause());
	gate_open(g), gate_open(g);
	while (waitpid(pid, &st, 0) == -1)
		;
	fact("ends: %s", WIFSIGNALED(st) || WIFEXITED(st) ? "yes" : "no");
	pid = spawn(thread(fatal, NULL); gate_open(g); pause());
	reap("fault in a thread", pid);
	pid = spawn(for (int i = 0; i < 8; i++) thread(later, NULL); _exit(1));
	reap("exit with threads", pid);
	pid = spawn({
		for (int i = 0; i < 20; i++)
			thread(later, NULL);
		sys(SYS_exit, 2);
	});
	await(pid, "Z");
	for (int i = 0; i < 20; i++)
		gate_open(g);
	reap("many threads", pid);
	return 0;
}
