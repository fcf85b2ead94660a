// Connections that are made without waiting: EINPROGRESS, EALREADY, what poll and SO_ERROR show, edges of epoll.
#include "net.h"

int main(void) {
	signal(SIGPIPE, SIG_IGN);
	int l = listener(5), s = must(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)), ep = must(epoll_create1(0));
	struct sockaddr_in a = in4(LO, port(l)), none = in4(LO, 1);
	struct epoll_event e = {EPOLLIN | EPOLLOUT | EPOLLET | EPOLLRDHUP}, got[4];
	events("new", s);
	show(connect(s, SA(a))), until(s, POLLOUT), events("connected", s), show(opt(s, SOL_SOCKET, SO_ERROR)), show(connect(s, SA(a))), show(connect(s, SA(a)));
	must(epoll_ctl(ep, EPOLL_CTL_ADD, s, &e));
	show(epoll_wait(ep, got, 4, 0)), fact("%#x", got[0].events), show(epoll_wait(ep, got, 4, 0));
	int d = must(accept4(l, NULL, NULL, SOCK_NONBLOCK));
	show(write(d, "x", 1)), show(epoll_wait(ep, got, 4, 1000)), fact("%#x", got[0].events), show(epoll_wait(ep, got, 4, 0));
	show(write(d, "y", 1)), show(epoll_wait(ep, got, 4, 1000)), fact("%#x", got[0].events);
	char b[8];
	show(read(s, b, 8)), show(read(s, b, 8)), show(shutdown(d, SHUT_WR)), show(epoll_wait(ep, got, 4, 1000)), fact("%#x", got[0].events), events("end", s);
	show(read(s, b, 8)), must(close(d)), must(close(s));
	s = must(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	show(connect(s, SA(none))), until(s, POLLOUT), events("refused", s), show(write(s, "x", 1)), events("after", s), show(connect(s, SA(a))), show(connect(s, SA(a))), until(s, POLLOUT), show(opt(s, SOL_SOCKET, SO_ERROR)), events("again", s), d = must(accept(l, NULL, NULL)), show(write(s, "hi", 2)), show(read(d, b, 8));
	int t = must(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	show(connect(t, SA(none))), until(t, POLLOUT), show(opt(t, SOL_SOCKET, SO_ERROR)), show(opt(t, SOL_SOCKET, SO_ERROR)), show(connect(t, SA(none)));
	t = must(socket(AF_INET, SOCK_STREAM, 0));
	show(connect(t, SA(none))), show(connect(t, SA(a))), d = must(accept(l, NULL, NULL)), show(write(t, "hi", 2));
	must(fcntl(l, F_SETFL, O_NONBLOCK)), show(accept(l, NULL, NULL)), events("listener", l);
	struct sockaddr un = {.sa_family = AF_UNSPEC};
	show(connect(t, SA(un))), show(write(t, "x", 1)), until(d, POLLIN), show(read(d, b, 2)), show(read(d, b, 8)), events("dropped", t), show(connect(t, SA(a)));
	return 0;
}
