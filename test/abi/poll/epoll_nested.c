// epoll inside epoll and poll: readiness passes up; edge triggering across; waking a waiter; fork.
#include "../oracle.h"
#include <poll.h>
#include <sys/epoll.h>
static int add(int ep, int fd, int events) {
	struct epoll_event e = {events, {.fd = fd}};
	return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
}
static struct epoll_event out[4];

int main(void) {
	int p[2], inner = must(epoll_create1(0)), outer = must(epoll_create1(0)), edge = must(epoll_create1(0));
	char c;
	must(pipe(p));
	must(add(inner, p[0], EPOLLIN)), must(add(outer, inner, EPOLLIN)), must(add(edge, inner, EPOLLIN | EPOLLET));
	struct pollfd pf = {inner, POLLIN};
	show(poll(&pf, 1, 0));
	show(epoll_wait(outer, out, 4, 0));
	must(write(p[1], "x", 1));
	show(poll(&pf, 1, 0));
	show(epoll_wait(outer, out, 4, 0));
	yes(out[0].data.fd == inner && out[0].events == EPOLLIN);
	show(epoll_wait(edge, out, 4, 0));
	show(epoll_wait(edge, out, 4, 0)); // once
	show(epoll_wait(inner, out, 4, 0));
	show(epoll_wait(outer, out, 4, 0)); // level: as long as the inner has something
	must(read(p[0], &c, 1));
	show(epoll_wait(inner, out, 4, 0));
	show(epoll_wait(outer, out, 4, 0));
	must(write(p[1], "x", 1));
	show(epoll_wait(edge, out, 4, 0)); // a new edge
	must(read(p[0], &c, 1));
	pid_t me = getpid(), pid = spawn(asleep(me); must(write(p[1], "y", 1)));
	show(epoll_wait(outer, out, 4, 10000));
	quiet(pid);
	must(read(p[0], &c, 1));
	pid = spawn(asleep(me); must(write(p[1], "y", 1))); // poll over an epoll
	show(poll(&pf, 1, 10000));
	quiet(pid);
	must(read(p[0], &c, 1));
	pid = spawn(asleep(me); must(add(inner, p[1], EPOLLOUT))); // something added while another waits
	show(epoll_wait(inner, out, 4, 10000));
	fact("%#x", out[0].events);
	quiet(pid);
	must(epoll_ctl(inner, EPOLL_CTL_DEL, p[1], NULL));
	pid = spawn(int q[2]; must(pipe(q)); must(write(q[1], "z", 1)); must(add(inner, q[0], EPOLLIN)); show(epoll_wait(inner, out, 4, 0)); _exit(0));
	quiet(pid); // the child's pipe is gone with it
	show(epoll_wait(inner, out, 4, 0));
	show(read(inner, &c, 1));
	show(write(inner, &c, 1));
	return 0;
}
