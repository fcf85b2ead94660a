// UDP_SEGMENT and UDP_GRO: datagrams that are sent as one call and arrive as many, or as one with their size beside.
#include "net.h"
static char text[70000];
static long send_(int s, const void *to, int n, int size, int bytes) {
	char ctl[64] = {0};
	struct iovec v = {text, n};
	struct msghdr m = {.msg_name = (void *)to, .msg_namelen = to ? 16 : 0, .msg_iov = &v, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = CMSG_SPACE(bytes)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_UDP, c->cmsg_type = UDP_SEGMENT, c->cmsg_len = CMSG_LEN(bytes), memcpy(CMSG_DATA(c), &size, bytes);
	return sendmsg(s, &m, 0);
}
static void all(int r) {
	for (;;) {
		char b[65600], ctl[64];
		struct iovec v = {b, sizeof b};
		struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof ctl};
		int n = recvmsg(r, &m, MSG_DONTWAIT), size = 0;
		if (n < 0) break;
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
			if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) memcpy(&size, CMSG_DATA(c), 4), fact("  control %zu bytes", (size_t)c->cmsg_len);
		fact("  %d bytes%s, size %d, flags %#x", n, memcmp(b, text, 1) ? " moved" : "", size, m.msg_flags);
	}
	fact("  %s", ename(errno));
}

int main(void) {
	int r = must(socket(AF_INET, SOCK_DGRAM, 0)), s = must(socket(AF_INET, SOCK_DGRAM, 0));
	struct sockaddr_in a = in4(LO, 0);
	must(set(r, SOL_SOCKET, SO_RCVBUF, 1 << 20)), must(bind(r, SA(a))), a = in4(LO, port(r));
	show(opt(s, SOL_UDP, UDP_SEGMENT)), show(opt(s, SOL_UDP, UDP_GRO));
	show(set(s, SOL_UDP, UDP_SEGMENT, -1)), show(set(s, SOL_UDP, UDP_SEGMENT, 65536)), show(set(s, SOL_UDP, UDP_SEGMENT, 100)), show(opt(s, SOL_UDP, UDP_SEGMENT));
	show(sendto(s, text, 250, 0, SA(a))), all(r), show(sendto(s, text, 100, 0, SA(a))), all(r), show(sendto(s, text, 99, 0, SA(a))), all(r), show(sendto(s, text, 0, 0, SA(a))), all(r);
	show(sendto(s, text, 6401, 0, SA(a)) > 0), show(sendto(s, text, 12900, 0, SA(a))), must(set(r, SOL_UDP, UDP_GRO, 1)), all(r), show(opt(r, SOL_UDP, UDP_GRO));
	show(sendto(s, text, 250, 0, SA(a))), all(r), show(sendto(s, text, 200, 0, SA(a))), all(r), show(sendto(s, text, 50, 0, SA(a))), all(r);
	must(set(s, SOL_UDP, UDP_SEGMENT, 0)), show(send_(s, &a, 1000, 400, 2)), all(r), show(send_(s, &a, 1000, 400, 4)), show(send_(s, &a, 1000, 400, 1)), show(send_(s, &a, 300, 1000, 2)), all(r), show(send_(s, &a, 300, 0, 2)), all(r), show(send_(s, &a, 65000, 1, 2)), show(send_(s, &a, 60000, 1400, 2)), all(r);
	show(send_(s, &a, 66000, 1400, 2)), must(set(r, SOL_UDP, UDP_GRO, 0)), show(send_(s, &a, 2900, 1400, 2)), all(r);
	must(connect(s, SA(a))), show(send_(s, NULL, 30, 10, 2)), all(r);
	must(set(s, SOL_UDP, UDP_SEGMENT, 10)), must(set(s, SOL_UDP, UDP_CORK, 1)), show(send(s, text, 7, 0)), show(send(s, text, 18, 0)), must(set(s, SOL_UDP, UDP_CORK, 0)), all(r), must(set(s, SOL_UDP, UDP_SEGMENT, 0));
	show(send(s, text, 65507, 0)), show(send(s, text, 65508, 0)), must(set(s, SOL_SOCKET, SO_NO_CHECK, 1)), show(send_(s, NULL, 30, 10, 2)), must(set(s, SOL_SOCKET, SO_NO_CHECK, 0));
	int t = must(socket(AF_INET, SOCK_STREAM, 0));
	show(set(t, SOL_UDP, UDP_SEGMENT, 100)), show(opt(s, SOL_UDP, 77)), show(set(s, SOL_UDP, 77, 1)), show(set(s, SOL_UDP, UDP_ENCAP, 77));
	int r6 = must(socket(AF_INET6, SOCK_DGRAM, 0)), s6 = must(socket(AF_INET6, SOCK_DGRAM, 0));
	struct sockaddr_in6 a6 = in6("::1", 0);
	must(bind(r6, SA(a6))), a6 = in6("::1", port(r6)), must(connect(s6, SA(a6))), must(set(r6, SOL_UDP, UDP_GRO, 1)), show(send_(s6, NULL, 25, 10, 2)), all(r6);
	return 0;
}
