// Who sleeps on a connection and what wakes it: reads, accepts, connects, polls and epoll_waits, by shutdown, reset, close of a copy, and signals that are and are not restarted.
#include "net.h"
static void handler(int s) { (void)s; }
static struct gate ready;
static pid_t start(pid_t p) { gate_pass(ready), asleep(p); return p; }
#define SLEEPER(...) start(spawn(gate_open(ready); __VA_ARGS__))

int main(void) {
	signal(SIGPIPE, SIG_IGN), ready = gate_new();
	int l = listener(5), c, d;
	char b[16];
	pid_t p;
	conn(l, &c, &d), p = SLEEPER(show(read(d, b, 16))), must(shutdown(d, SHUT_RD)), quiet(p), close(c), close(d);
	conn(l, &c, &d), p = SLEEPER(close(c); show(read(d, b, 16))), must(shutdown(c, SHUT_WR)), quiet(p), close(c), close(d);
	struct linger g = {1, 0};
	conn(l, &c, &d), p = SLEEPER(close(c); show(read(d, b, 16))), must(setsockopt(c, SOL_SOCKET, SO_LINGER, &g, 8)), close(c), quiet(p), close(d);
	conn(l, &c, &d), p = SLEEPER(close(c); struct pollfd q = {d, POLLIN}; show(poll(&q, 1, -1)); fact("%#x", q.revents)), must(write(c, "x", 1)), quiet(p), close(c), close(d);
	conn(l, &c, &d), p = SLEEPER(close(c); struct pollfd q = {d, 0}; show(poll(&q, 1, -1)); fact("%#x", q.revents)), must(setsockopt(c, SOL_SOCKET, SO_LINGER, &g, 8)), close(c), quiet(p), close(d);
	conn(l, &c, &d), p = SLEEPER(close(c); int e = epoll_create1(0); struct epoll_event v = {EPOLLRDHUP}; must(epoll_ctl(e, EPOLL_CTL_ADD, d, &v)); show(epoll_wait(e, &v, 1, -1)); fact("%#x", v.events)), must(write(c, "not for it", 10)), usleep(2000), must(shutdown(c, SHUT_WR)), quiet(p), close(c), close(d);
	p = SLEEPER(show(accept(l, NULL, NULL) >= 0)), c = must(socket(AF_INET, SOCK_STREAM, 0));
	struct sockaddr_in a = in4(LO, port(l));
	must(connect(c, SA(a))), quiet(p), close(c);
	on(SIGUSR1, handler, 0), on(SIGUSR2, handler, SA_RESTART), conn(l, &c, &d);
	p = SLEEPER(show(read(d, b, 16))), must(kill(p, SIGUSR1)), quiet(p), p = SLEEPER(show(accept(l, NULL, NULL))), must(kill(p, SIGUSR1)), quiet(p), p = SLEEPER(show(poll(&(struct pollfd){d, POLLIN}, 1, -1))), must(kill(p, SIGUSR2)), quiet(p);
	p = SLEEPER(show(read(d, b, 16))), must(kill(p, SIGUSR2)), usleep(3000), asleep(p), must(write(c, "restarted", 9)), quiet(p), p = SLEEPER(show(recv(d, b, 16, MSG_WAITALL))), must(write(c, "part", 4)), usleep(3000), asleep(p), must(kill(p, SIGUSR1)), quiet(p), p = SLEEPER(struct iovec v = {b, 16}; struct mmsghdr m = {.msg_hdr = {.msg_iov = &v, .msg_iovlen = 1}}; show(recvmmsg(d, &m, 1, 0, NULL))), must(kill(p, SIGUSR2)), usleep(3000), asleep(p), must(write(c, "y", 1)), quiet(p);
	int u = must(socket(AF_INET, SOCK_DGRAM, 0));
	a = in4(LO, 0), must(bind(u, SA(a))), a = in4(LO, port(u)), must(connect(u, SA(a))), p = SLEEPER(show(recv(u, b, 16, 0))), must(shutdown(u, SHUT_RD)), quiet(p);
	return 0;
}
