// System V semaphores: semget, semop, semctl; waiting for zero, undo, removal while waiting, limits.
#include "../oracle.h"
#include <sys/ipc.h>
#include <sys/sem.h>
union semun { int val; struct semid_ds *buf; unsigned short *array; };
#define op(id, ...) semop(id, (struct sembuf[]){__VA_ARGS__}, COUNT(((struct sembuf[]){__VA_ARGS__})))
#define ctl(id, n, cmd, ...) semctl(id, n, cmd, (union semun){__VA_ARGS__})

int main(void) {
	int id = must(semget(IPC_PRIVATE, 3, 0600));
	unsigned short v[3] = {1, 2, 3};
	show(ctl(id, 0, SETALL, .array = v)), show(ctl(id, 1, GETVAL)), show(ctl(id, 1, SETVAL, .val = 7)), show(ctl(id, 1, GETVAL)), show(ctl(id, 3, GETVAL)), show(ctl(id, 0, SETVAL, .val = 32768)), show(ctl(id, 0, SETVAL, .val = -1)), show(ctl(id, 0, 99)), show(ctl(999999, 0, GETVAL));
	show(op(id, {0, -1, 0}, {1, -7, 0}, {2, 5, 0})), must(ctl(id, 0, GETALL, .array = v)), fact("%d %d %d", v[0], v[1], v[2]);
	show(op(id, {2, -1, IPC_NOWAIT}, {0, -1, IPC_NOWAIT})), must(ctl(id, 0, GETALL, .array = v)), fact("nothing done: %d", v[2]); // all or nothing
	show(op(id, {2, 0, IPC_NOWAIT})), show(op(id, {0, 0, IPC_NOWAIT})), show(op(id, {9, 1, 0})), show(op(id, {2, 32767, 0})), show(semop(id, NULL, 0)), show(semop(id, (void *)8, 1)), show(semop(id, NULL, 600));
	show(op(id, {0, 2, 0}, {0, -1, 0})), show(ctl(id, 0, GETVAL));
	struct gate g = gate_new();
	pid_t pid = spawn(gate_open(g); show(op(id, {1, -3, 0})));
	gate_pass(g), asleep(pid);
	show(ctl(id, 1, GETNCNT)), show(ctl(id, 1, GETZCNT)), must(op(id, {1, 2, 0})), asleep(pid), must(op(id, {1, 2, 0})), quiet(pid);
	show(ctl(id, 1, GETVAL)), yes(ctl(id, 1, GETPID) == pid);
	pid = spawn(gate_open(g); _exit(err(op(id, {1, 0, 0}))));
	gate_pass(g), asleep(pid), show(ctl(id, 1, GETZCNT)), must(op(id, {1, -1, 0})), reap("waited for zero", pid);
	quiet(spawn(must(op(id, {1, 5, SEM_UNDO})))), show(ctl(id, 1, GETVAL)); // undone at the end
	quiet(spawn(must(op(id, {1, 5, SEM_UNDO})); must(ctl(id, 1, SETVAL, .val = 3)))), show(ctl(id, 1, GETVAL)); // SETVAL forgets undos
	pid = spawn(gate_open(g); _exit(err(semtimedop(id, &(struct sembuf){0, -9, 0}, 1, &(struct timespec){0, 5000000})) == EAGAIN ? 1 : 2));
	gate_pass(g), reap("timed out", pid);
	show(semtimedop(id, &(struct sembuf){0, -9, 0}, 1, &(struct timespec){0, -1}));
	pid = spawn(gate_open(g); _exit(err(op(id, {0, -30, 0})) == EIDRM ? 1 : 2));
	gate_pass(g), asleep(pid), show(ctl(id, 0, IPC_RMID)), reap("removed while waiting", pid), show(ctl(id, 0, GETVAL)), show(op(id, {0, 1, 0}));
	show(semget(IPC_PRIVATE, 0, 0600)), show(semget(IPC_PRIVATE, -1, 0600)), show(semget(IPC_PRIVATE, 1000000, 0600)), show(semget(0x1234, 1, 0600)), id = must(semget(0x1234, 2, IPC_CREAT | 0640)), show(semget(0x1234, 2, IPC_CREAT | IPC_EXCL | 0600)), show(semget(0x1234, 3, 0)), yes(semget(0x1234, 0, 0) == id);
	quiet(spawn(must(setuid(1000)); show(semget(0x1234, 0, 0600)); show(ctl(id, 0, GETVAL)); show(op(id, {0, 1, 0})); show(ctl(id, 0, IPC_RMID))));
	struct semid_ds ds;
	show(ctl(id, 0, IPC_STAT, .buf = &ds)), fact("mode %o nsems %ld key %#x otime %d", ds.sem_perm.mode, (long)ds.sem_nsems, ds.sem_perm.__key, ds.sem_otime != 0);
	ds.sem_perm.mode = 0666, show(ctl(id, 0, IPC_SET, .buf = &ds)), quiet(spawn(must(setuid(1000)); show(op(id, {0, 1, 0})))), show(ctl(id, 0, IPC_RMID));
	return 0;
}
