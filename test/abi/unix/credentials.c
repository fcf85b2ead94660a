// SO_PEERCRED, SO_PASSCRED, SCM_CREDENTIALS: true ids, forged ones, who may.
#include "../oracle.h"
#include <sys/socket.h>
static int s[2];
static int send_(pid_t pid, uid_t uid, gid_t gid) {
	char control[CMSG_SPACE(sizeof(struct ucred))] = {0};
	struct iovec v = {"x", 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_CREDENTIALS, c->cmsg_len = CMSG_LEN(sizeof(struct ucred));
	*(struct ucred *)CMSG_DATA(c) = (struct ucred){pid, uid, gid};
	return sendmsg(s[0], &m, 0);
}
static void receive(const char *what) {
	char control[256], b[8];
	struct iovec v = {b, 8};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	int n = recvmsg(s[1], &m, MSG_DONTWAIT);
	struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&m);
	if (!c || c->cmsg_type != SCM_CREDENTIALS) {
		fact("%s: %d, none", what, n);
		return;
	}
	struct ucred *u = (struct ucred *)CMSG_DATA(c);
	fact("%s: %d bytes, pid %s uid %d gid %d", what, n, u->pid == getpid() ? "mine" : u->pid == getppid() ? "parent's" : u->pid == 0 ? "0" : "other", u->uid, u->gid);
}

int main(void) {
	int one = 1;
	struct ucred u;
	socklen_t n = sizeof u;
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	must(getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &u, &n));
	fact("peer: mine %d uid %d gid %d", u.pid == getpid(), u.uid, u.gid);
	must(write(s[0], "x", 1));
	receive("without PASSCRED");
	must(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof one));
	must(write(s[0], "x", 1));
	receive("with PASSCRED");
	quiet(spawn(must(write(s[0], "a", 1)))); // not merged: another sender
	must(write(s[0], "b", 1));
	receive("child's");
	receive("own");
	show(send_(getpid(), 0, 0));
	receive("explicit");
	show(send_(getppid(), 55, 66)); // root may say anything
	receive("forged by root");
	show(send_(999999, 0, 0));
	quiet(spawn({
		must(setresgid(10, 20, 30)), must(setresuid(1000, 1001, 1002));
		show(send_(getpid(), 1000, 10));
		show(send_(getpid(), 1002, 30)); // saved is fine
		show(send_(getpid(), 0, 10));
		show(send_(getpid(), 1000, 0));
		show(send_(getppid(), 1000, 10));
		must(write(s[0], "i", 1));
	}));
	receive("real"), receive("saved"), receive("implicit: real ids");
	int t[2];
	quiet(spawn(must(setuid(1234)); must(socketpair(AF_UNIX, SOCK_DGRAM, 0, t)); must(getsockopt(t[1], SOL_SOCKET, SO_PEERCRED, &u, &n)); fact("peer: uid %d", u.uid)));
	must(getsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &one, &n));
	show(one);
	n = 4;
	show(getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &u, &n)); // short
	show(n);
	int d = must(socket(AF_UNIX, SOCK_DGRAM, 0));
	n = sizeof u;
	show(getsockopt(d, SOL_SOCKET, SO_PEERCRED, &u, &n));
	fact("unconnected: %d %d %d", u.pid, u.uid, u.gid);
	return 0;
}
