// Pairs of all three types after each shutdown of either end: what both write and read, what was queued before, flags of messages, the end by close, SO_ERROR, queues.
#include "../oracle.h"
#include <sys/socket.h>
static int s[2];
static void one(const char *who, int fd) {
	char b[16];
	struct iovec v = {b, 16};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP};
	int n = -1, q = -1, e = 0;
	socklen_t k = sizeof e;
	poll(&p, 1, 0);
	int fe = err(ioctl(fd, FIONREAD, &n)), qe = err(ioctl(fd, TIOCOUTQ, &q));
	long r = recvmsg(fd, &m, MSG_DONTWAIT);
	int re = errno;
	fact("  %s: poll %#x, queued %s %d, out %s %s, read %ld %s flags %#x", who, p.revents, ename(fe), fe ? 0 : n, ename(qe), qe ? "" : q ? "some" : "none", r, r < 0 ? ename(re) : "", r < 0 ? 0 : m.msg_flags);
	must(getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &k));
	fact("    error %s, peek %s, empty read %s", ename(e), ename(err(recv(fd, b, 4, MSG_PEEK | MSG_DONTWAIT))), ename(err(recv(fd, b, 0, MSG_DONTWAIT))));
}
static void writes(const char *who, int fd) {
	char none[1];
	int a = err(send(fd, "y", 1, MSG_DONTWAIT)), b = err(send(fd, none, 0, MSG_DONTWAIT)), c = err(write(fd, none, 0)), d = err(send(fd, "z", 1, MSG_EOR | MSG_DONTWAIT));
	fact("    %s writes: %s, nothing by send %s, by write %s, a record %s", who, ename(a), ename(b), ename(c), ename(d));
}

int main(void) {
	signal(SIGPIPE, SIG_IGN);
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
	static const char *hows[] = {"RD", "WR", "RDWR"};
	for (int t = 0; t < 3; t++) {
		fact("type %d", types[t]);
		for (int first = 0; first < 3; first++)
			for (int second = -1; second < 3; second++) {
				must(socketpair(AF_UNIX, types[t], 0, s)), must(write(s[0], "abc", 3)), must(write(s[1], "defg", 4));
				must(shutdown(s[0], first)), fact(" one %s, other %s: %s", hows[first], second < 0 ? "none" : hows[second], second < 0 ? "" : ename(err(shutdown(s[1], second))));
				one("one", s[0]), one("other", s[1]), writes("one", s[0]), writes("other", s[1]), one("one", s[0]), one("other", s[1]);
				fact("    again: %s", ename(err(shutdown(s[0], first)))), close(s[0]), one("the one closed", s[1]), writes("other", s[1]), one("then", s[1]), fact("    shut now: %s", ename(err(shutdown(s[1], SHUT_RDWR)))), close(s[1]);
			}
		must(socketpair(AF_UNIX, types[t], 0, s)), must(write(s[1], "unread", 6)), close(s[0]), fact(" closed with data unread"), one("other", s[1]), one("then", s[1]), writes("other", s[1]), close(s[1]);
		must(socketpair(AF_UNIX, types[t], 0, s)), must(write(s[0], "last", 4)), close(s[0]), fact(" closed after a write"), one("other", s[1]), one("then", s[1]), close(s[1]);
		int alone = must(socket(AF_UNIX, types[t], 0));
		one("not connected", alone), writes("it", alone);
		for (int how = -1; how < 4; how++) fact(" shut, %d: %s", how, ename(err(shutdown(alone, how))));
		one("not connected, shut", alone), close(alone);
	}
	return 0;
}
