// Poll and epoll of unix streams through their life: connecting without waiting, a full peer and room again, ends, errors; SO_SNDBUF, SO_RCVLOWAT, SO_LINGER, urgent data; accept with the peer gone.
#include "../oracle.h"
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
static int e, x[2];
static void ev(const char *what, int s) {
	struct pollfd p = {s, POLLIN | POLLOUT | POLLRDHUP | POLLPRI};
	must(poll(&p, 1, 0)), fact("%s:%s%s%s%s%s%s", what, p.revents & POLLIN ? " in" : "", p.revents & POLLPRI ? " pri" : "", p.revents & POLLOUT ? " out" : "", p.revents & POLLERR ? " err" : "", p.revents & POLLHUP ? " hup" : "", p.revents & POLLRDHUP ? " rdhup" : "");
}
static void edge(const char *what) {
	struct epoll_event v;
	int n = must(epoll_wait(e, &v, 1, 0));
	fact("  edge, %s:%s%s%s%s", what, !n ? " none" : v.events & EPOLLIN ? " in" : "", n && v.events & EPOLLOUT ? " out" : "", n && v.events & EPOLLRDHUP ? " rdhup" : "", n && v.events & EPOLLHUP ? " hup" : "");
}
static void fresh(void) { must(socketpair(AF_UNIX, SOCK_STREAM, 0, x)), must(epoll_ctl(e, EPOLL_CTL_ADD, x[0], &(struct epoll_event){EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET})); }
static char big[1 << 17];

int main(void) {
	signal(SIGPIPE, SIG_IGN);
	char b[64];
	e = must(epoll_create1(0)), fresh(), ev("a pair", x[0]), edge("new"), edge("again"), must(write(x[1], "ab", 2)), edge("data"), must(write(x[1], "c", 1)), edge("more"), show(read(x[0], b, 1)), edge("one read"), show(read(x[0], b, 64)), edge("all read"), must(shutdown(x[1], SHUT_WR)), ev("the end", x[0]), edge("the end"), show(read(x[0], b, 1)), must(close(x[1])), ev("closed", x[0]), edge("closed"), show(write(x[0], "x", 1)), close(x[0]);
	fresh(), edge("new"), must(fcntl(x[0], F_SETFL, O_NONBLOCK)), must(fcntl(x[1], F_SETFL, O_NONBLOCK));
	long sent = 0, n;
	while ((n = write(x[0], big, sizeof big)) > 0) sent += n;
	fact("full: %s", sent > 0 ? ename(errno) : "nothing"), ev("the writer", x[0]), ev("the reader", x[1]), edge("full"), show(send(x[0], "x", 1, MSG_DONTWAIT));
	long got = 0;
	while ((n = read(x[1], big, 4096)) > 0) got += n;
	yes(got == sent), ev("all read, the writer", x[0]), edge("room"), close(x[0]), close(x[1]);
	fresh(), must(write(x[1], "unread", 6)), must(write(x[0], "mine", 4)), must(close(x[1])), ev("closed with data on both sides", x[0]), show(read(x[0], b, 64)), show(read(x[0], b, 64)), show(read(x[0], b, 64)), close(x[0]);
	fresh(), must(setsockopt(x[0], SOL_SOCKET, SO_RCVLOWAT, &(int){5}, 4)), must(write(x[1], "abc", 3)), ev("below SO_RCVLOWAT", x[0]), show(recv(x[0], b, 64, MSG_DONTWAIT)), close(x[0]), close(x[1]);
	fresh(), must(setsockopt(x[0], SOL_SOCKET, SO_SNDBUF, &(int){1}, 4)), must(fcntl(x[0], F_SETFL, O_NONBLOCK)), ev("the smallest buffer", x[0]), n = write(x[0], big, sizeof big), fact("some is written: %d", n > 0 && n < (long)sizeof big), ev("then", x[0]), close(x[0]), close(x[1]);
	fresh(), must(setsockopt(x[0], SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, 8)), must(write(x[0], "lingers", 7)), must(close(x[0])), show(read(x[1], b, 64)), show(read(x[1], b, 64)), close(x[1]);

	int l = must(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)), c, d, k;
	struct sockaddr_un a = {AF_UNIX, "\0listener"};
	ev("not bound", l), must(bind(l, (void *)&a, 11)), show(connect(must(socket(AF_UNIX, SOCK_STREAM, 0)), (void *)&a, 11)), must(listen(l, 0)), ev("listening", l), c = must(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)), ev("a client", c), show(connect(c, (void *)&a, 11)), ev("connected, not accepted", c), ev("the listener", l), show(write(c, "early", 5)), k = must(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)), show(connect(k, (void *)&a, 11)), ev("no room for it", k), show(connect(c, (void *)&a, 11)), d = must(accept(l, NULL, NULL)), show(read(d, b, 64)), show(accept(l, NULL, NULL)), show(connect(k, (void *)&a, 11)), must(write(k, "left", 4)), must(close(k)), d = must(accept(l, NULL, NULL)), ev("accepted after its peer left", d), show(read(d, b, 64)), show(read(d, b, 64)), show(write(d, "x", 1));
	k = must(socket(AF_UNIX, SOCK_STREAM, 0)), must(connect(k, (void *)&a, 11)), must(shutdown(l, SHUT_RD)), ev("the listener shut", l), show(connect(must(socket(AF_UNIX, SOCK_STREAM, 0)), (void *)&a, 11)), must(close(l)), ev("never accepted, the listener closed", k), show(read(k, b, 1)), show(write(k, "x", 1));
	show(listen(c, 1)), show(accept(c, NULL, NULL)), show(listen(must(socket(AF_UNIX, SOCK_STREAM, 0)), 1)), show(listen(must(socket(AF_UNIX, SOCK_DGRAM, 0)), 1)), show(shutdown(must(socket(AF_UNIX, SOCK_STREAM, 0)), SHUT_RDWR)), ev("new", must(socket(AF_UNIX, SOCK_STREAM, 0))), show(read(must(socket(AF_UNIX, SOCK_STREAM, 0)), b, 1)), show(write(must(socket(AF_UNIX, SOCK_STREAM, 0)), "x", 1)), show(recv(c, b, 1, MSG_ERRQUEUE));
	return 0;
}
