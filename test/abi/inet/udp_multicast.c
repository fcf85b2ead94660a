// Groups on the loopback: memberships, who hears, IP_MULTICAST_ALL, sources; IPv6.
#include "net.h"
#define GROUP 0xe8010203

int main(void) {
	int r = must(socket(AF_INET, SOCK_DGRAM, 0)), q = must(socket(AF_INET, SOCK_DGRAM, 0)), s = must(socket(AF_INET, SOCK_DGRAM, 0));
	struct sockaddr_in a = in4(0, 0);
	char b[16];
	must(set(r, SOL_SOCKET, SO_REUSEADDR, 1)), must(set(q, SOL_SOCKET, SO_REUSEADDR, 1)), must(bind(r, SA(a))), a = in4(0, port(r)), must(bind(q, SA(a)));
	struct sockaddr_in g = in4(GROUP, port(r));
	struct ip_mreqn m = {{htonl(GROUP)}, {0}, 1};
	show(sendto(s, "x", 1, 0, SA(g))), show(opt(s, SOL_IP, IP_MULTICAST_TTL)), show(opt(s, SOL_IP, IP_MULTICAST_LOOP)), show(opt(s, SOL_IP, IP_MULTICAST_ALL));
	show(setsockopt(s, SOL_IP, IP_MULTICAST_IF, &(struct in_addr){htonl(LO)}, 4)), show(setsockopt(s, SOL_IP, IP_MULTICAST_IF, &(struct in_addr){htonl(0x08080808)}, 4)), show(sendto(s, "nobody", 6, 0, SA(g))), show(recv(r, b, 16, MSG_DONTWAIT));
	show(setsockopt(r, SOL_IP, IP_ADD_MEMBERSHIP, &m, sizeof m)), show(setsockopt(r, SOL_IP, IP_ADD_MEMBERSHIP, &m, sizeof m)), show(sendto(s, "one", 3, 0, SA(g))), until(r, POLLIN), show(recv(r, b, 16, MSG_DONTWAIT)), usleep(2000), show(recv(q, b, 16, MSG_DONTWAIT)), must(set(q, SOL_IP, IP_MULTICAST_ALL, 0)), show(sendto(s, "two", 3, 0, SA(g))), until(r, POLLIN), show(recv(r, b, 16, MSG_DONTWAIT)), usleep(2000), show(recv(q, b, 16, MSG_DONTWAIT));
	m.imr_ifindex = 99, show(setsockopt(r, SOL_IP, IP_ADD_MEMBERSHIP, &m, sizeof m)), m.imr_ifindex = 1, m.imr_multiaddr.s_addr = htonl(LO), show(setsockopt(r, SOL_IP, IP_ADD_MEMBERSHIP, &m, sizeof m)), m.imr_multiaddr.s_addr = htonl(GROUP), show(setsockopt(r, SOL_IP, IP_ADD_MEMBERSHIP, &m, 4)), show(setsockopt(r, SOL_IP, IP_DROP_MEMBERSHIP, &m, sizeof m)), show(setsockopt(r, SOL_IP, IP_DROP_MEMBERSHIP, &m, sizeof m)), show(sendto(s, "gone", 4, 0, SA(g))), usleep(2000), show(recv(r, b, 16, MSG_DONTWAIT));
	struct ip_mreq_source ms = {{htonl(GROUP)}, {htonl(LO)}, {htonl(LO)}};
	show(setsockopt(r, SOL_IP, IP_ADD_SOURCE_MEMBERSHIP, &ms, sizeof ms)), show(sendto(s, "source", 6, 0, SA(g))), until(r, POLLIN), show(recv(r, b, 16, MSG_DONTWAIT)), show(setsockopt(r, SOL_IP, IP_DROP_SOURCE_MEMBERSHIP, &ms, sizeof ms)), ms.imr_sourceaddr.s_addr = htonl(0x0a000001), show(setsockopt(r, SOL_IP, IP_ADD_SOURCE_MEMBERSHIP, &ms, sizeof ms)), show(sendto(s, "other", 5, 0, SA(g))), usleep(2000), show(recv(r, b, 16, MSG_DONTWAIT));
	int t = must(socket(AF_INET, SOCK_STREAM, 0));
	show(connect(t, SA(g))), show(setsockopt(s, SOL_IP, IP_MULTICAST_TTL, &(int){256}, 4)), show(setsockopt(s, SOL_IP, IP_MULTICAST_TTL, &(int){-1}, 4)), show(opt(s, SOL_IP, IP_MULTICAST_TTL)), show(bind(must(socket(AF_INET, SOCK_DGRAM, 0)), SA(g)));
	r = must(socket(AF_INET6, SOCK_DGRAM, 0)), s = must(socket(AF_INET6, SOCK_DGRAM, 0));
	struct sockaddr_in6 a6 = in6("::", 0), g6;
	must(bind(r, SA(a6))), g6 = in6("ff02::1234", port(r)), g6.sin6_scope_id = 1;
	struct ipv6_mreq m6 = {g6.sin6_addr, 1};
	show(setsockopt(r, SOL_IPV6, IPV6_ADD_MEMBERSHIP, &m6, sizeof m6)), show(setsockopt(r, SOL_IPV6, IPV6_ADD_MEMBERSHIP, &m6, sizeof m6)), show(sendto(s, "six", 3, 0, SA(g6))), show(setsockopt(r, SOL_IPV6, IPV6_DROP_MEMBERSHIP, &m6, sizeof m6)), show(setsockopt(r, SOL_IPV6, IPV6_DROP_MEMBERSHIP, &m6, sizeof m6)), m6.ipv6mr_interface = 77, show(setsockopt(r, SOL_IPV6, IPV6_ADD_MEMBERSHIP, &m6, sizeof m6)), show(opt(s, SOL_IPV6, IPV6_MULTICAST_HOPS)), show(set(s, SOL_IPV6, IPV6_MULTICAST_IF, 1)), show(opt(s, SOL_IPV6, IPV6_MULTICAST_IF)), show(set(s, SOL_IPV6, IPV6_MULTICAST_IF, 77));
	return 0;
}
