// kcmp(2) of what tasks share or both do not have.
#include "../oracle.h"
#include <linux/kcmp.h>
#include <pthread.h>
#include <sched.h>
#include <sys/sem.h>

static void all(const char *what, pid_t a, pid_t b) {
	int r[KCMP_TYPES];
	for (int i = KCMP_VM; i <= KCMP_SYSVSEM; i++)
		r[i] = sys(SYS_kcmp, a, b, i, 0, 0) != 0;
	fact("%s: vm %d files %d fs %d sighand %d io %d sysvsem %d", what, r[KCMP_VM], r[KCMP_FILES], r[KCMP_FS], r[KCMP_SIGHAND], r[KCMP_IO],
		 r[KCMP_SYSVSEM]);
}

static _Atomic pid_t tid;
static void *waiter(void *gate) {
	tid = gettid();
	gate_pass(*(struct gate *)gate);
	return NULL;
}

static int sleeper(void *arg) {
	(void)arg;
	pause();
	return 0;
}

int main(void) {
	struct gate g = gate_new();
	pthread_t th;
	must(pthread_create(&th, NULL, waiter, &g));
	while (!tid)
		usleep(100);
	pid_t child = spawn(pause());
	static char stack[4][65536];
	pid_t shares = must(clone(sleeper, stack[1], CLONE_VM | CLONE_SIGHAND | SIGCHLD, NULL));
	pid_t undo = must(clone(sleeper, stack[2], CLONE_SYSVSEM | CLONE_FILES | CLONE_FS | SIGCHLD, NULL));
	all("oneself", getpid(), getpid()), all("thread", getpid(), tid), all("child", getpid(), child);
	all("CLONE_SIGHAND", getpid(), shares), all("CLONE_SYSVSEM", undo, getpid());
	int id = must(semget(IPC_PRIVATE, 1, 0600));
	must(semop(id, &(struct sembuf){0, 1, SEM_UNDO}, 1)), must(semctl(id, 0, IPC_RMID));
	all("undo of the thread", getpid(), tid), all("undo of the child", child, getpid()), all("undo of CLONE_SYSVSEM", getpid(), undo);
	must(sys(SYS_ioprio_set, 1, 0, 2 << 13 | 4));
	all("priority of the thread", getpid(), tid), all("priority of oneself", getpid(), getpid()), all("priority of the child", child, getpid());
	must(kill(child, SIGKILL)), must(kill(shares, SIGKILL)), must(kill(undo, SIGKILL));
	gate_open(g), pthread_join(th, NULL);
	while (wait(NULL) > 0)
		;
}
