// IPC_INFO, SEM_INFO, *_STAT by index, /proc/sysvipc, ids that are not reused at once, ftok keys.
#include "../oracle.h"
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
union semun { int val; struct semid_ds *buf; struct seminfo *info; };

int main(void) {
	must(unshare(CLONE_NEWIPC));
	struct seminfo s;
	struct msginfo m;
	struct shminfo h;
	show(semctl(0, 0, IPC_INFO, (union semun){.info = &s})), fact("semmsl %d semmns %d semopm %d semmni %d semvmx %d", s.semmsl, s.semmns, s.semopm, s.semmni, s.semvmx);
	show(msgctl(0, IPC_INFO, (void *)&m)), fact("msgmax %d msgmnb %d msgmni %d", m.msgmax, m.msgmnb, m.msgmni);
	show(shmctl(0, IPC_INFO, (void *)&h)), fact("shmmin %ld shmmni %ld", h.shmmin, h.shmmni);
	int a = must(semget(0x11, 4, IPC_CREAT | 0600)), b = must(semget(0x12, 5, IPC_CREAT | 0600)), q = must(msgget(0x13, IPC_CREAT | 0640)), sh = must(shmget(0x14, 9000, IPC_CREAT | 0644));
	fact("first ids: %d %d %d %d", a, b, q, sh);
	show(semctl(0, 0, SEM_INFO, (union semun){.info = &s})), fact("sets %d semaphores %d", s.semusz, s.semaem);
	struct semid_ds ds;
	show(semctl(1, 0, SEM_STAT, (union semun){.buf = &ds}) == b), fact("nsems %ld", (long)ds.sem_nsems), show(semctl(5, 0, SEM_STAT, (union semun){.buf = &ds}));
	char *t = strchr(slurp("/proc/sysvipc/sem"), '\n');
	int key, id, perms, n;
	yes(sscanf(t, "%d %d %o %d", &key, &id, &perms, &n) == 4), fact("key %#x id %d perms %o nsems %d", key, id, perms, n);
	t = strchr(slurp("/proc/sysvipc/msg"), '\n'), yes(sscanf(t, "%d %d %o", &key, &id, &perms) == 3), fact("key %#x id %d perms %o", key, id, perms);
	long size;
	t = strchr(slurp("/proc/sysvipc/shm"), '\n'), yes(sscanf(t, "%d %d %o %ld", &key, &id, &perms, &size) == 4), fact("key %#x id %d perms %o size %ld", key, id, perms, size);
	must(semctl(a, 0, IPC_RMID));
	int c = must(semget(0x15, 1, IPC_CREAT | 0600));
	fact("another id than the removed one: %d", c != a), show(semctl(a, 0, GETVAL, 0));
	make("f", "");
	yes(ftok("f", 'a') != ftok("f", 'b') && ftok("f", 'a') != -1), show(ftok("none", 'a'));
	fact("%s", slurp("/proc/sys/kernel/sem")), fact("%s", slurp("/proc/sys/kernel/msgmnb")), fact("%s", slurp("/proc/sys/kernel/shmmni"));
	quiet(spawn(show(semctl(b, 0, GETVAL, 0)); must(unshare(CLONE_NEWIPC)); show(semctl(b, 0, GETVAL, 0)); fact("%d lines", strchr(strchr(slurp("/proc/sysvipc/sem"), '\n') + 1, '\n') != NULL)));
	return 0;
}
