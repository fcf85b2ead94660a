// IP_LOCAL_PORT_RANGE: ports that are chosen by bind, connect and the first datagram lie in it, as far as it is within the namespace's; what happens when all are taken.
#include "net.h"
#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51
#endif
#define RANGE(lo, hi) ((uint32_t)(hi) << 16 | (lo))
static int sock(int family, int type, uint32_t range) {
	int s = must(socket(family, type, 0));
	must(setsockopt(s, SOL_IP, IP_LOCAL_PORT_RANGE, &range, 4));
	return s;
}
static int within(int p, int lo, int hi) { return p >= lo && p <= hi; }
static int any(int family, int s) {
	struct sockaddr_in a = in4(LO, 0);
	struct sockaddr_in6 b = in6("::1", 0);
	return family == AF_INET ? bind(s, SA(a)) : bind(s, SA(b));
}
// listener_at is one whose port is in no range.
static int listener_at(int port) {
	int s = must(socket(AF_INET, SOCK_STREAM, 0));
	struct sockaddr_in a = in4(LO, port);
	must(bind(s, SA(a))), must(listen(s, 64));
	return s;
}

int main(void) {
	own_loopback();
	int low = 0, high = 0, n = 0, l = listener_at(2000), s[8];
	FILE *f = fopen("/proc/sys/net/ipv4/ip_local_port_range", "r");
	must(f && fscanf(f, "%d %d", &low, &high) == 2 ? 0 : -1), fclose(f);
	fact("the namespace's %s", low < 40000 && high > 45000 ? "is wide enough" : "is too narrow");
	struct sockaddr_in to = in4(LO, port(l));
	for (int six = 0; six < 2; six++)
		for (int udp = 0; udp < 2; udp++) {
			int family = six ? AF_INET6 : AF_INET, type = udp ? SOCK_DGRAM : SOCK_STREAM, in = 0;
			for (int i = 0; i < 20; i++) { int x = sock(family, type, RANGE(40100 + 10 * udp, 40399)); must(any(family, x)), in += within(port(x), 40100 + 10 * udp, 40399), close(x); }
			fact("bind, IPv%d, type %d: %d of 20 in the range", six ? 6 : 4, type, in), in = 0;
			for (int i = 0; i < 20; i++) { int x = sock(family, type, RANGE(40000, 0)); must(any(family, x)), in += within(port(x), 40000, high), close(x); }
			fact("  a lower end only: %d", in), in = 0;
			for (int i = 0; i < 20; i++) { int x = sock(family, type, RANGE(0, 41000)); must(any(family, x)), in += within(port(x), low, 41000), close(x); }
			fact("  an upper end only: %d", in), in = 0;
			for (int i = 0; i < 20; i++) { int x = sock(family, type, RANGE(40, 50)); must(any(family, x)), in += within(port(x), low, high), close(x); }
			fact("  below the namespace's: %d in that", in);
			for (int i = 0; i < 8; i++) must(any(family, s[i] = sock(family, type, RANGE(42000 + 100 * six, 42007 + 100 * six))));
			int x = sock(family, type, RANGE(42000 + 100 * six, 42007 + 100 * six)), y = sock(family, type, 0);
			fact("  the ninth of eight: %s, one without: %s", ename(err(any(family, x))), ename(err(any(family, y)))), close(x), close(y);
			must(setsockopt(s[0], SOL_IP, IP_LOCAL_PORT_RANGE, &(uint32_t){RANGE(43000, 43010)}, 4)), fact("  changed when it is bound: %d", within(port(s[0]), 42000 + 100 * six, 42007 + 100 * six));
			for (int i = 0; i < 8; i++) close(s[i]);
		}
	for (int i = 0; i < 20; i++) { int x = sock(AF_INET, SOCK_STREAM, RANGE(40500, 40799)); must(connect(x, SA(to))), n += within(port(x), 40500, 40799), close(x); }
	fact("connect: %d of 20", n), n = 0;
	for (int i = 0; i < 20; i++) { int x = sock(AF_INET, SOCK_DGRAM, RANGE(40500, 40799)); must(connect(x, SA(to))), n += within(port(x), 40500, 40799), close(x); }
	fact("connect of a datagram socket: %d", n), n = 0;
	for (int i = 0; i < 20; i++) { int x = sock(AF_INET, SOCK_DGRAM, RANGE(40500, 40799)); must(sendto(x, "x", 1, 0, SA(to))), n += within(port(x), 40500, 40799), close(x); }
	fact("a datagram: %d", n), n = 0;
	for (int i = 0; i < 4; i++) s[i] = sock(AF_INET, SOCK_STREAM, RANGE(44000, 44003)), must(connect(s[i], SA(to))), n += within(port(s[i]), 44000, 44003);
	int x = sock(AF_INET, SOCK_STREAM, RANGE(44000, 44003)), other = listener_at(2001);
	struct sockaddr_in there = in4(LO, port(other));
	fact("four connections of four: %d, the fifth: %s", n, ename(err(connect(x, SA(to))))), close(x);
	x = sock(AF_INET, SOCK_STREAM, RANGE(44000, 44003)), must(connect(x, SA(there))), fact("to another listener: %d", within(port(x), 44000, 44003)), close(x);
	x = sock(AF_INET, SOCK_STREAM, RANGE(44000, 44003)), must(set(x, SOL_IP, IP_BIND_ADDRESS_NO_PORT, 1)), must(any(AF_INET, x)), fact("bound without a port: %d", port(x)), fact("  the fifth: %s", ename(err(connect(x, SA(to))))), close(x);
	for (int i = 0; i < 4; i++) close(s[i]);
	int d = sock(AF_INET, SOCK_STREAM, RANGE(44100, 44101)), c = accept(l, NULL, NULL);
	must(listen(d, 1)), fact("listen without a bind: %d", within(port(d), 44100, 44101)), close(d), close(c);
	d = sock(AF_INET, SOCK_STREAM, RANGE(44100, 44199)), must(any(AF_INET, d)), must(listen(d, 1));
	int e = must(socket(AF_INET, SOCK_STREAM, 0));
	struct sockaddr_in at = in4(LO, port(d));
	must(connect(e, SA(at))), c = must(accept(d, NULL, NULL)), fact("an accepted socket has %#x", opt(c, SOL_IP, IP_LOCAL_PORT_RANGE));
	return 0;
}
