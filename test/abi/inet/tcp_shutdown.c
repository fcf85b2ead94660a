// The ends of a connection: every order of shutdown and close, the states they lead to, what poll shows.
#include "net.h"

int main(void) {
	signal(SIGPIPE, SIG_IGN);
	int l = listener(5), c, d;
	char b[16];
	conn(l, &c, &d), fact("states %d %d", tcpstate(c), tcpstate(d)), events("established", c);
	show(shutdown(c, SHUT_WR)), until(d, POLLIN), fact("state %d", tcpstate(d)), events("c", c), events("d", d), show(read(d, b, 16)), show(write(c, "x", 1)), show(write(d, "still", 5)), show(read(c, b, 16));
	show(shutdown(c, SHUT_WR)), show(shutdown(d, SHUT_WR)), until(c, POLLIN), events("c", c), events("d", d), fact("d %d", tcpstate(d)), show(read(c, b, 16)), show(write(d, "x", 1)), show(shutdown(d, SHUT_WR)), show(getpeername(d, (struct sockaddr *)b, &(socklen_t){16}));
	must(close(c)), must(close(d));
	conn(l, &c, &d), show(shutdown(c, SHUT_RD)), events("c", c), events("d", d), show(read(c, b, 16)), show(write(d, "late", 4)), usleep(2000), show(read(c, b, 16)), show(read(c, b, 16)), show(write(c, "x", 1)), show(read(d, b, 16)), must(close(c)), must(close(d));
	conn(l, &c, &d), show(write(c, "bye", 3)), show(shutdown(c, SHUT_RDWR)), until(d, POLLIN), events("c", c), events("d", d), show(read(d, b, 16)), show(read(d, b, 16)), must(close(d)), must(close(c));
	conn(l, &c, &d), show(write(c, "bye", 3)), must(close(c)), until(d, POLLRDHUP), events("d", d), fact("d %d", tcpstate(d)), show(read(d, b, 1)), events("d", d), show(read(d, b, 16)), show(read(d, b, 16)), show(write(d, "x", 1)), usleep(5000), show(write(d, "x", 1)), events("d", d), show(opt(d, SOL_SOCKET, SO_ERROR)), show(read(d, b, 16)), must(close(d));
	show(shutdown(l, SHUT_WR)), events("l", l), conn(l, &c, &d), must(close(c)), must(close(d)), show(shutdown(l, SHUT_RD)), events("l", l), show(accept(l, NULL, NULL)), show(opt(l, SOL_SOCKET, SO_ACCEPTCONN)), show(listen(l, 1)), conn(l, &c, &d);
	show(shutdown(c, 3)), show(shutdown(must(socket(AF_INET, SOCK_STREAM, 0)), SHUT_RD));
	return 0;
}
