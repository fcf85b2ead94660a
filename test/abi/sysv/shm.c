// System V shared memory: attaching, sharing, sizes, SHM_RDONLY, removal while attached, fork, exec, permissions.
#include "../oracle.h"
#include <sys/ipc.h>
#include <sys/shm.h>
static struct shmid_ds ds;
#define stat_(id) ({ must(shmctl(id, IPC_STAT, &ds)); &ds; })

int main(void) {
	int id = must(shmget(IPC_PRIVATE, 5000, 0600));
	must(shmctl(id, IPC_STAT, &ds)), fact("size %zu attached %ld mode %o", ds.shm_segsz, (long)ds.shm_nattch, ds.shm_perm.mode);
	char *a = shmat(id, NULL, 0), *b = shmat(id, NULL, SHM_RDONLY);
	yes(a != (void *)-1 && b != (void *)-1 && a != b);
	strcpy(a, "shared"), fact("%s, beyond the size %d", b, a[8191]);
	show(stat_(id)->shm_nattch), yes(ds.shm_cpid == getpid() && ds.shm_lpid == getpid() && ds.shm_atime > 0 && ds.shm_dtime == 0);
	reap("write to the read-only one", spawn(b[0] = 'x'));
	show(mprotect(b, PAGE, PROT_READ | PROT_WRITE));
	quiet(spawn(show(stat_(id)->shm_nattch); strcpy(a, "by child"); must(shmdt(a)); show(stat_(id)->shm_nattch))), fact("%s", b), show(stat_(id)->shm_nattch);
	show(shmdt(a + PAGE)), show(shmdt(b)), show(shmdt(b)), show(shmdt(a + 1));
	must(munmap(a, PAGE)), show(stat_(id)->shm_nattch), show(shmdt(a)), show(stat_(id)->shm_nattch); // the first page is gone: the rest still is found
	a = shmat(id, NULL, 0);
	void *at = shmat(id, (void *)0x10000123, 0);
	fact("unaligned: %s", at == (void *)-1 ? ename(errno) : "ok"), at = shmat(id, (void *)0x10000123, SHM_RND), yes(at == (void *)0x10000000), at = shmat(id, at, 0), fact("occupied: %s", at == (void *)-1 ? ename(errno) : "ok"), at = shmat(id, (void *)0x10000000, SHM_REMAP), yes(at == (void *)0x10000000), at = shmat(id, NULL, SHM_REMAP), fact("remap of nothing: %s", at == (void *)-1 ? ename(errno) : "ok");
	must(shmdt((void *)0x10000000));
	show(shmctl(id, IPC_RMID, NULL)), must(shmctl(id, IPC_STAT, &ds)), fact("key %d mode dest %d", ds.shm_perm.__key, (ds.shm_perm.mode & SHM_DEST) != 0);
	char *c = shmat(id, NULL, 0); // Linux lets one attach
	yes(c != (void *)-1), fact("%s", c), must(shmdt(c)), must(shmdt(a)), show(shmctl(id, IPC_STAT, &ds)); // the last one takes it away
	show(shmget(IPC_PRIVATE, 0, 0600)), show(shmget(0x77, 100, 0600)), id = must(shmget(0x77, 100, IPC_CREAT | 0600)), yes(shmget(0x77, 0, 0) == id), show(shmget(0x77, 101, 0)), show(shmget(0x77, 50, 0) == id), show(shmget(0x77, 100, IPC_CREAT | IPC_EXCL | 0600));
	quiet(spawn(must(setuid(1000)); show(shmget(0x77, 0, 0400)); at = shmat(id, NULL, SHM_RDONLY); fact("%s", at == (void *)-1 ? ename(errno) : "ok"); show(shmctl(id, IPC_RMID, NULL)); show(shmctl(id, IPC_STAT, &ds))));
	ds.shm_perm.mode = 0644, ds.shm_perm.uid = 1000, ds.shm_perm.gid = 5, show(shmctl(id, IPC_SET, &ds));
	quiet(spawn(must(setuid(1000)); yes(shmat(id, NULL, 0) != (void *)-1); show(shmctl(id, IPC_RMID, NULL)))); // now its owner
	show(shmctl(id, IPC_STAT, &ds)), show(shmctl(id, 99, NULL)), show(shmctl(999999, IPC_STAT, &ds));
	id = must(shmget(IPC_PRIVATE, PAGE, 0600));
	quiet(spawn(a = shmat(id, NULL, 0); char *args[] = {"true", NULL}; execv("/bin/true", args))), show(stat_(id)->shm_nattch);
	quiet(spawn(must(unshare(CLONE_NEWIPC)); show(shmctl(id, IPC_STAT, &ds)); show(shmget(0x99, 1, IPC_CREAT | 0600)))), show(shmget(0x99, 1, 0)), must(shmctl(id, IPC_RMID, NULL));
	return 0;
}
