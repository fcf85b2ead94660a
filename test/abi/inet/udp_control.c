// Control messages of datagrams: IP_PKTINFO, TTL, TOS and their likes of IPv6, both ways; time stamps.
#include "net.h"
static void show_control(int s) {
	char b[16], ctl[512];
	struct iovec v = {b, 16};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof ctl};
	show(recvmsg(s, &m, 0));
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		char t[64] = "";
		if (c->cmsg_level == SOL_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo *p = (void *)CMSG_DATA(c);
			fact("  pktinfo %d %s", p->ipi_ifindex, inet_ntop(AF_INET, &p->ipi_addr, t, 64)), fact("  spec %s", inet_ntop(AF_INET, &p->ipi_spec_dst, t, 64));
		} else if (c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo *p = (void *)CMSG_DATA(c);
			fact("  pktinfo6 %d %s", p->ipi6_ifindex, inet_ntop(AF_INET6, &p->ipi6_addr, t, 64));
		} else if (c->cmsg_level == SOL_SOCKET)
			fact("  socket %d length %zu", c->cmsg_type, (size_t)c->cmsg_len);
		else if (c->cmsg_level == SOL_IP && c->cmsg_type == IP_RECVORIGDSTADDR)
			fact("  original length %zu", (size_t)c->cmsg_len);
		else
			fact("  %d/%d length %zu: %d", c->cmsg_level, c->cmsg_type, (size_t)c->cmsg_len, c->cmsg_len > CMSG_LEN(1) ? *(int *)CMSG_DATA(c) : *CMSG_DATA(c));
	}
}
static long with(int s, void *to, int len, int level, int type, const void *data, int n) {
	char ctl[64] = {0};
	struct iovec v = {"x", 1};
	struct msghdr m = {.msg_name = to, .msg_namelen = len, .msg_iov = &v, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = CMSG_SPACE(n)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = level, c->cmsg_type = type, c->cmsg_len = CMSG_LEN(n), memcpy(CMSG_DATA(c), data, n);
	return sendmsg(s, &m, 0);
}

int main(void) {
	int r = must(socket(AF_INET, SOCK_DGRAM, 0)), s = must(socket(AF_INET, SOCK_DGRAM, 0)), v;
	struct sockaddr_in a = in4(0, 0);
	must(bind(r, SA(a))), a = in4(LO, port(r)), must(set(r, SOL_IP, IP_PKTINFO, 1)), must(set(r, SOL_IP, IP_RECVTTL, 1)), must(set(r, SOL_IP, IP_RECVTOS, 1)), must(set(r, SOL_IP, IP_RECVORIGDSTADDR, 1));
	show(sendto(s, "x", 1, 0, SA(a))), fact("first"), show_control(r), must(set(s, SOL_IP, IP_TTL, 9)), must(set(s, SOL_IP, IP_TOS, 0x28)), a.sin_addr.s_addr = htonl(LO + 4), show(sendto(s, "x", 1, 0, SA(a))), show_control(r);
	v = 17, show(with(s, &a, sizeof a, SOL_IP, IP_TTL, &v, 4)), show_control(r), v = 0, show(with(s, &a, sizeof a, SOL_IP, IP_TTL, &v, 4)), v = 256, show(with(s, &a, sizeof a, SOL_IP, IP_TTL, &v, 4)), v = 4, show(with(s, &a, sizeof a, SOL_IP, IP_TOS, &v, 4)), show_control(r), show(with(s, &a, sizeof a, SOL_IP, 99, &v, 4)), show(with(s, &a, sizeof a, SOL_SOCKET, 99, &v, 4));
	struct in_pktinfo p = {.ipi_ifindex = 1, .ipi_spec_dst.s_addr = htonl(LO + 8)};
	struct sockaddr_in from;
	char b[16], t[64];
	socklen_t n = sizeof from;
	show(with(s, &a, sizeof a, SOL_IP, IP_PKTINFO, &p, sizeof p)), show(recvfrom(r, b, 16, 0, (struct sockaddr *)&from, &n)), fact("from %s", inet_ntop(AF_INET, &from.sin_addr, t, 64)), p.ipi_spec_dst.s_addr = htonl(0x08080808), show(with(s, &a, sizeof a, SOL_IP, IP_PKTINFO, &p, sizeof p)), show(with(s, &a, sizeof a, SOL_IP, IP_PKTINFO, &p, 8));
	must(set(r, SOL_IP, IP_RECVTTL, 0)), must(set(r, SOL_IP, IP_PKTINFO, 0)), must(set(r, SOL_IP, IP_RECVTOS, 0)), must(set(r, SOL_IP, IP_RECVORIGDSTADDR, 0)), must(set(r, SOL_SOCKET, SO_TIMESTAMP, 1)), show(sendto(s, "x", 1, 0, SA(a))), show_control(r), must(set(r, SOL_SOCKET, SO_TIMESTAMPNS, 1)), show(opt(r, SOL_SOCKET, SO_TIMESTAMP)), show(sendto(s, "x", 1, 0, SA(a))), show_control(r);
	r = must(socket(AF_INET6, SOCK_DGRAM, 0)), s = must(socket(AF_INET6, SOCK_DGRAM, 0));
	struct sockaddr_in6 a6 = in6("::", 0);
	must(bind(r, SA(a6))), a6 = in6("::1", port(r)), must(set(r, SOL_IPV6, IPV6_RECVPKTINFO, 1)), must(set(r, SOL_IPV6, IPV6_RECVHOPLIMIT, 1)), must(set(r, SOL_IPV6, IPV6_RECVTCLASS, 1)), show(sendto(s, "x", 1, 0, SA(a6))), show_control(r);
	must(set(s, SOL_IPV6, IPV6_UNICAST_HOPS, 5)), must(set(s, SOL_IPV6, IPV6_TCLASS, 0x30)), show(sendto(s, "x", 1, 0, SA(a6))), show_control(r), v = 6, show(with(s, &a6, sizeof a6, SOL_IPV6, IPV6_HOPLIMIT, &v, 4)), show_control(r), v = 300, show(with(s, &a6, sizeof a6, SOL_IPV6, IPV6_HOPLIMIT, &v, 4)), show(with(s, &a6, sizeof a6, SOL_IPV6, 99, &v, 4)), a6 = in6("::ffff:127.0.0.1", port(r)), show(sendto(s, "x", 1, 0, SA(a6))), show_control(r);
	return 0;
}
