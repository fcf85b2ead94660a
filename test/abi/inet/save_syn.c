// TCP_SAVE_SYN and TCP_SAVED_SYN: the headers of the SYN that a connection was made of, once.
#include "net.h"

static void head(const char *what, int s) {
	unsigned char b[256];
	socklen_t n = 4;
	memset(b, 0xee, sizeof b);
	int e = err(getsockopt(s, SOL_TCP, TCP_SAVED_SYN, b, &n));
	fact("%s into 4: %s %u", what, ename(e), n);
	n = sizeof b, e = err(getsockopt(s, SOL_TCP, TCP_SAVED_SYN, b, &n));
	fact("%s: %s %u", what, ename(e), n);
	if (n > sizeof b || !n)
		return;
	unsigned char *p = b;
	if (*p >> 4 != 4 && *p >> 4 != 6) {
		fact(" link %d %d %d type %02x%02x", p[0], p[5], p[6], p[12], p[13]), p += 14;
	}
	if (*p >> 4 == 4) {
		fact(" ip %02x tos %d len %d frag %02x%02x ttl %d proto %d src %d.%d dst %d.%d", p[0], p[1], p[2] << 8 | p[3], p[6], p[7], p[8], p[9], p[12], p[15], p[16], p[19]);
		p += 20;
	} else {
		fact(" ip6 %02x class %d len %d next %d hops %d src %d dst %d", p[0], (p[0] & 15) << 4 | p[1] >> 4, p[4] << 8 | p[5], p[6], p[7], p[23], p[39]);
		p += 40;
	}
	fact(" tcp ports %d ack %d off %02x flags %02x window %d urg %d", p[0] != 0 || p[1] != 0, p[8] | p[9] | p[10] | p[11], p[12], p[13], p[14] << 8 | p[15], p[18] | p[19]);
	for (int i = 20; i < (p[12] >> 4) * 4; i += p[i] > 1 ? p[i + 1] : 1)
		fact("  option %d %d %d", p[i], p[i] > 1 ? p[i + 1] : 0, p[i] == 2 ? p[i + 2] << 8 | p[i + 3] : 0);
	n = sizeof b, e = err(getsockopt(s, SOL_TCP, TCP_SAVED_SYN, b, &n));
	fact("%s again: %s %u", what, ename(e), n);
}

static void six(int how) {
	int l = must(socket(AF_INET6, SOCK_STREAM, 0)), c = must(socket(AF_INET6, SOCK_STREAM, 0)), d;
	struct sockaddr_in6 a = in6("::1", 0);
	must(bind(l, SA(a))), must(listen(l, 2)), must(set(l, SOL_TCP, TCP_SAVE_SYN, how));
	a = in6("::1", port(l)), must(set(c, SOL_IPV6, IPV6_TCLASS, 0x20)), must(connect(c, SA(a)));
	d = must(accept(l, NULL, NULL)), head("v6", d), head("v6 connector", c);
	close(l), close(c), close(d);
}

int main(void) {
	int l = listener(5), c, d;
	const int values[] = {-1, 0, 1, 2, 3};
	for (unsigned i = 0; i < COUNT(values); i++)
		fact("save %d: %s %d", values[i], ename(err(set(l, SOL_TCP, TCP_SAVE_SYN, values[i]))), opt(l, SOL_TCP, TCP_SAVE_SYN));
	show(set(l, SOL_TCP, TCP_SAVED_SYN, 1)), head("listener", l);
	for (int how = 0; how < 3; how++) {
		must(set(l, SOL_TCP, TCP_SAVE_SYN, how));
		conn(l, &c, &d), fact("how %d: %d %d", how, opt(c, SOL_TCP, TCP_SAVE_SYN), opt(d, SOL_TCP, TCP_SAVE_SYN)), head("accepted", d), head("connector", c);
		close(c), close(d);
	}
	must(set(l, SOL_TCP, TCP_SAVE_SYN, 1)), c = must(socket(AF_INET, SOCK_STREAM, 0));
	struct sockaddr_in a = in4(LO, port(l));
	must(set(c, SOL_IP, IP_TOS, 0x48)), must(set(c, SOL_IP, IP_TTL, 7)), must(set(c, SOL_TCP, TCP_MAXSEG, 1000)), must(connect(c, SA(a)));
	must(set(l, SOL_TCP, TCP_SAVE_SYN, 0)), d = must(accept(l, NULL, NULL)), head("marked", d);
	six(1), six(2);
	return 0;
}
