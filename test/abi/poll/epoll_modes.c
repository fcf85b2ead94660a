// Level and edge triggering, EPOLLONESHOT, EPOLLEXCLUSIVE's rules, EPOLLRDHUP, order of events.
#include "../oracle.h"
#include <sys/epoll.h>
#include <sys/socket.h>
static int ep;
static struct epoll_event out[8];
static void watch(int op, int fd, int events) {
	struct epoll_event e = {events, {.fd = fd}};
	if (epoll_ctl(ep, op, fd, &e))
		fact("epoll_ctl: %s", ename(errno));
}
static void look(const char *what) {
	int n = epoll_wait(ep, out, 8, 0);
	fact("%s: %d%s%s%s%s%s", what, n, n > 0 && out[0].events & EPOLLIN ? " IN" : "", n > 0 && out[0].events & EPOLLOUT ? " OUT" : "", n > 0 && out[0].events & EPOLLRDHUP ? " RDHUP" : "", n > 0 && out[0].events & EPOLLHUP ? " HUP" : "", n > 0 && out[0].events & EPOLLERR ? " ERR" : "");
}

int main(void) {
	int p[2], s[2], q[3][2];
	char c[8];
	ep = must(epoll_create1(0));
	must(pipe(p)), must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	watch(EPOLL_CTL_ADD, p[0], EPOLLIN);
	must(write(p[1], "ab", 2));
	look("level"), look("level again");
	must(read(p[0], c, 1));
	look("level, some left");
	must(read(p[0], c, 1));
	look("level, empty");
	watch(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET);
	must(write(p[1], "ab", 2));
	look("edge"), look("edge again");
	must(read(p[0], c, 1));
	look("edge, some left");
	must(write(p[1], "c", 1));
	look("edge, more came");
	watch(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET);
	look("edge, changed with data");
	watch(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT);
	look("oneshot"), look("oneshot again");
	must(write(p[1], "d", 1));
	look("oneshot, more came");
	watch(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT);
	look("oneshot, armed again");
	must(close(p[1]));
	look("oneshot, writer gone");
	watch(EPOLL_CTL_DEL, p[0], 0);
	watch(EPOLL_CTL_ADD, s[0], EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
	look("socket"), look("socket again");
	must(write(s[1], "x", 1));
	look("socket, data");
	must(shutdown(s[1], SHUT_WR));
	look("socket, peer shut down");
	must(close(s[1]));
	look("socket, peer closed");
	watch(EPOLL_CTL_DEL, s[0], 0);
	must(pipe(p));
	watch(EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLEXCLUSIVE);
	watch(EPOLL_CTL_MOD, p[0], EPOLLIN);
	watch(EPOLL_CTL_DEL, p[0], 0);
	watch(EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT);
	watch(EPOLL_CTL_ADD, p[0], EPOLLIN);
	watch(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLEXCLUSIVE);
	watch(EPOLL_CTL_DEL, p[0], 0);
	int inner = epoll_create1(0);
	watch(EPOLL_CTL_ADD, inner, EPOLLIN | EPOLLEXCLUSIVE);
	for (int i = 0; i < 3; i++)
		must(pipe(q[i])), watch(EPOLL_CTL_ADD, q[i][0], EPOLLIN);
	must(write(q[1][1], "x", 1)), must(write(q[0][1], "x", 1)), must(write(q[2][1], "x", 1));
	int n = epoll_wait(ep, out, 1, 0), first = out[0].data.fd;
	fact("one at a time: %d, the first that came %d", n, first == q[1][0]);
	n = epoll_wait(ep, out, 1, 0);
	fact("then the next: %d", out[0].data.fd == q[0][0]);
	n = epoll_wait(ep, out, 8, 0);
	fact("all: %d, starting after those told: %d", n, out[0].data.fd == q[2][0]);
	return 0;
}
