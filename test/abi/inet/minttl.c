// IP_MINTTL and IPV6_MINHOPCOUNT: TCP does not take segments that have come over too many hops; nothing else looks.
// slow: segments that are not taken are sent again
#include "net.h"
#ifndef IPV6_MINHOPCOUNT
#define IPV6_MINHOPCOUNT 73
#endif

// try4 connects without waiting, and says whether it is there soon.
static void try4(const char *what, int l, int ttl, int *c) {
	struct sockaddr_in a = in4(LO, port(l));
	*c = must(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	must(set(*c, SOL_IP, IP_TTL, ttl));
	int e = err(connect(*c, SA(a)));
	struct pollfd p = {*c, POLLOUT};
	int n = poll(&p, 1, 100);
	fact("%s: %s, %d %d state %d", what, ename(e), n, opt(*c, SOL_SOCKET, SO_ERROR), tcpstate(*c));
}
// data sends a byte; so many come, or none soon.
static void data(const char *what, int from, int to, int comes) {
	struct pollfd p = {to, POLLIN};
	must(send(from, "x", 1, MSG_DONTWAIT));
	int n = poll(&p, 1, comes ? 10000 : 100);
	char b[10];
	fact("%s: %d %ld", what, n, n ? recv(to, b, comes, MSG_WAITALL) : -1);
}
int main(void) {
	int l = listener(5), c, d;
	const int values[] = {-1, 0, 1, 255, 256, 64, 65};
	for (unsigned i = 0; i < COUNT(values); i++) fact("%d: %s %d", values[i], ename(err(set(l, SOL_IP, IP_MINTTL, values[i]))), opt(l, SOL_IP, IP_MINTTL));
	must(set(l, SOL_IP, IP_MINTTL, 100));
	try4("less", l, 99, &c), close(c);
	try4("enough", l, 100, &c), d = must(accept(l, NULL, NULL)), fact("child %d", opt(d, SOL_IP, IP_MINTTL));
	data("c to d", c, d, 1);
	must(set(c, SOL_IP, IP_TTL, 99)), data("c to d less", c, d, 0), data("d to c", d, c, 1);
	must(set(d, SOL_IP, IP_MINTTL, 0)), data("what was lost", c, d, 2);
	close(c), close(d);
	must(set(l, SOL_IP, IP_MINTTL, 0));
	c = must(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	must(set(c, SOL_IP, IP_MINTTL, 65));
	struct sockaddr_in a = in4(LO, port(l));
	show(connect(c, SA(a)));
	struct pollfd p = {c, POLLOUT};
	show(poll(&p, 1, 100)); show(tcpstate(c));
	must(set(c, SOL_IP, IP_MINTTL, 0)), show(poll(&p, 1, 10000)), show(tcpstate(c));
	int u = must(socket(AF_INET, SOCK_DGRAM, 0)), v = must(socket(AF_INET, SOCK_DGRAM, 0));
	a = in4(LO, 0), must(bind(u, SA(a))), a = in4(LO, port(u)), must(set(u, SOL_IP, IP_MINTTL, 100)), must(connect(v, SA(a))), data("udp", v, u, 1);
	int l6 = must(socket(AF_INET6, SOCK_STREAM, 0));
	struct sockaddr_in6 b = in6("::1", 0);
	for (unsigned i = 0; i < COUNT(values); i++) fact("v6 %d: %s %d", values[i], ename(err(set(l6, SOL_IPV6, IPV6_MINHOPCOUNT, values[i]))), opt(l6, SOL_IPV6, IPV6_MINHOPCOUNT));
	must(bind(l6, SA(b))), must(listen(l6, 3)), b = in6("::1", port(l6));
	must(set(l6, SOL_IPV6, IPV6_MINHOPCOUNT, 100)), c = must(socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0)), must(set(c, SOL_IPV6, IPV6_UNICAST_HOPS, 99));
	fact("%s", ename(err(connect(c, SA(b)))));
	p = (struct pollfd){c, POLLOUT};
	show(poll(&p, 1, 100)); show(tcpstate(c)); close(c);
	c = must(socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0)), must(set(c, SOL_IPV6, IPV6_UNICAST_HOPS, 100));
	fact("%s", ename(err(connect(c, SA(b)))));
	p = (struct pollfd){c, POLLOUT}; show(poll(&p, 1, 100)); show(tcpstate(c)), d = must(accept(l6, NULL, NULL));
	data("v6 c to d", c, d, 1), must(set(c, SOL_IPV6, IPV6_UNICAST_HOPS, 99)), data("v6 less", c, d, 0); 
	return 0;
}
