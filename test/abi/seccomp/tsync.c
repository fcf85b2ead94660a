// SECCOMP_FILTER_FLAG_TSYNC: all threads at once; threads that diverged; without it only one's own.
#include "../oracle.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
static struct gate go[2], done;
static long result[2];
static long install(int e, unsigned flags) {
	struct sock_filter f[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | e), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	struct sock_fprog p = {4, f};
	return sys(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &p);
}
static void *body(void *a) {
	int i = (long)a;
	for (int round = 0; round < 3; round++) {
		gate_pass(go[i]);
		if (round == 1 && i == 1)
			must(install(ERANGE, 0)); // goes its own way
		result[i] = err(sys(SYS_getppid));
		gate_open(done);
	}
	return (void *)(long)prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
}
static void ask(const char *what) {
	for (int i = 0; i < 2; i++)
		gate_open(go[i]), gate_pass(done);
	fact("%s: we %s, threads %s %s", what, ename(err(sys(SYS_getppid))), ename(result[0]), ename(result[1]));
}

int main(void) {
	go[0] = gate_new(), go[1] = gate_new(), done = gate_new();
	pthread_t t[2];
	for (long i = 0; i < 2; i++)
		t[i] = thread(body, (void *)i);
	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	show(install(EXDEV, SECCOMP_FILTER_FLAG_TSYNC));
	ask("all");
	must(install(EDOM, 0));
	ask("our own, and a thread's own");
	long tid = install(EPROTO, SECCOMP_FILTER_FLAG_TSYNC);
	fact("a diverged thread: its id comes back: %d", tid > 0);
	fact("as an error: %s", ename(err(install(EPROTO, SECCOMP_FILTER_FLAG_TSYNC | 16))));
	show(install(EPROTO, SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_NEW_LISTENER));
	ask("nothing changed");
	fact("no_new_privs came along: %ld %ld", join(t[0]), join(t[1]));
	show(install(EDOM, SECCOMP_FILTER_FLAG_LOG)), show(install(EDOM, SECCOMP_FILTER_FLAG_SPEC_ALLOW));
	return 0;
}
