// Resets: by lingering for no time, by closing with data unread, of connections nobody accepted; SIGPIPE.
#include "net.h"
static int pipes;
static void broken(int n) { pipes++; }

int main(void) {
	on(SIGPIPE, broken, 0);
	int l = listener(5), c, d;
	char b[16];
	struct linger lg = {1, 0};
	conn(l, &c, &d), must(write(d, "unread", 6)), until(c, POLLIN), must(close(c)), until(d, POLLHUP), events("unread", d), show(write(d, "x", 1)), show(write(d, "x", 1)), show(pipes), show(send(d, "x", 1, MSG_NOSIGNAL)), show(pipes), show(read(d, b, 16)), must(close(d));
	conn(l, &c, &d), must(setsockopt(c, SOL_SOCKET, SO_LINGER, &lg, sizeof lg)), must(write(c, "data", 4)), must(close(c)), until(d, POLLHUP), show(read(d, b, 2)), events("linger", d), show(read(d, b, 16)), show(read(d, b, 16)), show(read(d, b, 16)), show(write(d, "x", 1)), must(close(d));
	conn(l, &c, &d), must(shutdown(d, SHUT_WR)), until(c, POLLIN), must(setsockopt(d, SOL_SOCKET, SO_LINGER, &lg, sizeof lg)), must(close(d)), until(c, POLLHUP), show(opt(c, SOL_SOCKET, SO_ERROR)), show(read(c, b, 16)), must(close(c));
	c = must(socket(AF_INET, SOCK_STREAM, 0));
	struct sockaddr_in a = in4(LO, port(l));
	must(connect(c, SA(a))), must(close(l)), until(c, POLLHUP), events("not accepted", c), show(read(c, b, 16)), show(connect(must(socket(AF_INET, SOCK_STREAM, 0)), SA(a)));
	l = listener(5), a = in4(LO, port(l)), c = must(socket(AF_INET, SOCK_STREAM, 0)), must(connect(c, SA(a))), must(setsockopt(c, SOL_SOCKET, SO_LINGER, &lg, sizeof lg)), must(close(c)), usleep(5000);
	until(l, POLLIN), d = must(accept(l, NULL, NULL)), events("gone before accept", d), show(getpeername(d, (struct sockaddr *)b, &(socklen_t){16})), show(read(d, b, 16));
	show(send(must(socket(AF_INET, SOCK_STREAM, 0)), "x", 1, 0)), show(pipes), show(send(must(socket(AF_INET, SOCK_STREAM, 0)), "x", 1, MSG_NOSIGNAL)), show(pipes);
	return 0;
}
