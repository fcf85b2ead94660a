// Descriptors in flight: kept while unread, dropped with the socket, cycles of sockets holding each other.
#include "../oracle.h"
#include <poll.h>
#include <sys/socket.h>
static void send_(int to, int fd) {
	char control[CMSG_SPACE(4)] = {0};
	struct iovec v = {"x", 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS, c->cmsg_len = CMSG_LEN(4);
	memcpy(CMSG_DATA(c), &fd, 4);
	must(sendmsg(to, &m, 0));
}
// open_ends tells whether the writing end of a pipe still exists somewhere; waits a little for it to go.
static int open_ends(int r, int want) {
	struct pollfd p = {r, POLLIN};
	poll(&p, 1, want ? 10 : 3000);
	return !(p.revents & POLLHUP);
}

int main(void) {
	int p[2], s[2], t[2];
	must(pipe(p)), must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	send_(s[0], p[1]), must(close(p[1])), fact("in a message: %d", open_ends(p[0], 1));
	must(close(s[0])), fact("sender closed: %d", open_ends(p[0], 1));
	must(close(s[1])), fact("receiver closed unread: %d", open_ends(p[0], 0));
	must(pipe(p)), must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	send_(s[0], p[1]), must(close(p[1]));
	char c;
	must(read(s[1], &c, 1)), fact("read without control: %d", open_ends(p[0], 0));
	must(pipe(p)), must(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	send_(s[0], p[1]), send_(s[0], s[1]), send_(s[0], s[0]), must(close(p[1])); // sockets that hold themselves
	must(close(s[0])), must(close(s[1])), must(socketpair(AF_UNIX, SOCK_STREAM, 0, t)), must(close(t[0])), must(close(t[1]));
	fact("a cycle of one pair: %d", open_ends(p[0], 0));
	int a[2], b[2];
	must(pipe(p)), must(socketpair(AF_UNIX, SOCK_STREAM, 0, a)), must(socketpair(AF_UNIX, SOCK_STREAM, 0, b));
	send_(a[0], p[1]), send_(a[0], b[1]), send_(b[0], a[1]), must(close(p[1]));
	must(close(a[1])), must(close(b[1])), must(close(a[0])), must(close(b[0]));
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, t)), must(close(t[0])), must(close(t[1]));
	fact("two that hold each other: %d", open_ends(p[0], 0));
	must(pipe(p)), must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	pid_t pid = spawn(send_(s[0], p[1]));
	must(close(p[1])), quiet(pid), fact("sender process gone: %d", open_ends(p[0], 1)), must(close(s[1])), must(close(s[0])), fact("closed: %d", open_ends(p[0], 0));
	return 0;
}
