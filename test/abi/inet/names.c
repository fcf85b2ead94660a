// getsockname(2) and getpeername(2) in all states, of both versions, what fits in short buffers, addresses that accept and recvfrom fill in.
#include "net.h"
static void text(const void *p, char *b) {
	const struct sockaddr_in *a = p;
	const struct sockaddr_in6 *a6 = p;
	char t[64];
	if (a->sin_family == AF_INET) sprintf(b, "%s port %s", inet_ntop(AF_INET, &a->sin_addr, t, 64), a->sin_port ? "some" : "none");
	else if (a->sin_family == AF_INET6) sprintf(b, "%s port %s scope %u flow %u", inet_ntop(AF_INET6, &a6->sin6_addr, t, 64), a6->sin6_port ? "some" : "none", a6->sin6_scope_id, a6->sin6_flowinfo);
	else sprintf(b, "family %d", a->sin_family);
}
static void both(const char *what, int s) {
	struct sockaddr_storage a;
	char b[128];
	socklen_t n = sizeof a;
	int e = err(getsockname(s, (struct sockaddr *)&a, &n));
	text(&a, b), fact("%s: own %s, %u bytes", what, e ? ename(e) : b, n), n = sizeof a;
	e = err(getpeername(s, (struct sockaddr *)&a, &n)), text(&a, b), fact("  peer %s", e ? ename(e) : b);
}
static void ended(int s) {
	while (tcpstate(s) != TCP_CLOSE) usleep(500);
}

int main(void) {
	signal(SIGPIPE, SIG_IGN);
	for (int v6 = 0; v6 < 3; v6++) { // 2: mapped
		int l = must(socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0)), c = must(socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0)), d;
		both("new", l);
		struct sockaddr_storage a = {0}, from;
		socklen_t n = v6 ? 28 : 16, k;
		if (v6) { struct sockaddr_in6 x = in6("::", 0); memcpy(&a, &x, 28); } else { struct sockaddr_in x = in4(0, 0); memcpy(&a, &x, 16); }
		must(bind(l, (void *)&a, n)), both("bound", l), must(listen(l, 3)), both("listening", l);
		if (v6) { struct sockaddr_in6 x = in6(v6 == 1 ? "::1" : "::ffff:127.0.0.5", port(l)); memcpy(&a, &x, 28); } else { struct sockaddr_in x = in4(LO + 4, port(l)); memcpy(&a, &x, 16); }
		must(connect(c, (void *)&a, n)), both("connected", c), k = sizeof from, d = must(accept(l, (void *)&from, &k));
		char t[128];
		text(&from, t), fact("accept: %s, %u bytes", t, k), both("accepted", d);
		must(shutdown(c, SHUT_WR)), until(d, POLLIN), both("half closed", c), both("its peer", d), must(shutdown(c, SHUT_RD)), both("shut", c);
		must(shutdown(d, SHUT_RDWR)), ended(c), ended(d), both("both ends", c), both("the last", d), must(close(d)), both("the peer closed", c), must(close(c)), must(shutdown(l, SHUT_RDWR)), both("listener shut", l), must(close(l));
		c = must(socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0)), fact("refused: %s", ename(err(connect(c, (void *)&a, n)))), both("after", c);
		c = must(socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0)), both("datagram", c), must(connect(c, (void *)&a, n)), both("connected", c), must(connect(c, (void *)&(struct sockaddr){AF_UNSPEC}, 16)), both("disconnected", c), must(sendto(c, "x", 1, 0, (void *)&a, n)), both("sent", c);
	}
	int l = listener(3), c, d;
	conn(l, &c, &d);
	unsigned char b[64];
	for (int room = 0; room <= 20; room += 5) {
		memset(b, 0xee, sizeof b);
		socklen_t n = room;
		int e = err(getsockname(c, (void *)b, &n)), kept = 0;
		while (kept < 64 && b[63 - kept] == 0xee) kept++;
		fact("room %d: %s, length %u, written %d", room, ename(e), n, 64 - kept);
	}
	socklen_t n = -1;
	show(getsockname(c, (void *)b, &n)), n = 16, show(getsockname(c, NULL, &n)), show(getsockname(c, (void *)b, NULL)), n = 0, show(getpeername(c, NULL, &n)), fact("%u", n);
	n = 4, show(accept4(l, (void *)b, &n, 0x40)), n = -1;
	struct sockaddr_in a = in4(LO, port(l));
	int e = must(socket(AF_INET, SOCK_STREAM, 0));
	must(connect(e, SA(a))), until(l, POLLIN), fact("accept with a length below 0: %s", ename(err(accept(l, (void *)b, &n)))), n = 3;
	e = must(socket(AF_INET, SOCK_STREAM, 0)), must(connect(e, SA(a))), until(l, POLLIN), fact("accept with room for 3: %s, %u", err(accept(l, (void *)b, &n)) ? "error" : "ok", n);
	n = 64, must(write(c, "x", 1)), memset(b, 0xee, sizeof b), fact("recvfrom on a connection: %zd, length %u, touched %d", recvfrom(d, b + 32, 8, 0, (void *)b, &n), n, b[0] != 0xee);
	return 0;
}
