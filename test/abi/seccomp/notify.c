// SECCOMP_RET_USER_NOTIF: another process answers calls; its death; cookies; continue; adding descriptors.
#include "../oracle.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
static int install(void) {
	struct sock_filter f[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	struct sock_fprog p = {4, f};
	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	return sys(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &p);
}

int main(void) {
	int p[2], fd;
	must(pipe(p));
	pid_t pid = spawn({
		int l = must(install());
		must(write(p[1], &l, sizeof l));
		long a = sys(SYS_getppid, 11, 22);
		int b = err(sys(SYS_getppid));
		long c = sys(SYS_getppid), d = sys(SYS_getppid);
		int e = err(sys(SYS_getppid));
		fact("child: value %ld, error %s, continued %d, last %s", a, ename(b), c > 0, ename(e));
		fact("descriptor: %s", fcntl(d, F_GETFD) == 1 ? "there, cloexec" : "none");
	});
	must(read(p[0], &fd, sizeof fd));
	int pf = must(sys(SYS_pidfd_open, pid, 0)), l = must(sys(SYS_pidfd_getfd, pf, fd, 0));
	struct seccomp_notif n;
	struct seccomp_notif_resp r;
#define next() (memset(&n, 0, sizeof n), memset(&r, 0, sizeof r), must(ioctl(l, SECCOMP_IOCTL_NOTIF_RECV, &n)), r.id = n.id)
	struct pollfd w = {l, POLLIN | POLLOUT};
	must(poll(&w, 1, 10000));
	fact("poll %#x", w.revents);
	n.flags = 1;
	show(ioctl(l, SECCOMP_IOCTL_NOTIF_RECV, &n)); // must be zero
	next();
	fact("pid right %d, nr right %d, args %lld %lld", (pid_t)n.pid == pid, n.data.nr == SYS_getppid, n.data.args[0], n.data.args[1]);
	show(ioctl(l, SECCOMP_IOCTL_NOTIF_ID_VALID, &n.id));
	r.val = 1234, r.flags = 8, show(ioctl(l, SECCOMP_IOCTL_NOTIF_SEND, &r)), r.flags = 0, show(ioctl(l, SECCOMP_IOCTL_NOTIF_SEND, &r));
	next(), r.error = -EPROTO, show(ioctl(l, SECCOMP_IOCTL_NOTIF_SEND, &r));
	next(), r.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE, r.val = 1, show(ioctl(l, SECCOMP_IOCTL_NOTIF_SEND, &r)), r.val = 0, show(ioctl(l, SECCOMP_IOCTL_NOTIF_SEND, &r));
	next();
	struct seccomp_notif_addfd a = {.id = n.id, .srcfd = 0, .newfd_flags = O_CLOEXEC};
	r.val = must(ioctl(l, SECCOMP_IOCTL_NOTIF_ADDFD, &a)), show(ioctl(l, SECCOMP_IOCTL_NOTIF_SEND, &r));
	next();
	r.error = -ENOSYS, must(ioctl(l, SECCOMP_IOCTL_NOTIF_SEND, &r));
	quiet(pid);
	w.revents = 0, must(poll(&w, 1, 10000)), fact("all gone: %#x", w.revents);
	show(ioctl(l, SECCOMP_IOCTL_NOTIF_RECV, (memset(&n, 0, sizeof n), &n)));
	return 0;
}
