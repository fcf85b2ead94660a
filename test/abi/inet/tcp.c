// TCP over the loopback: connect, accept, names, shutdown, reset, refusal, ports in use, options.
#include "../oracle.h"
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
static struct sockaddr_in at(int port) { return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}; }
#define SA(a) (struct sockaddr *)&(a), sizeof(a)

int main(void) {
	int l = must(socket(AF_INET, SOCK_STREAM, 0)), c = must(socket(AF_INET, SOCK_STREAM, 0)), one = 1;
	signal(SIGPIPE, SIG_IGN);
	struct sockaddr_in a = at(0), b, none = at(1);
	socklen_t n = sizeof b;
	char buf[64] = {0};
	show(connect(c, SA(none))), show(bind(l, SA(a))), show(getsockname(l, (struct sockaddr *)&a, &n)), yes(a.sin_port != 0 && ntohl(a.sin_addr.s_addr) == INADDR_LOOPBACK), show(listen(l, 5));
	c = must(socket(AF_INET, SOCK_STREAM, 0)), show(connect(c, SA(a))), n = sizeof b;
	int d = must(accept(l, (struct sockaddr *)&b, &n));
	struct sockaddr_in mine;
	n = sizeof mine, must(getsockname(c, (struct sockaddr *)&mine, &n)), yes(mine.sin_port == b.sin_port), n = sizeof b, must(getpeername(c, (struct sockaddr *)&b, &n)), yes(b.sin_port == a.sin_port);
	show(connect(c, SA(a))), show(write(c, "hello", 5)), show(recv(d, buf, 64, MSG_PEEK)), show(read(d, buf, 64)), fact("%s", buf), show(recv(d, buf, 64, MSG_DONTWAIT));
	show(send(d, "answer", 6, 0)), show(recv(c, buf, 6, MSG_WAITALL)), show(shutdown(c, SHUT_WR)), show(read(d, buf, 64)), show(write(c, "x", 1) < 0 ? errno == EPIPE : 0);
	show(write(d, "half open", 9)), show(read(c, buf, 64)), must(close(d)), show(read(c, buf, 64)), must(close(c));
	c = must(socket(AF_INET, SOCK_STREAM, 0)), must(connect(c, SA(a))), d = must(accept(l, NULL, NULL));
	struct linger lg = {1, 0};
	must(setsockopt(d, SOL_SOCKET, SO_LINGER, &lg, sizeof lg)), must(close(d)); // a reset
	struct pollfd p = {c, POLLIN};
	must(poll(&p, 1, 5000)), fact("poll %#x", p.revents), show(read(c, buf, 64)), show(read(c, buf, 64));
	int e;
	n = sizeof e, must(getsockopt(c, SOL_SOCKET, SO_ERROR, &e, &n)), fact("%s", ename(e));
	int o = must(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	show(bind(o, SA(a))), show(listen(o, 1)), show(accept(o, NULL, NULL));
	show(setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &one, 4)), n = 4, e = 0, show(getsockopt(c, IPPROTO_TCP, TCP_NODELAY, &e, &n)), show(e), show(getsockopt(l, SOL_SOCKET, SO_ACCEPTCONN, &e, &n)), show(e), show(setsockopt(l, IPPROTO_TCP, 9999, &one, 4)), show(getsockopt(l, SOL_SOCKET, SO_PROTOCOL, &e, &n)), show(e);
	int nb = must(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	int r = err(connect(nb, SA(a)));
	fact("non-blocking: %s", r == 0 || r == EINPROGRESS ? "begins" : ename(r)), p = (struct pollfd){nb, POLLOUT}, must(poll(&p, 1, 5000)), fact("poll %#x", p.revents), n = 4, must(getsockopt(nb, SOL_SOCKET, SO_ERROR, &e, &n)), show(e), d = must(accept(l, NULL, NULL));
	static char big[1 << 20];
	pid_t pid = spawn(close(nb); size_t got = 0; ssize_t k; while ((k = read(d, big, sizeof big)) > 0) got += k; fact("child: %zu bytes", got));
	must(fcntl(nb, F_SETFL, 0)), must(close(d));
	size_t sent = 0;
	while (sent < 4 << 20)
		sent += must(write(nb, big, 100000 < (4 << 20) - sent ? 100000 : (4 << 20) - sent));
	must(close(nb)), quiet(pid);
	none.sin_family = AF_INET6, show(connect(must(socket(AF_INET, SOCK_STREAM, 0)), SA(none))), show(connect(must(socket(AF_INET, SOCK_STREAM, 0)), (struct sockaddr *)&a, 4)), show(bind(must(socket(AF_INET, SOCK_STREAM, 0)), (struct sockaddr *)&(struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x08080808)}, 16)), show(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP)), show(socket(AF_INET, 99, 0));
	return 0;
}
