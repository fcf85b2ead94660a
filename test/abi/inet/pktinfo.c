// IP_PKTINFO and IPV6_PKTINFO: by which interface and address a datagram goes, what is refused; control messages that do not fit or are cut.
#include "net.h"
#include <net/if.h>
static long with(int s, const void *to, int len, int level, int type, const void *data, int n, int cut) {
	char ctl[128] = {0};
	struct iovec v = {"x", 1};
	struct msghdr m = {.msg_name = (void *)to, .msg_namelen = len, .msg_iov = &v, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = CMSG_SPACE(n) - cut};
	struct cmsghdr *c = (void *)ctl;
	c->cmsg_level = level, c->cmsg_type = type, c->cmsg_len = CMSG_LEN(n), memcpy(CMSG_DATA(c), data, n);
	return sendmsg(s, &m, MSG_DONTWAIT);
}
static void get(const char *what, int s, int room) {
	char b[16], ctl[256], t[64], u[64];
	struct iovec v = {b, 16};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = room};
	long n = recvmsg(s, &m, MSG_DONTWAIT);
	fact("%s: %ld, control %zu%s", what, n, n < 0 ? 0 : (size_t)m.msg_controllen, n >= 0 && m.msg_flags & MSG_CTRUNC ? ", cut" : "");
	for (struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		struct in_pktinfo *p = (void *)CMSG_DATA(c);
		struct in6_pktinfo *q = (void *)CMSG_DATA(c);
		if (c->cmsg_level == SOL_IP && c->cmsg_type == IP_PKTINFO && c->cmsg_len >= CMSG_LEN(12)) fact("  v4 %d to %s here %s", p->ipi_ifindex, inet_ntop(AF_INET, &p->ipi_addr, t, 64), inet_ntop(AF_INET, &p->ipi_spec_dst, u, 64));
		else if (c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_PKTINFO) fact("  v6 %u to %s", q->ipi6_ifindex, inet_ntop(AF_INET6, &q->ipi6_addr, t, 64));
		else fact("  %d/%d %zu bytes", c->cmsg_level, c->cmsg_type, (size_t)c->cmsg_len);
	}
}

int main(void) {
	int r = must(socket(AF_INET, SOCK_DGRAM, 0)), s = must(socket(AF_INET, SOCK_DGRAM, 0)), one = 1;
	struct sockaddr_in a = in4(0, 0), from;
	socklen_t n = sizeof from;
	char b[8], t[64];
	must(bind(r, SA(a))), a = in4(LO, port(r));
	struct in_pktinfo p = {.ipi_ifindex = 1};
	must(set(r, SOL_IP, IP_PKTINFO, 1)), must(set(r, SOL_IP, IP_RECVTTL, 1)), must(set(r, SOL_IP, IP_RECVTOS, 1));
	must(set(r, SOL_SOCKET, SO_TIMESTAMP, 1));
	for (int room = 0; room <= 128; room += 16) must(sendto(s, "x", 1, 0, SA(a))), snprintf(t, 64, "room %d", room), get(t, r, room);
	must(set(r, SOL_SOCKET, SO_TIMESTAMP, 0)), must(set(r, SOL_IP, IP_RECVTTL, 0)), must(set(r, SOL_IP, IP_RECVTOS, 0));
	show(with(s, &a, 16, SOL_IP, IP_PKTINFO, &p, 12, 0)), get("by lo", r, 256);
	p.ipi_ifindex = 77, show(with(s, &a, 16, SOL_IP, IP_PKTINFO, &p, 12, 0)), p.ipi_ifindex = -1, show(with(s, &a, 16, SOL_IP, IP_PKTINFO, &p, 12, 0)), p.ipi_ifindex = 0;
	p.ipi_spec_dst.s_addr = htonl(LO + 9), p.ipi_addr.s_addr = htonl(LO + 5), show(with(s, &a, 16, SOL_IP, IP_PKTINFO, &p, 12, 0)), show(recvfrom(r, b, 8, 0, (void *)&from, &n)), fact("from %s", inet_ntop(AF_INET, &from.sin_addr, t, 64));
	p.ipi_spec_dst.s_addr = htonl(0xe0000001), show(with(s, &a, 16, SOL_IP, IP_PKTINFO, &p, 12, 0)), p.ipi_spec_dst.s_addr = htonl(0x0a000001), show(with(s, &a, 16, SOL_IP, IP_PKTINFO, &p, 12, 0)), must(set(s, SOL_IP, IP_FREEBIND, 1)), show(with(s, &a, 16, SOL_IP, IP_PKTINFO, &p, 12, 0) == 1), p.ipi_spec_dst.s_addr = 0;
	show(with(s, &a, 16, SOL_IP, IP_PKTINFO, &p, 11, 0)), show(with(s, &a, 16, SOL_IP, IP_PKTINFO, &p, 16, 0)), show(with(s, &a, 16, SOL_IP, IP_PKTINFO, &p, 12, 8)), show(with(s, &a, 16, SOL_IP, 0, &p, 4, 0)), show(with(s, &a, 16, SOL_TCP, 1, &p, 4, 0)), show(with(s, &a, 16, SOL_IPV6, IPV6_PKTINFO, &p, 12, 0)), show(with(s, &a, 16, SOL_SOCKET, SO_MARK, &one, 4, 0)), show(with(s, &a, 16, SOL_SOCKET, SO_MARK, &one, 2, 0)), show(with(s, &a, 16, SOL_SOCKET, SCM_RIGHTS, &one, 4, 0)), show(with(s, &a, 16, SOL_SOCKET, SCM_TIMESTAMP, &one, 4, 0));
	while (recv(r, b, 8, MSG_DONTWAIT) >= 0) ;
	struct msghdr m = {.msg_name = &a, .msg_namelen = 16, .msg_control = t, .msg_controllen = 8};
	show(sendmsg(s, &m, 0)), m.msg_control = NULL, m.msg_controllen = 64, show(sendmsg(s, &m, 0)), m.msg_control = (void *)8, show(sendmsg(s, &m, 0)), m.msg_control = t, m.msg_controllen = 64, memset(t, 0, 64), show(sendmsg(s, &m, 0)), m.msg_controllen = -1, show(sendmsg(s, &m, 0)), m.msg_controllen = 1 << 30, show(sendmsg(s, &m, 0));

	int r6 = must(socket(AF_INET6, SOCK_DGRAM, 0)), s6 = must(socket(AF_INET6, SOCK_DGRAM, 0));
	struct sockaddr_in6 a6 = in6("::", 0), f6, map;
	must(bind(r6, SA(a6))), a6 = in6("::1", port(r6)), map = in6("::ffff:127.0.0.1", port(r6)), must(set(r6, SOL_IPV6, IPV6_RECVPKTINFO, 1));
	struct in6_pktinfo q = {.ipi6_ifindex = 1};
	show(with(s6, &a6, 28, SOL_IPV6, IPV6_PKTINFO, &q, 20, 0)), get("v6 by lo", r6, 256), q.ipi6_ifindex = 77, show(with(s6, &a6, 28, SOL_IPV6, IPV6_PKTINFO, &q, 20, 0)), q.ipi6_ifindex = 0, q.ipi6_addr = in6("2001:db8::1", 0).sin6_addr, show(with(s6, &a6, 28, SOL_IPV6, IPV6_PKTINFO, &q, 20, 0)), q.ipi6_addr = in6("::1", 0).sin6_addr, show(with(s6, &a6, 28, SOL_IPV6, IPV6_PKTINFO, &q, 20, 0)), get("by address", r6, 256), show(with(s6, &a6, 28, SOL_IPV6, IPV6_PKTINFO, &q, 12, 0)), q.ipi6_addr = in6("ff02::1", 0).sin6_addr, show(with(s6, &a6, 28, SOL_IPV6, IPV6_PKTINFO, &q, 20, 0));
	q.ipi6_addr = in6("::ffff:127.0.0.7", 0).sin6_addr, show(with(s6, &map, 28, SOL_IPV6, IPV6_PKTINFO, &q, 20, 0)), n = sizeof f6, show(recvfrom(r6, b, 8, MSG_PEEK, (void *)&f6, &n)), fact("from %s", inet_ntop(AF_INET6, &f6.sin6_addr, t, 64)), must(set(r6, SOL_IP, IP_PKTINFO, 1)), get("mapped, both", r6, 256), must(set(r6, SOL_IPV6, IPV6_RECVPKTINFO, 0)), p.ipi_ifindex = 1, show(with(s6, &map, 28, SOL_IP, IP_PKTINFO, &p, 12, 0)), get("mapped, v4 only", r6, 256);
	memset(&q, 0, sizeof q), q.ipi6_addr = in6("::1", 0).sin6_addr, ok(setsockopt(s6, SOL_IPV6, IPV6_PKTINFO, &q, 20)), ok(setsockopt(s6, SOL_IPV6, IPV6_PKTINFO, &q, 19)), q.ipi6_ifindex = 77, ok(setsockopt(s6, SOL_IPV6, IPV6_PKTINFO, &q, 20)), q.ipi6_ifindex = 0, q.ipi6_addr = in6("2001:db8::1", 0).sin6_addr, ok(setsockopt(s6, SOL_IPV6, IPV6_PKTINFO, &q, 20)), ok(setsockopt(s6, SOL_IPV6, IPV6_PKTINFO, NULL, 0));
	return 0;
}
