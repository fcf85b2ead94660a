// What every call says of sockets that are not connected, and of addresses that cannot be.
#include "net.h"
static void name(int s) {
	struct sockaddr_in6 a = {0};
	socklen_t n = sizeof a;
	show(getsockname(s, (struct sockaddr *)&a, &n)), fact("family %d port %d length %u", a.sin6_family, !!a.sin6_port, n);
}

int main(void) {
	signal(SIGPIPE, SIG_IGN);
	char b[16];
	int v;
	for (int fam = 0; fam < 2; fam++)
		for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
			int s = must(socket(fam ? AF_INET6 : AF_INET, type, 0));
			socklen_t n = 16;
			fact("family %d type %d", fam, type), events("new", s), name(s), show(getpeername(s, (struct sockaddr *)b, &n)), show(recv(s, b, 16, MSG_DONTWAIT)), show(recv(s, b, 0, MSG_DONTWAIT)), show(send(s, "x", 1, 0)), show(send(s, "", 0, 0)), show(accept(s, NULL, NULL)), show(shutdown(s, SHUT_RDWR)), events("shut", s), show(ioctl(s, FIONREAD, &v)), show(recv(s, b, 16, MSG_DONTWAIT)), show(read(s, b, 0));
			struct sockaddr_in a = in4(0x08080808, 0), lo = in4(LO, 9);
			struct sockaddr_in6 a6 = in6("2001:db8::1", 0), local = in6("fe80::1", 0), big = in6("::1", 9);
			s = must(socket(fam ? AF_INET6 : AF_INET, type, 0));
			if (fam) {
				show(bind(s, SA(a6))), show(bind(s, SA(local))), show(connect(s, SA(a6))), show(connect(s, (struct sockaddr *)&big, 20)), show(connect(s, (struct sockaddr *)&big, 1)), show(bind(s, (struct sockaddr *)&big, 2));
			} else {
				show(bind(s, SA(a))), show(bind(s, SA(big))), show(connect(s, SA(a))), show(connect(s, (struct sockaddr *)&lo, 8)), show(connect(s, (struct sockaddr *)&lo, 1)), show(connect(s, SA(big))), lo.sin_family = AF_UNSPEC, show(bind(s, SA(lo))), lo.sin_addr.s_addr = 0, lo.sin_port = 0, show(bind(s, SA(lo)));
			}
			show(connect(s, (struct sockaddr *)&(struct sockaddr){AF_UNSPEC}, 16)), show(connect(s, NULL, 0)), show(bind(s, (struct sockaddr *)8, 16)), show(bind(s, SA(lo)) && errno == EFAULT);
			quiet(spawn(must(setuid(1000)); struct sockaddr_in low = in4(LO, 77); show(bind(must(socket(AF_INET, type, 0)), SA(low))); struct sockaddr_in6 low6 = in6("::1", 77); show(bind(must(socket(AF_INET6, type, 0)), SA(low6)))));
		}
	show(socket(AF_INET, SOCK_SEQPACKET, 0)), show(socket(AF_INET, SOCK_RDM, 0)), show(socket(AF_INET, SOCK_STREAM, IPPROTO_ICMP)), show(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP)), show(socket(AF_INET, SOCK_STREAM, -1)), show(socket(AF_INET, SOCK_STREAM, 500)), show(socket(AF_INET6, SOCK_STREAM, IPPROTO_TCP)), show(socketpair(AF_INET, SOCK_STREAM, 0, (int[2]){0})), show(socketpair(AF_INET, SOCK_DGRAM, 0, (int[2]){0}));
	return 0;
}
