// Edges of epoll on connections: EPOLLIN for each arrival, EPOLLOUT when there is room again, EPOLLRDHUP, EPOLLHUP, EPOLLONESHOT, EPOLLEXCLUSIVE, and what EPOLL_CTL_MOD tells anew.
#include "net.h"
static int e;
static void next(const char *what, int ms) {
	struct epoll_event v[4];
	int n = must(epoll_wait(e, v, 4, ms));
	if (n == 0) fact("%s: nothing", what);
	for (int i = 0; i < n; i++)
		fact("%s:%s%s%s%s%s%s", what, v[i].events & EPOLLIN ? " in" : "", v[i].events & EPOLLOUT ? " out" : "", v[i].events & EPOLLPRI ? " pri" : "", v[i].events & EPOLLRDHUP ? " rdhup" : "", v[i].events & EPOLLHUP ? " hup" : "", v[i].events & EPOLLERR ? " err" : "");
}
static long ctl(int op, int s, unsigned events) { return epoll_ctl(e, op, s, &(struct epoll_event){events, {.fd = s}}); }
#define ADD(s, v) must(ctl(EPOLL_CTL_ADD, s, v))
#define MOD(s, v) must(ctl(EPOLL_CTL_MOD, s, v))
#define ALL (EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLET)
static char big[1 << 18];

int main(void) {
	signal(SIGPIPE, SIG_IGN);
	int l = listener(9), c, d;
	char b[64];
	e = must(epoll_create1(0));
	int fresh = must(socket(AF_INET, SOCK_STREAM, 0));
	ADD(fresh, ALL), next("not connected", 0), next("again", 0);
	struct sockaddr_in a = in4(LO, port(l));
	must(connect(fresh, SA(a))), next("connected", 2000), next("again", 0), must(ctl(EPOLL_CTL_DEL, fresh, 0));
	must(close(must(accept(l, NULL, NULL)))), must(close(fresh));

	conn(l, &c, &d), ADD(d, ALL), next("new", 0), next("again", 0);
	must(write(c, "ab", 2)), next("two bytes", 2000), next("again", 0);
	must(write(c, "c", 1)), next("a third, none was read", 2000), show(read(d, b, 1)), next("after a read of one", 0);
	MOD(d, ALL), next("modified", 0), next("again", 0);
	show(read(d, b, 64)), next("all read", 0), show(recv(d, b, 1, MSG_DONTWAIT)), next("EAGAIN seen", 0);
	must(send(c, "u", 1, MSG_OOB)), next("urgent", 2000), show(recv(d, b, 1, MSG_OOB)), next("taken", 0);
	must(shutdown(c, SHUT_WR)), next("the end", 2000), next("again", 0), show(read(d, b, 64)), next("read the end", 0), MOD(d, ALL), next("modified", 0);
	must(shutdown(d, SHUT_WR)), next("both ends", 2000), next("again", 0), MOD(d, EPOLLET), next("only what cannot be masked", 0), must(close(c)), must(close(d));

	conn(l, &c, &d), must(fcntl(c, F_SETFL, O_NONBLOCK)), ADD(c, EPOLLOUT | EPOLLET), next("may write", 0);
	for (int quiet = 0; quiet < 20; quiet++, usleep(500))
		while (write(c, big, sizeof big) > 0) quiet = 0;
	struct epoll_event drop;
	while (epoll_wait(e, &drop, 1, 0) > 0) ;
	next("full", 0), must(fcntl(d, F_SETFL, O_NONBLOCK));
	for (int i = 0; i < 100 && poll(&(struct pollfd){c, POLLOUT}, 1, 0) == 0; i++) {
		while (read(d, big, sizeof big) > 0) ;
		usleep(2000);
	}
	next("room again", 2000), must(close(c)), must(close(d));

	conn(l, &c, &d), ADD(d, EPOLLIN | EPOLLONESHOT), must(write(c, "x", 1)), next("once", 2000), must(write(c, "y", 1)), next("not twice", 0), MOD(d, EPOLLIN | EPOLLONESHOT), next("armed again", 2000), must(close(c)), next("not for the end", 0), MOD(d, EPOLLIN | EPOLLRDHUP | EPOLLONESHOT), next("armed", 2000), must(close(d));
	conn(l, &c, &d), show(ctl(EPOLL_CTL_ADD, d, EPOLLIN | EPOLLEXCLUSIVE)), show(ctl(EPOLL_CTL_MOD, d, EPOLLIN)), show(ctl(EPOLL_CTL_ADD, c, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT)), show(ctl(EPOLL_CTL_ADD, c, EPOLLRDHUP | EPOLLEXCLUSIVE)), must(write(c, "z", 1)), next("exclusive", 2000);
	struct linger g = {1, 0};
	must(setsockopt(c, SOL_SOCKET, SO_LINGER, &g, sizeof g)), must(close(c)), usleep(2000), next("reset", 2000), must(close(d));

	ADD(l, EPOLLIN | EPOLLET), next("a listener", 0);
	int s[3];
	for (int i = 0; i < 3; i++) {
		a = in4(LO, port(l)), s[i] = must(socket(AF_INET, SOCK_STREAM, 0)), must(connect(s[i], SA(a))), next("a connection", 2000);
	}
	must(close(must(accept(l, NULL, NULL)))), next("one taken", 0), MOD(l, EPOLLIN | EPOLLET), next("modified", 0);
	must(shutdown(l, SHUT_RD)), next("shut", 2000), show(accept(l, NULL, NULL));
	return 0;
}
