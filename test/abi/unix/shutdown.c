// shutdown(2) in each direction on stream pairs: reads, writes, poll, and closing with unread data.
#include "../oracle.h"
#include <poll.h>
#include <sys/socket.h>
static int s[2];
static void fresh(void) { must(socketpair(AF_UNIX, SOCK_STREAM, 0, s)); }
static void look(const char *what) {
	char c[8];
	struct pollfd p[2] = {{s[0], POLLIN | POLLOUT | POLLRDHUP}, {s[1], POLLIN | POLLOUT | POLLRDHUP}};
	poll(p, 2, 0);
	fact("%s: poll %#x %#x", what, p[0].revents, p[1].revents);
	int w0 = err(send(s[0], "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT)), w1 = err(send(s[1], "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT));
	int r0 = recv(s[0], c, 8, MSG_DONTWAIT), e0 = errno, r1 = recv(s[1], c, 8, MSG_DONTWAIT), e1 = errno;
	fact("  write %s %s", ename(w0), ename(w1));
	fact("  read %d %s, %d %s", r0, r0 < 0 ? ename(e0) : "", r1, r1 < 0 ? ename(e1) : "");
}

int main(void) {
	char c[8];
	fresh(), look("fresh");
	must(shutdown(s[0], SHUT_RD)), look("RD");
	fresh(), must(shutdown(s[0], SHUT_WR)), look("WR");
	fresh(), must(shutdown(s[0], SHUT_RDWR)), look("RDWR");
	fresh(), must(shutdown(s[0], SHUT_RD)), must(shutdown(s[1], SHUT_RD)), look("both RD");
	show(shutdown(s[0], 3));
	show(shutdown(0, SHUT_RD));
	show(shutdown(999, SHUT_RD));
	show(shutdown(must(socket(AF_UNIX, SOCK_STREAM, 0)), SHUT_RD));
	fresh();
	must(write(s[0], "data", 4));
	must(close(s[0]));
	show(read(s[1], c, 8));
	show(read(s[1], c, 8));
	fresh();
	must(write(s[1], "unread", 6));
	must(close(s[0])); // unread data: the peer is told of a reset
	show(recv(s[1], c, 8, 0));
	show(recv(s[1], c, 8, 0));
	fresh();
	must(write(s[0], "kept", 4)), must(write(s[1], "unread", 6));
	must(close(s[0]));
	show(recv(s[1], c, 8, 0));
	show(recv(s[1], c, 8, 0));
	fresh();
	must(write(s[1], "unread", 6)), must(close(s[0]));
	int e;
	socklen_t n = sizeof e;
	must(getsockopt(s[1], SOL_SOCKET, SO_ERROR, &e, &n));
	fact("SO_ERROR %s", ename(e));
	must(getsockopt(s[1], SOL_SOCKET, SO_ERROR, &e, &n));
	fact("then %s", ename(e));
	reap("SIGPIPE", spawn(fresh(); close(s[0]); write(s[1], "x", 1); _exit(1)));
	fresh();
	struct gate g = gate_new();
	pid_t pid = spawn(gate_open(g); _exit(read(s[1], c, 8)));
	gate_pass(g);
	asleep(pid);
	must(shutdown(s[1], SHUT_RD)); // wakes a reader of the same socket
	reap("reader", pid);
	return 0;
}
