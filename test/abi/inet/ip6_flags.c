// Options at IPPROTO_IPV6 of both types: flags, numbers at their edges, lengths, what comes back; options of IPv4 on these sockets, and theirs on sockets of IPv4.
#include "net.h"
#include <linux/in6.h>
static void try(int s, int name, const char *text) {
	char line[300] = "";
	snprintf(line, sizeof line, " first %d", opt(s, SOL_IPV6, name));
	for (const int *w = (int[]){1, 3, -1, -2, 255, 256, 0, 99}; *w != 99; w++) {
		int e = err(set(s, SOL_IPV6, name, *w));
		snprintf(line + strlen(line), 40, "; %d: %s %d", *w, ename(e), opt(s, SOL_IPV6, name));
	}
	fact("%s:%s", text, line);
	int v = 1;
	char lengths[200] = "";
	for (int n = 0; n < 9; n += 2) snprintf(lengths + strlen(lengths), 24, " %d:%s", n, ename(err(setsockopt(s, SOL_IPV6, name, (int[3]){v}, n))));
	for (int n = 0; n < 9; n += 2) {
		socklen_t room = n;
		int e = err(getsockopt(s, SOL_IPV6, name, (int[3]){0}, &room));
		snprintf(lengths + strlen(lengths), 24, " get %d:%s %d", n, ename(e), e ? 0 : room);
	}
	fact(" %s", lengths), set(s, SOL_IPV6, name, 0);
}
#define TRY(name) try(s, name, #name)

int main(void) {
	for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
		int s = must(socket(AF_INET6, type, 0)), four = must(socket(AF_INET, type, 0));
		fact("type %d", type);
		TRY(IPV6_RECVPKTINFO), TRY(IPV6_RECVHOPLIMIT), TRY(IPV6_RECVTCLASS), TRY(IPV6_RECVHOPOPTS), TRY(IPV6_RECVDSTOPTS), TRY(IPV6_RECVRTHDR), TRY(IPV6_RECVERR), TRY(IPV6_RECVPATHMTU), TRY(IPV6_RECVORIGDSTADDR);
		TRY(IPV6_DONTFRAG), TRY(IPV6_MTU_DISCOVER), TRY(IPV6_UNICAST_HOPS), TRY(IPV6_TCLASS), TRY(IPV6_MINHOPCOUNT), TRY(IPV6_MULTICAST_ALL), TRY(IPV6_MULTICAST_LOOP), TRY(IPV6_FLOWINFO_SEND), TRY(IPV6_AUTOFLOWLABEL), TRY(IPV6_V6ONLY);
		ok(set(s, SOL_IPV6, IPV6_UNICAST_IF, htonl(1))), show(ntohl(opt(s, SOL_IPV6, IPV6_UNICAST_IF))), ok(set(s, SOL_IPV6, IPV6_UNICAST_IF, htonl(9999))), ok(set(s, SOL_IPV6, IPV6_UNICAST_IF, 0));
		ok(set(s, SOL_IPV6, IPV6_MULTICAST_IF, 9999)), show(opt(s, SOL_IPV6, IPV6_MULTICAST_IF)), ok(set(s, SOL_IPV6, 999, 1)), ok(opt(s, SOL_IPV6, 999)), ok(set(s, SOL_IPV6, IPV6_MTU, 1000)), ok(set(s, SOL_IPV6, IPV6_MTU, 1280));
		ok(set(s, SOL_IP, IP_TTL, 9)), show(opt(s, SOL_IP, IP_TTL)), ok(set(s, SOL_IP, IP_TOS, 8)), show(opt(s, SOL_IP, IP_TOS)), show(opt(s, SOL_IPV6, IPV6_TCLASS)), ok(set(s, SOL_IP, IP_PKTINFO, 1)), show(opt(s, SOL_IP, IP_PKTINFO));
		ok(set(four, SOL_IPV6, IPV6_UNICAST_HOPS, 9)), ok(opt(four, SOL_IPV6, IPV6_UNICAST_HOPS)), ok(set(four, SOL_IPV6, IPV6_RECVPKTINFO, 1)), ok(opt(four, SOL_IPV6, IPV6_TCLASS));
		struct sockaddr_in6 a = in6("::1", 0);
		must(bind(s, SA(a))), ok(set(s, SOL_IPV6, IPV6_V6ONLY, 1)), close(s), close(four);
	}
	return 0;
}
