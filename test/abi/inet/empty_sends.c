// Sends of no bytes by every call that writes, on sockets and other files; addresses of no length; vectors of which a part is bad.
#include "net.h"
#include <sys/uio.h>
#include <sys/un.h>
static char big[200000];
static void waits(const char *what, int s) {
	char b[8];
	int n = 0, bytes = 0;
	for (long k; (k = recv(s, b, 8, MSG_DONTWAIT)) >= 0 && n < 9; n++) bytes += k;
	fact("  %s: %d came, of %d bytes", what, n, bytes);
}
static void sends(const char *what, int s, int r) {
	char b[4] = "abc";
	struct iovec none[2] = {{b, 0}, {NULL, 0}}, bad[2] = {{(void *)8, 0}, {b, 0}};
	fact("%s", what), show(write(s, b, 0)), waits("write", r), show(write(s, NULL, 0)), waits("write of nothing", r), show(writev(s, none, 0)), waits("writev", r), show(writev(s, none, 2)), waits("writev of two", r), show(writev(s, bad, 2)), waits("writev of bad ones", r);
	show(pwritev2(s, none, 2, -1, 0)), waits("pwritev2", r), show(pwritev2(s, none, 2, -1, 0x40000000)), show(send(s, b, 0, 0)), waits("send", r), show(sendmsg(s, &(struct msghdr){.msg_iov = none, .msg_iovlen = 2}, 0)), waits("sendmsg", r);
}
static void name(const char *what, int type, int family, int protocol) {
	int s = socket(family, type, protocol);
	struct sockaddr_storage a = {0};
	if (s < 0) { fact("%s: no socket", what); return; }
	int nowhere = err(sendto(s, "x", 1, MSG_NOSIGNAL, (void *)&a, 0)), null = err(sendto(s, "x", 1, MSG_NOSIGNAL, NULL, 16)), none = err(sendto(s, "x", 1, MSG_NOSIGNAL, NULL, 0)), negative = err(sendto(s, "x", 1, MSG_NOSIGNAL, (void *)&a, -1)), one = err(sendto(s, "x", 1, MSG_NOSIGNAL, (void *)&a, 1));
	int m = err(sendmsg(s, &(struct msghdr){.msg_name = &a, .msg_iov = &(struct iovec){"x", 1}, .msg_iovlen = 1}, MSG_NOSIGNAL));
	fact("%s: an address of no length %s, no address %s %s, a negative length %s, one byte %s; by sendmsg %s", what, ename(nowhere), ename(null), ename(none), ename(negative), ename(one), ename(m)), close(s);
}

int main(void) {
	signal(SIGPIPE, SIG_IGN);
	int r = must(socket(AF_INET, SOCK_DGRAM, 0)), s = must(socket(AF_INET, SOCK_DGRAM, 0)), l = listener(1), c, d, u[2], p[2];
	struct sockaddr_in a = in4(LO, 0);
	must(bind(r, SA(a))), a.sin_port = htons(port(r)), must(connect(s, SA(a))), sends("UDP", s, r), fact("connected, an address of no length: %s", ename(err(sendto(s, "x", 1, 0, (void *)&a, 0)))), waits("then", r);
	conn(l, &c, &d), sends("TCP", c, d), fact("an address of no length: %s", ename(err(sendto(c, "x", 1, 0, (void *)&a, 0)))), waits("then", d);
	for (int t = 1; t <= 5; t++) if (t == SOCK_STREAM || t == SOCK_DGRAM || t == SOCK_SEQPACKET) must(socketpair(AF_UNIX, t, 0, u)), sends(t == 1 ? "stream pair" : t == 2 ? "datagram pair" : "packet pair", u[0], u[1]), fact("an address of no length: %s", ename(err(sendto(u[0], "x", 1, 0, (void *)&a, 0)))), waits("then", u[1]);
	must(pipe(p)), show(writev(p[1], &(struct iovec){big, 0}, 1)), show(writev(p[0], &(struct iovec){big, 0}, 1)), show(writev(p[0], NULL, 0)), show(readv(p[1], NULL, 0)), show(readv(p[0], NULL, 0)), close(p[0]), show(writev(p[1], NULL, 0)), show(write(p[1], big, 0));
	must(shutdown(c, SHUT_WR)), show(write(c, big, 0)), show(writev(c, NULL, 0)), close(c), close(d);
	name("UDP", SOCK_DGRAM, AF_INET, 0), name("UDP over IPv6", SOCK_DGRAM, AF_INET6, 0), name("TCP", SOCK_STREAM, AF_INET, 0), name("raw", SOCK_RAW, AF_INET, IPPROTO_UDP), name("raw, IPv6", SOCK_RAW, AF_INET6, IPPROTO_UDP), name("packet", SOCK_DGRAM, AF_PACKET, 0), name("netlink", SOCK_RAW, AF_NETLINK, 0), name("unix datagrams", SOCK_DGRAM, AF_UNIX, 0), name("unix stream", SOCK_STREAM, AF_UNIX, 0), name("unix packets", SOCK_SEQPACKET, AF_UNIX, 0), name("ICMP", SOCK_DGRAM, AF_INET, IPPROTO_ICMP);
	for (int kind = 0; kind < 2; kind++) {
		if (kind) must(socketpair(AF_UNIX, SOCK_STREAM, 0, u)), c = u[0], d = u[1]; else conn(l, &c, &d);
		struct iovec v[3] = {{"good", 4}, {(void *)8, 4}, {"more", 4}}, w[2] = {{big, sizeof big}, {(void *)8, 4}}, first[2] = {{(void *)8, 4}, {"good", 4}};
		must(set(c, SOL_SOCKET, SO_SNDBUF, 1 << 20));
		fact("%s", kind ? "unix" : "TCP"), show(writev(c, v, 3)), waits("a bad second piece", d), show(sendmsg(c, &(struct msghdr){.msg_iov = v, .msg_iovlen = 3}, 0)), waits("by sendmsg", d), show(writev(c, first, 2)), waits("a bad first piece", d);
		long n = writev(c, w, 2);
		fact("a long good piece before: %s", n < 0 ? ename(errno) : n < (long)sizeof big ? "some of it" : n == sizeof big ? "all of it" : "more"), close(c), close(d);
	}
	return 0;
}
