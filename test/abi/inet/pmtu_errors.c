// What sockets are told when a router says that a packet is too long, by IP_MTU_DISCOVER and IP_RECVERR, and of IPv6, with
// IPV6_RECVPATHMTU and IPV6_PATHMTU.
#include "../netlink/nl.h"
#include "net.h"
#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/ip6.h>

static int raw4, raw6;
static char big[3000];
// tell forges the error of a router about what from port `from` went to port 9 of the other end.
static void tell(int six, int from, int mtu) {
	struct { union { struct icmphdr i4; struct icmp6_hdr i6; } h; char b[80]; } m = {0};
	uint16_t *ports = (void *)(m.b + (six ? 40 : 20));
	struct ip6_hdr *q6 = (void *)m.b;
	struct iphdr *q = (void *)m.b;
	if (six)
		m.h.i6 = (struct icmp6_hdr){.icmp6_type = ICMP6_PACKET_TOO_BIG, .icmp6_mtu = htonl(mtu)}, q6->ip6_vfc = 0x60, q6->ip6_plen = htons(1400), q6->ip6_nxt = IPPROTO_UDP, q6->ip6_hlim = 9, inet_pton(AF_INET6, "fd00:9::1", &q6->ip6_src), inet_pton(AF_INET6, "fd00:9::2", &q6->ip6_dst);
	else
		m.h.i4 = (struct icmphdr){.type = ICMP_DEST_UNREACH, .code = ICMP_FRAG_NEEDED, .un.frag.mtu = htons(mtu)}, *q = (struct iphdr){.version = 4, .ihl = 5, .tot_len = htons(1400), .ttl = 9, .protocol = IPPROTO_UDP, .frag_off = htons(0x4000), .saddr = inet_addr("10.9.9.1"), .daddr = inet_addr("10.9.9.2")};
	uint32_t sum = 0;
	ports[0] = htons(from), ports[1] = htons(9), ports[2] = htons(1380);
	for (unsigned i = 0; !six && i < sizeof m / 2; i++)
		sum += ((uint16_t *)&m)[i];
	if (!six)
		m.h.i4.checksum = ~(sum % 65535);
	struct sockaddr_in a4 = in4(0x0a090901, 0);
	struct sockaddr_in6 a6 = in6("fd00:9::1", 0);
	must(six ? sendto(raw6, &m, sizeof m, 0, SA(a6)) : sendto(raw4, &m, sizeof m, 0, SA(a4)));
}
static void pathmtu(int s, socklen_t n) {
	struct ip6_mtuinfo i = {0};
	fact("pathmtu %s %d %d", ename(err(getsockopt(s, SOL_IPV6, IPV6_PATHMTU, &i, &n))), n, i.ip6m_mtu);
}
// drain prints the error queue and what the socket says.
static void drain(const char *what, int s, int six) {
	char c[512], d[100];
	for (int flags = MSG_ERRQUEUE; flags >= 0; flags = flags ? 0 : -1) {
		struct sockaddr_in6 a = {0};
		struct msghdr m = {&a, sizeof a, &(struct iovec){d, sizeof d}, 1, c, sizeof c};
		long n = recvmsg(s, &m, flags | MSG_DONTWAIT);
		fact("%s %s: %s %ld name %d port %d flags %x", what, flags ? "queue" : "data", n < 0 ? ename(errno) : "ok", n, a.sin6_family, ntohs(a.sin6_port), m.msg_flags);
		for (struct cmsghdr *h = n < 0 ? NULL : CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
			struct sock_extended_err *e = (void *)CMSG_DATA(h);
			if (h->cmsg_level == SOL_IPV6 && h->cmsg_type == IPV6_PATHMTU)
				fact("    pathmtu %u len %d", ((struct ip6_mtuinfo *)e)->ip6m_mtu, (int)h->cmsg_len);
			else
				fact("    cmsg %d/%d %s origin %d type %d code %d info %d by %d", h->cmsg_level, h->cmsg_type, ename(e->ee_errno), e->ee_origin, e->ee_type, e->ee_code, e->ee_info, ((struct sockaddr *)SO_EE_OFFENDER(e))->sa_family);
		}
	}
	fact("%s error %s, mtu %d", what, ename(opt(s, SOL_SOCKET, SO_ERROR)), six ? opt(s, SOL_IPV6, IPV6_MTU) : opt(s, SOL_IP, IP_MTU));
	if (six)
		pathmtu(s, sizeof(struct ip6_mtuinfo));
}
static int sock(int six, int connected, int mode, int recverr, int path) {
	int s = must(socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM, 0));
	struct sockaddr_in a4 = in4(0x0a090902, 9);
	struct sockaddr_in6 a6 = in6("fd00:9::2", 9);
	if (mode >= 0) // else as it is
		must(six ? set(s, SOL_IPV6, IPV6_MTU_DISCOVER, mode) : set(s, SOL_IP, IP_MTU_DISCOVER, mode));
	must(six ? set(s, SOL_IPV6, IPV6_RECVERR, recverr) : set(s, SOL_IP, IP_RECVERR, recverr));
	if (six)
		must(set(s, SOL_IPV6, IPV6_RECVPATHMTU, path));
	must(!connected ? six ? sendto(s, "x", 1, 0, SA(a6)) : sendto(s, "x", 1, 0, SA(a4)) : six ? connect(s, SA(a6)) : connect(s, SA(a4)));
	return s;
}
static void inside(void) {
	must(unshare(CLONE_NEWNET)), nl = must(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
	must(up("lo")), must(mklink("veth", "d0", "d1", 0)), must(up("d0")), must(up("d1")), must(address(RTM_NEWADDR, NLM_F_CREATE, "d0", "10.9.9.1", 24)), unasked("d0", "fd00:9::1", 64), neighbour("d0", "10.9.9.2"), neighbour("d0", "fd00:9::2");
	raw4 = must(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)), raw6 = must(socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6));
	for (int k = 0; k < 8; k++)
		for (int mode = -1; mode <= 5; mode++) {
			int recverr = k & 1, connected = k >> 1 & 1, six = k >> 2, s = sock(six, connected, mode, recverr, 0);
			fact("v%d%s%s mode %d", six ? 6 : 4, connected ? " connected" : "", recverr ? " recverr" : "", mode);
			tell(six, port(s), 1400), drain("  told", s, six);
			if (connected)
				fact("  send: %s %s", ename(err(send(s, big, 1450, 0))), ename(err(send(s, big, 1300, 0)))), drain("  after", s, six);
			close(s);
		}
	for (int k = 0; k < 8; k++) {
		int path = k & 1, df = k >> 1 & 1, rec = k >> 2, s = sock(1, 1, -1, rec, path);
		must(set(s, SOL_IPV6, IPV6_DONTFRAG, df));
		fact("path %d df %d recverr %d: %s", path, df, rec, ename(err(send(s, big, 2000, 0))));
		events("  poll", s), drain("  1", s, 1), drain("  2", s, 1), close(s);
	}
	int s = must(socket(AF_INET6, SOCK_DGRAM, 0));
	pathmtu(s, 4), pathmtu(s, 100), show(set(s, SOL_IPV6, IPV6_PATHMTU, 1));
}
int main(void) {
	quiet(spawn(inside()));
	return 0;
}
