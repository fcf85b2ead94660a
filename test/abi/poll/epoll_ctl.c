// epoll_ctl(2): adding, changing, deleting; what cannot be watched; loops and depth; dup'd descriptors.
#include "../oracle.h"
#include <sys/epoll.h>
static int add(int ep, int fd, int events) {
	struct epoll_event e = {events, {.fd = fd}};
	return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
}

int main(void) {
	int ep = must(epoll_create1(EPOLL_CLOEXEC)), p[2];
	struct epoll_event e = {EPOLLIN}, out[4];
	show(fcntl(ep, F_GETFD));
	show(epoll_create(0));
	show(epoll_create1(1));
	must(pipe(p));
	show(add(ep, p[0], EPOLLIN));
	show(add(ep, p[0], EPOLLIN));
	show(epoll_ctl(ep, EPOLL_CTL_MOD, p[1], &e));
	show(epoll_ctl(ep, EPOLL_CTL_DEL, p[1], NULL));
	show(epoll_ctl(ep, 99, p[0], &e));
	show(epoll_ctl(ep, EPOLL_CTL_ADD, p[1], (void *)8));
	show(epoll_ctl(p[0], EPOLL_CTL_ADD, p[1], &e));
	show(add(ep, 999, EPOLLIN));
	show(add(999, p[0], EPOLLIN));
	show(add(ep, ep, EPOLLIN));
	make("f", "");
	show(add(ep, must(open("f", O_RDONLY)), EPOLLIN));
	show(add(ep, must(open(".", O_RDONLY)), EPOLLIN));
	show(add(ep, must(open("/dev/null", O_RDWR)), EPOLLIN));
	show(add(ep, must(open("f", O_PATH)), EPOLLIN));
	int d = must(dup(p[0]));
	show(add(ep, d, EPOLLIN)); // another descriptor of the same file
	must(write(p[1], "x", 1));
	show(epoll_wait(ep, out, 4, 0));
	must(close(p[0])); // the file stays open by the other
	int n = epoll_wait(ep, out, 4, 0);
	fact("after closing one of two: %d", n);
	show(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL));
	must(close(d)); // the last one
	show(epoll_wait(ep, out, 4, 0));
	must(pipe(p));
	must(add(ep, p[0], EPOLLIN));
	e.data.u64 = 0x123456789abcdef0;
	show(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e));
	must(write(p[1], "x", 1));
	show(epoll_wait(ep, out, 4, 0));
	fact("data %#lx", out[0].data.u64);
	e.events = 0;
	must(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e));
	show(epoll_wait(ep, out, 4, 0));
	must(close(p[1]));
	show(epoll_wait(ep, out, 4, 0)); // a hang-up is told always
	fact("%#x", out[0].events);
	show(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], (void *)8)); // not looked at
	int a = epoll_create1(0), b = epoll_create1(0), chain[8];
	show(add(a, b, EPOLLIN));
	show(add(b, a, EPOLLIN));
	for (int i = 0; i < 8; i++)
		chain[i] = epoll_create1(0);
	for (int i = 0; i < 7; i++)
		fact("depth %d: %s", i + 1, ename(err(add(chain[i + 1], chain[i], EPOLLIN))));
	show(sizeof(struct epoll_event));
	return 0;
}
