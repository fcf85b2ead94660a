// CLONE_SYSVSEM: an undo list of two processes is there from the clone on, and is applied when the second has ended; unshare(2) leaves it.
#include "../oracle.h"
#include <sched.h>
#include <sys/sem.h>

static int id;
static void value(const char *when) { fact("%s: %d", when, semctl(id, 0, GETVAL)); }
static void add(int n) { must(semop(id, &(struct sembuf){0, n, SEM_UNDO}, 1)); }
static struct gate go, done;

static int sharer(void *arg) {
	if (arg) {
		must(unshare(CLONE_SYSVSEM));
		value("one has left");
	}
	add(3);
	gate_open(done), gate_pass(go);
	return 0;
}

static void both(void *leaves) {
	static char stack[65536] __attribute__((aligned(16)));
	pid_t p = spawn({
		pid_t c = must(clone(sharer, stack + sizeof stack, CLONE_SYSVSEM | SIGCHLD, leaves));
		gate_pass(done), add(10), value("both have added");
		gate_open(go), must(waitpid(c, NULL, 0)), value("one has ended");
		exit(0);
	});
	must(waitpid(p, NULL, 0)), value("both have ended");
}

int main(void) {
	go = gate_new(), done = gate_new(), id = must(semget(IPC_PRIVATE, 1, 0600));
	both(NULL), both(&id);
	must(semctl(id, 0, IPC_RMID));
}
