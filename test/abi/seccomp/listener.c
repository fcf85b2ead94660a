// A listener's life: one a chain, flags, signals to who waits, adding descriptors, its end.
#include "../oracle.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
static int install(int flags) {
	struct sock_filter f[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	struct sock_fprog p = {4, f};
	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	return sys(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &p);
}
static struct seccomp_notif n;
static struct seccomp_notif_resp r;
static int l;
static volatile int caught;
static void handler(int s) { caught++; }
static void next(void) { memset(&n, 0, sizeof n), memset(&r, 0, sizeof r), must(ioctl(l, SECCOMP_IOCTL_NOTIF_RECV, &n)), r.id = n.id; }
static pid_t run(int flags, void (*f)(void)) {
	int p[2], fd;
	struct gate g = gate_new();
	must(pipe(p));
	pid_t pid = spawn(int q = must(install(flags)); must(write(p[1], &q, sizeof q)); gate_pass(g); close(q); f());
	must(read(p[0], &fd, sizeof fd));
	int pf = must(sys(SYS_pidfd_open, pid, 0));
	l = must(sys(SYS_pidfd_getfd, pf, fd, 0)), close(pf), close(p[0]), close(p[1]), gate_open(g);
	return pid;
}
static void asks(void) { fact("answer: %s", ename(err(sys(SYS_getppid)))); }
static void adds(void) {
	long a = sys(SYS_getppid), b = sys(SYS_getppid), c = sys(SYS_getppid);
	fact("descriptors: lowest %d, 40 as asked %d, sent %d", fcntl(a, F_GETFD) == 0, b == 40 && fcntl(40, F_GETFD) == 1, fcntl(c, F_GETFD) == 0);
}
static void interrupted(void) {
	on(SIGUSR1, handler, 0);
	long a = sys(SYS_getppid);
	fact("interrupted: %s, handlers run %d", a < 0 ? ename(errno) : "value", caught);
	on(SIGUSR1, handler, SA_RESTART);
	a = sys(SYS_getppid);
	fact("restarted: %ld, handlers run %d", a, caught);
}

int main(void) {
	quiet(spawn({
		show(install(SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC)), show(install(SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV));
		int q = install(SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH);
		fact("with both: %d, cloexec %d", q >= 0, fcntl(q, F_GETFD)), show(install(SECCOMP_FILTER_FLAG_NEW_LISTENER));
		char c;
		show(read(q, &c, 1)), show(ioctl(q, 0x1234)), show(ioctl(q, SECCOMP_IOCTL_NOTIF_SEND, &r)), show(ioctl(q, SECCOMP_IOCTL_NOTIF_RECV, 8));
		close(q), fact("no listener: %s", ename(err(sys(SYS_getppid))));
	}));
	uint32_t action = SECCOMP_RET_USER_NOTIF;
	struct seccomp_notif_sizes sizes;
	show(sys(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action)), show(sys(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes)), fact("%d %d %d", sizes.seccomp_notif, sizes.seccomp_notif_resp, sizes.seccomp_data);
	pid_t pid = run(SECCOMP_FILTER_FLAG_NEW_LISTENER, adds);
	next();
	struct seccomp_notif_addfd a = {.id = n.id, .srcfd = 999};
	show(ioctl(l, SECCOMP_IOCTL_NOTIF_ADDFD, &a)), a.srcfd = 0, a.newfd = 7, show(ioctl(l, SECCOMP_IOCTL_NOTIF_ADDFD, &a)), a.newfd = 0, a.flags = 16, show(ioctl(l, SECCOMP_IOCTL_NOTIF_ADDFD, &a)), a.flags = 0, a.id++, show(ioctl(l, SECCOMP_IOCTL_NOTIF_ADDFD, &a)), a.id--;
	r.val = must(ioctl(l, SECCOMP_IOCTL_NOTIF_ADDFD, &a)), must(ioctl(l, SECCOMP_IOCTL_NOTIF_SEND, &r));
	next(), a = (struct seccomp_notif_addfd){.id = n.id, .flags = SECCOMP_ADDFD_FLAG_SETFD, .newfd = 40, .newfd_flags = O_CLOEXEC}, r.val = must(ioctl(l, SECCOMP_IOCTL_NOTIF_ADDFD, &a)), must(ioctl(l, SECCOMP_IOCTL_NOTIF_SEND, &r));
	next(), a = (struct seccomp_notif_addfd){.id = n.id, .flags = SECCOMP_ADDFD_FLAG_SEND}, must(ioctl(l, SECCOMP_IOCTL_NOTIF_ADDFD, &a)), quiet(pid);
	pid = run(SECCOMP_FILTER_FLAG_NEW_LISTENER, interrupted);
	next(), kill(pid, SIGUSR1), asleep(pid);
	next(), r.error = -EXDEV;
	kill(pid, SIGUSR1); // restarted before or after: it is asked again
	next(), r.val = 5, must(ioctl(l, SECCOMP_IOCTL_NOTIF_SEND, &r)), quiet(pid);
	pid = run(SECCOMP_FILTER_FLAG_NEW_LISTENER, asks), next(), must(close(l)), quiet(pid);
	pid = run(SECCOMP_FILTER_FLAG_NEW_LISTENER, asks), next(), must(kill(pid, SIGKILL)), quiet(pid), show(ioctl(l, SECCOMP_IOCTL_NOTIF_ID_VALID, &n.id)), show(ioctl(l, SECCOMP_IOCTL_NOTIF_SEND, &r));
	return 0;
}
