// TCP_DEFER_ACCEPT, and connections that end before they are accepted: with data, without, reset; what accept and poll of the listener show.
#include "net.h"
static int client(int l) {
	int s = must(socket(AF_INET, SOCK_STREAM, 0));
	struct sockaddr_in a = in4(LO, port(l));
	must(connect(s, SA(a)));
	return s;
}
static int ready(int l, int ms) { return poll(&(struct pollfd){l, POLLIN}, 1, ms); }

int main(void) {
	signal(SIGPIPE, SIG_IGN);
	int l = listener(8), c, d;
	char b[16];
	struct linger g = {1, 0};
	c = client(l), must(write(c, "left", 4)), must(close(c)), must(ready(l, 5000) == 1 ? 0 : -1), d = must(accept(l, NULL, NULL)), events("closed before it was accepted", d), show(recv(d, b, 16, MSG_WAITALL)), show(write(d, "x", 1)), close(d);
	c = client(l), must(close(c)), must(ready(l, 5000) == 1 ? 0 : -1), d = must(accept(l, NULL, NULL)), until(d, POLLRDHUP), events("closed without data", d), show(recv(d, b, 16, 0)), close(d);
	c = client(l), must(ready(l, 5000) == 1 ? 0 : -1), must(setsockopt(c, SOL_SOCKET, SO_LINGER, &g, sizeof g)), must(close(c)), usleep(3000), fact("reset: %d ready", ready(l, 0)), d = must(accept(l, NULL, NULL)), events("accepted all the same", d), show(getpeername(d, (void *)b, &(socklen_t){16})), show(recv(d, b, 16, 0)), show(recv(d, b, 16, 0)), close(d);
	c = client(l), must(write(c, "data", 4)), must(ready(l, 5000) == 1 ? 0 : -1), must(setsockopt(c, SOL_SOCKET, SO_LINGER, &g, sizeof g)), must(close(c)), usleep(3000), d = must(accept(l, NULL, NULL)), events("reset with data", d), show(recv(d, b, 16, 0)), show(recv(d, b, 16, 0)), close(d);

	show(set(l, SOL_TCP, TCP_DEFER_ACCEPT, 30)), show(opt(l, SOL_TCP, TCP_DEFER_ACCEPT) >= 30);
	c = client(l), fact("connected, state %d", tcpstate(c)), fact("no data: %d ready", ready(l, 20)), must(fcntl(l, F_SETFL, O_NONBLOCK)), show(accept(l, NULL, NULL)), events("the client", c), must(write(c, "now", 3)), fact("data: %d ready", ready(l, 5000)), d = must(accept(l, NULL, NULL)), show(recv(d, b, 16, 0)), close(c), close(d);
	c = client(l), must(close(c)), fact("closed without data: %d ready", ready(l, 5000)), d = accept(l, NULL, NULL), fact("accept: %s", d < 0 ? ename(errno) : "ok"), show(recv(d, b, 16, 0)), close(d);
	c = client(l), must(shutdown(c, SHUT_WR)), fact("half closed without data: %d ready", ready(l, 5000)), d = accept(l, NULL, NULL), fact("accept: %s", d < 0 ? ename(errno) : "ok"), show(write(d, "back", 4)), show(recv(c, b, 16, 0)), close(c), close(d);
	c = client(l), must(setsockopt(c, SOL_SOCKET, SO_LINGER, &g, sizeof g)), must(close(c)), usleep(3000), fact("reset without data: %d ready", ready(l, 20)), show(accept(l, NULL, NULL));
	int c1 = client(l), c2 = client(l);
	must(write(c2, "second", 6)), fact("the second sends first: %d ready", ready(l, 5000)), d = must(accept(l, NULL, NULL)), show(recv(d, b, 16, 0)), must(write(c1, "first", 5)), fact("then the first: %d", ready(l, 5000)), close(d), d = must(accept(l, NULL, NULL)), show(recv(d, b, 16, 0)), close(d), close(c1), close(c2);
	show(set(l, SOL_TCP, TCP_DEFER_ACCEPT, 0)), show(opt(l, SOL_TCP, TCP_DEFER_ACCEPT)), c = client(l), fact("off: %d ready", ready(l, 5000)), close(must(accept(l, NULL, NULL))), close(c);

	c = client(l), must(ready(l, 5000) == 1 ? 0 : -1), must(close(l)), until(c, POLLERR | POLLHUP), events("the listener closed", c), show(recv(c, b, 16, 0)), show(write(c, "x", 1));
	l = listener(8), c = client(l), must(ready(l, 5000) == 1 ? 0 : -1), must(shutdown(l, SHUT_RD)), until(c, POLLERR | POLLHUP), events("the listener shut", c), show(recv(c, b, 16, 0)), show(accept(l, NULL, NULL)), show(listen(l, 8)), c = client(l), d = must(accept(l, NULL, NULL)), show(write(c, "again", 5)), show(recv(d, b, 16, 0));
	struct sockaddr_in a = in4(LO, port(l));
	pid_t p = spawn(show(accept(l, NULL, NULL)));
	asleep(p), must(shutdown(l, SHUT_RD)), quiet(p), show(err(connect(must(socket(AF_INET, SOCK_STREAM, 0)), SA(a))) == ECONNREFUSED);
	return 0;
}
