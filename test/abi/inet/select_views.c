// The same sockets seen by poll, ppoll, select, pselect6 and epoll: new, bound, listening, connected, readable, half closed, shut, closed, reset; TCP, UDP and unix.
#include "net.h"
#include <sys/select.h>
static void look(const char *what, int s) {
	struct pollfd p = {s, POLLIN | POLLOUT | POLLPRI | POLLRDHUP | POLLRDNORM | POLLWRNORM | POLLRDBAND | POLLWRBAND | POLLMSG}, none = {s, 0};
	int n = poll(&p, 1, 0), m = poll(&none, 1, 0);
	fd_set in, out, ex;
	struct timeval zero = {0};
	struct timespec nothing = {0};
	FD_ZERO(&in); FD_ZERO(&out); FD_ZERO(&ex);
	FD_SET(s, &in), FD_SET(s, &out), FD_SET(s, &ex);
	int k = select(s + 1, &in, &out, &ex, &zero);
	fact("%s: poll %d %#x, asked for nothing %d %#x, select %d%s%s%s", what, n, p.revents, m, none.revents, k, FD_ISSET(s, &in) ? " in" : "", FD_ISSET(s, &out) ? " out" : "", FD_ISSET(s, &ex) ? " except" : "");
	FD_ZERO(&in);
	FD_SET(s, &in), p.events = POLLIN;
	int i = pselect(s + 1, &in, NULL, NULL, &nothing, NULL), j = ppoll(&p, 1, &nothing, NULL), e = must(epoll_create1(EPOLL_CLOEXEC));
	struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLRDNORM | EPOLLWRNORM | EPOLLRDBAND | EPOLLWRBAND | EPOLLMSG}, got = {0};
	must(epoll_ctl(e, EPOLL_CTL_ADD, s, &ev));
	int w = epoll_wait(e, &got, 1, 0);
	ev.events = 0, must(epoll_ctl(e, EPOLL_CTL_MOD, s, &ev));
	int q = epoll_wait(e, &ev, 1, 0);
	fact("  in only: select %d, poll %d %#x; epoll %d %#x, asked for nothing %d %#x, the epoll itself %d", i, j, p.revents, w, w ? got.events : 0, q, q ? ev.events : 0, poll(&(struct pollfd){e, POLLIN}, 1, 0)), close(e);
}

int main(void) {
	signal(SIGPIPE, SIG_IGN);
	int s = must(socket(AF_INET, SOCK_STREAM, 0)), l, c, d, p[2];
	struct sockaddr_in a = in4(LO, 0);
	char b[8];
	look("tcp, new", s), must(bind(s, SA(a))), look("bound", s), must(listen(s, 2)), look("listening", s), a = in4(LO, port(s)), c = must(socket(AF_INET, SOCK_STREAM, 0)), must(connect(c, SA(a))), until(s, POLLIN), look("with a connection", s), must(shutdown(s, SHUT_RDWR)), look("listener shut", s), close(s), close(c);
	s = must(socket(AF_INET, SOCK_STREAM, 0)), fact("refused: %s", ename(err(connect(s, SA(a))))), look("after a refusal", s), close(s);
	l = listener(2), conn(l, &c, &d), look("connected", c), must(write(d, "data", 4)), until(c, POLLIN), look("readable", c), must(shutdown(d, SHUT_WR)), until(c, POLLRDHUP), look("and the end", c), must(read(c, b, 8)), look("the end alone", c), look("half closed", d), must(shutdown(c, SHUT_WR)), until(c, POLLHUP), until(d, POLLHUP), look("closed", c), look("closed by both", d), close(c), close(d);
	conn(l, &c, &d), must(shutdown(c, SHUT_RD)), look("shut for reading", c), look("its peer", d), close(c), close(d);
	conn(l, &c, &d), must(send(c, "u", 1, MSG_OOB)), until(d, POLLPRI), look("urgent", d), close(c), close(d);
	conn(l, &c, &d), must(setsockopt(c, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger))), close(c), until(d, POLLERR), look("reset", d), show(opt(d, SOL_SOCKET, SO_ERROR)), look("the error taken", d), close(d);

	s = must(socket(AF_INET, SOCK_DGRAM, 0)), a = in4(LO, 0), look("udp, new", s), must(bind(s, SA(a))), look("bound", s), a = in4(LO, port(s)), must(connect(s, SA(a))), look("connected", s), must(send(s, "", 0, 0)), look("an empty datagram", s), must(recv(s, b, 8, 0)), look("taken", s), must(shutdown(s, SHUT_RD)), look("shut for reading", s), must(shutdown(s, SHUT_WR)), look("shut", s), close(s);
	for (int type = SOCK_STREAM; type <= SOCK_SEQPACKET; type++) {
		if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET) continue;
		s = must(socket(AF_UNIX, type, 0)), fact("unix, type %d", type), look("new", s), must(bind(s, &(struct sockaddr){AF_UNIX}, 2)), look("bound", s);
		if (type != SOCK_DGRAM) must(listen(s, 1)), look("listening", s), must(shutdown(s, SHUT_RDWR)), look("listener shut", s);
		close(s), must(socketpair(AF_UNIX, type, 0, p)), look("a pair", p[0]), must(write(p[1], "x", 1)), look("readable", p[0]), must(shutdown(p[1], SHUT_WR)), look("the peer is done", p[0]), look("who is", p[1]), must(shutdown(p[0], SHUT_RD)), look("shut for reading", p[0]), close(p[1]), look("the peer closed", p[0]), close(p[0]);
		must(socketpair(AF_UNIX, type, 0, p)), must(shutdown(p[0], SHUT_RDWR)), look("shut", p[0]), look("its peer", p[1]), close(p[0]), close(p[1]);
	}
	return 0;
}
