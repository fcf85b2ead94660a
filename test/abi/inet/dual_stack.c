// Sockets of IPv6 that speak IPv4, too: addresses in both forms, IPV6_V6ONLY, datagrams to both.
#include "net.h"
static void name(const char *what, int s, int peer) {
	struct sockaddr_in6 a = {0};
	socklen_t n = sizeof a;
	char t[64] = "";
	if (peer ? getpeername(s, (struct sockaddr *)&a, &n) : getsockname(s, (struct sockaddr *)&a, &n)) { fact("%s: %s", what, ename(errno)); return; }
	inet_ntop(a.sin6_family, a.sin6_family == AF_INET ? (void *)&((struct sockaddr_in *)&a)->sin_addr : (void *)&a.sin6_addr, t, 64);
	fact("%s: family %d %s %u", what, a.sin6_family, t, n);
}

int main(void) {
	int l = must(socket(AF_INET6, SOCK_STREAM, 0)), c, d;
	struct sockaddr_in6 any = in6("::", 0), lo = in6("::1", 0), mapped = in6("::ffff:127.0.0.1", 0);
	must(bind(l, SA(any))), must(listen(l, 5)), name("listener", l, 0);
	struct sockaddr_in a4 = in4(LO, port(l));
	c = must(socket(AF_INET, SOCK_STREAM, 0)), show(connect(c, SA(a4))), d = must(accept(l, NULL, NULL)), name("v4 client", c, 0), name("seen", d, 1), name("own", d, 0);
	mapped.sin6_port = lo.sin6_port = htons(port(l)), c = must(socket(AF_INET6, SOCK_STREAM, 0)), show(connect(c, SA(mapped))), d = must(accept(l, NULL, NULL)), name("mapped client", c, 0), name("seen", d, 1);
	c = must(socket(AF_INET6, SOCK_STREAM, 0)), show(connect(c, SA(lo))), d = must(accept(l, NULL, NULL)), name("v6 client", c, 0), name("seen", d, 1), any.sin6_port = htons(port(l)), c = must(socket(AF_INET6, SOCK_STREAM, 0)), show(connect(c, SA(any))), name("to any", c, 1);
	show(set(l, SOL_IPV6, IPV6_V6ONLY, 1)), c = must(socket(AF_INET6, SOCK_STREAM, 0)), show(opt(c, SOL_IPV6, IPV6_V6ONLY)), show(set(c, SOL_IPV6, IPV6_V6ONLY, 1)), show(connect(c, SA(mapped))), mapped.sin6_port = 0, show(bind(c, SA(mapped))), any.sin6_port = 0, show(bind(c, SA(any))), show(listen(c, 1)), a4 = in4(LO, port(c)), show(connect(must(socket(AF_INET, SOCK_STREAM, 0)), SA(a4))), a4 = in4(0, port(c)), show(bind(must(socket(AF_INET, SOCK_STREAM, 0)), SA(a4)));
	show(connect(must(socket(AF_INET6, SOCK_STREAM, 0)), SA(a4))), show(bind(must(socket(AF_INET6, SOCK_STREAM, 0)), SA(a4))), show(bind(must(socket(AF_INET6, SOCK_STREAM, 0)), (struct sockaddr *)&any, 16)), show(bind(must(socket(AF_INET6, SOCK_STREAM, 0)), (struct sockaddr *)&any, 24)), show(connect(must(socket(AF_INET, SOCK_STREAM, 0)), SA(lo)));
	int u = must(socket(AF_INET6, SOCK_DGRAM, 0)), v = must(socket(AF_INET, SOCK_DGRAM, 0)), w = must(socket(AF_INET6, SOCK_DGRAM, 0));
	char b[16];
	struct sockaddr_in6 from;
	socklen_t n = sizeof from;
	must(bind(u, SA(any))), a4 = in4(LO, port(u)), mapped.sin6_port = lo.sin6_port = htons(port(u));
	show(sendto(v, "4", 1, 0, SA(a4))), show(recvfrom(u, b, 16, 0, (struct sockaddr *)&from, &n)), fact("mapped %d %u", IN6_IS_ADDR_V4MAPPED(&from.sin6_addr), n);
	show(sendto(u, "back", 4, 0, SA(from))), show(recv(v, b, 16, 0)), show(sendto(w, "m", 1, 0, SA(mapped))), show(recv(u, b, 16, 0)), show(sendto(w, "4", 1, 0, SA(a4))), show(recv(u, b, 16, 0)), show(sendto(w, "6", 1, 0, SA(lo))), n = sizeof from, show(recvfrom(u, b, 16, 0, (struct sockaddr *)&from, &n)), fact("mapped %d", IN6_IS_ADDR_V4MAPPED(&from.sin6_addr));
	show(connect(w, SA(a4))), name("datagrams", w, 0), name("to", w, 1), show(connect(w, SA(lo))), name("then", w, 0), show(sendto(v, "6", 1, 0, SA(lo))), show(sendto(u, "x", 1, 0, (struct sockaddr *)&lo, 20));
	return 0;
}
