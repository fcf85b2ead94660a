// Options at IPPROTO_IP that are flags or small numbers, on both types: values at the edges, one byte and three, what only raw sockets take; IP_UNICAST_IF, IP_MULTICAST_IF, IP_LOCAL_PORT_RANGE.
#include "net.h"
#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51
#endif
static void try(int s, int name, const char *text) {
	char line[256] = "";
	snprintf(line, sizeof line, " first %d", opt(s, SOL_IP, name));
	for (const int *w = (int[]){1, 3, -1, 255, 256, 0, 99}; *w != 99; w++) {
		int e = err(set(s, SOL_IP, name, *w));
		snprintf(line + strlen(line), 40, "; %d: %s %d", *w, ename(e), opt(s, SOL_IP, name));
	}
	fact("%s:%s", text, line);
	for (int n = 0; n < 5; n++) {
		int v = 0x01010101, e = err(setsockopt(s, SOL_IP, name, &v, n)), got = -1;
		socklen_t room = 4;
		int g = err(getsockopt(s, SOL_IP, name, &got, &room));
		fact("  %d bytes: %s, then %s %d of %u", n, ename(e), ename(g), g ? 0 : got, g ? 0 : room);
	}
	set(s, SOL_IP, name, 0);
}
#define TRY(name) try(s, name, #name)
static void range(int s, unsigned low, unsigned high) {
	unsigned v = high << 16 | low;
	int e = err(setsockopt(s, SOL_IP, IP_LOCAL_PORT_RANGE, &v, 4)), got = opt(s, SOL_IP, IP_LOCAL_PORT_RANGE);
	fact("ports %u to %u: %s, %u to %u", low, high, ename(e), got & 0xffff, (unsigned)got >> 16);
}

int main(void) {
	for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
		int s = must(socket(AF_INET, type, 0));
		fact("type %d", type);
		TRY(IP_RECVTTL), TRY(IP_RECVTOS), TRY(IP_RECVOPTS), TRY(IP_RETOPTS), TRY(IP_RECVORIGDSTADDR), TRY(IP_RECVERR), TRY(IP_MULTICAST_ALL), TRY(IP_MULTICAST_LOOP), TRY(IP_MULTICAST_TTL), TRY(IP_PKTINFO);
		ok(set(s, SOL_IP, IP_NODEFRAG, 1)), ok(set(s, SOL_IP, IP_ROUTER_ALERT, 1)), ok(set(s, SOL_IP, IP_MTU, 1500)), ok(set(s, SOL_IP, 0, 1)), ok(set(s, SOL_IP, -1, 1)), ok(set(s, SOL_IP, 1000, 1)), ok(opt(s, SOL_IP, 1000));
		for (const int *tos = (int[]){0, 1, 2, 3, 4, 8, 0x10, 0x10, 0x18, 0x1f, 0xe0, 0xff, 0x100, -1, 999}; *tos != 999; tos++) {
			int e = err(set(s, SOL_IP, IP_TOS, *tos));
			fact("TOS %d: %s, %d, priority %d", *tos, ename(e), opt(s, SOL_IP, IP_TOS), opt(s, SOL_SOCKET, SO_PRIORITY));
		}
		show(set(s, SOL_IP, IP_TTL, -1)), show(opt(s, SOL_IP, IP_TTL) > 0), show(set(s, SOL_IP, IP_TTL, -2)), show(set(s, SOL_IP, IP_TTL, 255)), show(opt(s, SOL_IP, IP_TTL)), show(set(s, SOL_IP, IP_TTL, 0));
		struct in_addr out;
		struct ip_mreqn m = {.imr_ifindex = 1};
		socklen_t n = sizeof out;
		show(getsockopt(s, SOL_IP, IP_MULTICAST_IF, &out, &n)), fact("%#x, %u", ntohl(out.s_addr), n), (void)(type == SOCK_DGRAM && (ok(setsockopt(s, SOL_IP, IP_MULTICAST_IF, &m, sizeof m)), ok(setsockopt(s, SOL_IP, IP_MULTICAST_IF, &m, 3)), m.imr_ifindex = 9999, ok(setsockopt(s, SOL_IP, IP_MULTICAST_IF, &m, sizeof m)), out.s_addr = htonl(0x0a090807), ok(setsockopt(s, SOL_IP, IP_MULTICAST_IF, &out, 4)), out.s_addr = 0, ok(setsockopt(s, SOL_IP, IP_MULTICAST_IF, &out, 4))));
		ok(set(s, SOL_IP, IP_UNICAST_IF, htonl(1))), show(ntohl(opt(s, SOL_IP, IP_UNICAST_IF))), ok(set(s, SOL_IP, IP_UNICAST_IF, htonl(9999))), ok(setsockopt(s, SOL_IP, IP_UNICAST_IF, &m, 3)), ok(set(s, SOL_IP, IP_UNICAST_IF, 0)), show(opt(s, SOL_IP, IP_UNICAST_IF));
		range(s, 0, 0), range(s, 40000, 40000), range(s, 40001, 40000), range(s, 0, 50000), range(s, 60000, 0), range(s, 41000, 41999), ok(setsockopt(s, SOL_IP, IP_LOCAL_PORT_RANGE, &n, 2));
		close(s);
	}
	return 0;
}
