// Options at SOL_SOCKET, IPPROTO_IP and IPPROTO_IPV6 of TCP and UDP sockets: first values, what can be set, lengths.
#include "net.h"
#include <net/if.h>
static void try(int s, int level, int name, const char *text) {
	fact("%s %d", text, opt(s, level, name));
	for (const int *w = (int[]){-1, 0, 1, 2, 64, 255, 256, 99}; *w != 99; w++) {
		int e = err(set(s, level, name, *w));
		fact("  %d: %s %d", *w, e ? ename(e) : "ok", opt(s, level, name));
	}
}
#define each(level, name) try(s, level, name, #name)

int main(void) {
	for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
		int s = must(socket(AF_INET, type, 0));
		fact("type %d", type);
		each(SOL_SOCKET, SO_REUSEADDR), each(SOL_SOCKET, SO_REUSEPORT), each(SOL_SOCKET, SO_KEEPALIVE), each(SOL_SOCKET, SO_BROADCAST), each(SOL_SOCKET, SO_OOBINLINE), each(SOL_SOCKET, SO_DONTROUTE), each(SOL_SOCKET, SO_PRIORITY), each(SOL_SOCKET, SO_MARK);
		fact("%d %d %d %d %d", opt(s, SOL_SOCKET, SO_TYPE), opt(s, SOL_SOCKET, SO_DOMAIN), opt(s, SOL_SOCKET, SO_PROTOCOL), opt(s, SOL_SOCKET, SO_SNDBUF), opt(s, SOL_SOCKET, SO_RCVBUF));
		must(set(s, SOL_SOCKET, SO_SNDBUF, 10000)), must(set(s, SOL_SOCKET, SO_RCVBUF, 1)), fact("%d %d", opt(s, SOL_SOCKET, SO_SNDBUF), opt(s, SOL_SOCKET, SO_RCVBUF));
		each(SOL_IP, IP_TTL), each(SOL_IP, IP_TOS), each(SOL_IP, IP_MTU_DISCOVER), each(SOL_IP, IP_MULTICAST_TTL), each(SOL_IP, IP_MULTICAST_LOOP), each(SOL_IP, IP_PKTINFO), each(SOL_IP, IP_RECVERR), each(SOL_IP, IP_FREEBIND), each(SOL_IP, IP_MINTTL), each(SOL_IP, IP_HDRINCL), each(SOL_IP, IP_BIND_ADDRESS_NO_PORT);
		unsigned char c = 7;
		socklen_t n = 1;
		show(setsockopt(s, SOL_IP, IP_TTL, &c, 1)), c = 0, show(getsockopt(s, SOL_IP, IP_TTL, &c, &n)), fact("%d %u", c, n), show(setsockopt(s, SOL_IP, IP_TTL, &c, 0)), show(setsockopt(s, SOL_IPV6, IPV6_V6ONLY, &n, 4)), show(opt(s, SOL_IPV6, IPV6_V6ONLY)), show(opt(s, SOL_IP, IP_MTU));
		char name[IFNAMSIZ] = "";
		n = IFNAMSIZ, show(setsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3)), show(getsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, name, &n)), fact("%s %u", name, n), show(setsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, "none", 5)), show(setsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, "", 0)), n = IFNAMSIZ, show(getsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, name, &n)), show(n), show(opt(s, SOL_SOCKET, SO_BINDTOIFINDEX));
		s = must(socket(AF_INET6, type, 0));
		each(SOL_IPV6, IPV6_UNICAST_HOPS), each(SOL_IPV6, IPV6_MULTICAST_HOPS), each(SOL_IPV6, IPV6_TCLASS), each(SOL_IPV6, IPV6_RECVPKTINFO), each(SOL_IPV6, IPV6_V6ONLY), each(SOL_IPV6, IPV6_MTU_DISCOVER), each(SOL_IPV6, IPV6_MULTICAST_LOOP), each(SOL_IP, IP_TTL);
		show(opt(s, SOL_IPV6, IPV6_MTU)), show(setsockopt(s, SOL_IPV6, IPV6_V6ONLY, &c, 1));
	}
	return 0;
}
