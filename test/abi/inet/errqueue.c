// The error queue: local errors and those from ICMP, for UDP and TCP and both versions; what poll, SO_ERROR and calls show while it holds something; MSG_TRUNC and MSG_CTRUNC there.
#include "net.h"
#include <linux/errqueue.h>
static void queue(int s, int room, int croom) {
	char b[64] = {0}, ctl[512], t[64], u[64];
	struct sockaddr_in6 name = {0};
	struct iovec v = {b, room};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_name = &name, .msg_namelen = sizeof name, .msg_control = ctl, .msg_controllen = croom};
	long n = recvmsg(s, &m, MSG_ERRQUEUE);
	if (n < 0) { fact("queue: %s", ename(errno)); return; }
	void *addr = name.sin6_family == AF_INET6 ? (void *)&name.sin6_addr : &((struct sockaddr_in *)&name)->sin_addr;
	fact("queue: %ld \"%.*s\" flags %#x, to %s, %u bytes", n, (int)n, b, m.msg_flags, name.sin6_family ? inet_ntop(name.sin6_family, addr, t, 64) : "nobody", m.msg_namelen);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		struct sock_extended_err *e = (void *)CMSG_DATA(c);
		struct sockaddr_in *o = (void *)SO_EE_OFFENDER(e);
		if (c->cmsg_len < CMSG_LEN(sizeof *e + 16)) { fact("  %d/%d short", c->cmsg_level, c->cmsg_type); continue; }
		fact("  %d/%d %zu bytes: %s origin %d type %d code %d info %u, by %s", c->cmsg_level, c->cmsg_type, (size_t)c->cmsg_len, ename(e->ee_errno), e->ee_origin, e->ee_type, e->ee_code, e->ee_info, o->sin_family == AF_INET ? inet_ntop(AF_INET, &o->sin_addr, u, 64) : o->sin_family == AF_INET6 ? inet_ntop(AF_INET6, &((struct sockaddr_in6 *)o)->sin6_addr, u, 64) : "nobody");
	}
}
static char big[70000];

int main(void) {
	int s = must(socket(AF_INET, SOCK_DGRAM, 0)), t;
	struct sockaddr_in gone = in4(LO, 1), far = in4(0x08080808, 9);
	char b[16];
	queue(s, 64, 512), show(set(s, SOL_IP, IP_RECVERR, 1)), queue(s, 64, 512);
	show(sendto(s, big, 66000, 0, SA(gone))), queue(s, 8, 512), must(set(s, SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)), show(sendto(s, big, 65507, 0, SA(gone))), until(s, POLLERR), queue(s, 8, 512), show(sendto(s, big, 65508, 0, SA(gone))), queue(s, 8, 512);
	show(sendto(s, "far away", 8, 0, SA(far))), queue(s, 64, 512);
	must(connect(s, SA(gone))), show(send(s, "hello", 5, 0)), until(s, POLLERR), events("queued", s), queue(s, 3, 512), events("empty", s), show(opt(s, SOL_SOCKET, SO_ERROR));
	show(send(s, "hello", 5, 0)), until(s, POLLERR), queue(s, 64, 24), show(recv(s, b, 16, MSG_DONTWAIT));
	show(send(s, "1", 1, 0)), until(s, POLLERR), show(opt(s, SOL_SOCKET, SO_ERROR)), events("SO_ERROR taken", s), show(recv(s, b, 16, MSG_DONTWAIT)), queue(s, 64, 512), events("then", s);
	show(send(s, "2", 1, 0)), until(s, POLLERR), show(recv(s, b, 16, MSG_DONTWAIT)), events("a read was told", s), show(send(s, "3", 1, 0)), usleep(3000), show(send(s, "4", 1, 0)), queue(s, 64, 512), queue(s, 64, 512), queue(s, 64, 512), queue(s, 64, 512), show(opt(s, SOL_SOCKET, SO_ERROR));
	show(send(s, "5", 1, 0)), until(s, POLLERR), show(set(s, SOL_IP, IP_RECVERR, 0)), events("switched off", s), queue(s, 64, 512), show(recv(s, b, 16, MSG_DONTWAIT));
	show(recv(s, b, 16, MSG_ERRQUEUE | MSG_PEEK)), show(recv(s, b, 16, MSG_ERRQUEUE | MSG_WAITALL));

	s = must(socket(AF_INET6, SOCK_DGRAM, 0)), must(set(s, SOL_IPV6, IPV6_RECVERR, 1));
	struct sockaddr_in6 g6 = in6("::1", 1), m6 = in6("::ffff:127.0.0.1", 1), far6 = in6("2001:db8::1", 9);
	show(sendto(s, "six", 3, 0, SA(g6))), until(s, POLLERR), queue(s, 64, 512), show(sendto(s, "map", 3, 0, SA(m6))), usleep(3000), events("mapped", s), queue(s, 64, 512), must(set(s, SOL_IP, IP_RECVERR, 1)), show(sendto(s, "map", 3, 0, SA(m6))), until(s, POLLERR), queue(s, 64, 512), show(sendto(s, "far", 3, 0, SA(far6))), queue(s, 64, 512);
	must(set(s, SOL_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO)), show(sendto(s, big, 65527, 0, SA(g6))), queue(s, 8, 512), must(set(s, SOL_IPV6, IPV6_DONTFRAG, 1)), show(sendto(s, big, 65527, 0, SA(g6))), queue(s, 8, 512), show(sendto(s, big, 65528, 0, SA(g6))), queue(s, 8, 512);

	t = must(socket(AF_INET, SOCK_STREAM, 0)), must(set(t, SOL_IP, IP_RECVERR, 1)), show(connect(t, SA(gone))), queue(t, 64, 512), show(opt(t, SOL_SOCKET, SO_ERROR)), show(connect(t, SA(far))), queue(t, 64, 512);
	int l = listener(1), c, d;
	conn(l, &c, &d), queue(c, 64, 512), events("a connection", c), show(recv(c, b, 16, MSG_ERRQUEUE | MSG_DONTWAIT)), must(set(c, SOL_IP, IP_RECVERR, 1)), queue(c, 64, 512);
	return 0;
}
