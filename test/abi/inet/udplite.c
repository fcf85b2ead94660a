// UDP-Lite (RFC 3828): the bounds of its options, what a receiver demands of the checksums, ports of its own
#include "net.h"

#define SEND_COVER 10
#define RECV_COVER 11
#define SOL_LITE 136

static void cover(int s, int level, int name, int v, const char *what) {
	int got = -1, r = setsockopt(s, level, name, &v, sizeof v), e = r < 0 ? errno : 0;
	socklen_t n = sizeof got;
	getsockopt(s, level, name, &got, &n);
	printf("%s %d: %s, %d\n", what, v, strerror(e), got);
}

static int bound(int family) {
	int s = must(socket(family, SOCK_DGRAM, IPPROTO_UDPLITE));
	struct sockaddr_in a = in4(LO, 0);
	struct sockaddr_in6 b = in6("::1", 0);
	must(family == AF_INET ? bind(s, SA(a)) : bind(s, SA(b)));
	return s;
}

static int sender(int family, int to) {
	int s = must(socket(family, SOCK_DGRAM, IPPROTO_UDPLITE));
	struct sockaddr_in a = in4(LO, port(to));
	struct sockaddr_in6 b = in6("::1", port(to));
	must(family == AF_INET ? connect(s, SA(a)) : connect(s, SA(b)));
	return s;
}

static void exchange(int family) {
	int to = bound(family);
	static const int demands[] = {-1, 0, 20}, covers[] = {-1, 0, 8, 19, 20, 27, 28, 100};
	for (int i = 0; i < 3; i++) {
		if (demands[i] >= 0)
			must(setsockopt(to, SOL_LITE, RECV_COVER, &demands[i], sizeof demands[i]));
		printf("%s, demanded %d:", family == AF_INET ? "ipv4" : "ipv6", demands[i]);
		for (int k = 0; k < 8; k++) {
			char b[64];
			int from = sender(family, to);
			if (covers[k] >= 0)
				must(setsockopt(from, SOL_LITE, SEND_COVER, &covers[k], sizeof covers[k]));
			must(send(from, "twenty bytes of data", 20, 0));
			struct pollfd p = {to, POLLIN, 0};
			poll(&p, 1, 0);
			printf(" %d:%d", covers[k], (int)recv(to, b, sizeof b, MSG_DONTWAIT));
			close(from);
		}
		printf("\n");
	}
	close(to);
}

int main(void) {
	int s = bound(AF_INET), v, udp = must(socket(AF_INET, SOCK_DGRAM, 0));
	socklen_t n = sizeof v;
	must(getsockopt(s, SOL_SOCKET, SO_PROTOCOL, &v, &n));
	printf("protocol %d\n", v);
	static const int values[] = {0, 1, 7, 8, 9, 65535, 65536, -1};
	for (int i = 0; i < 8; i++)
		cover(s, SOL_LITE, SEND_COVER, values[i], "send"), cover(s, SOL_UDP, RECV_COVER, values[i], "receive");
	cover(udp, SOL_UDP, SEND_COVER, 8, "udp");
	cover(udp, SOL_LITE, SEND_COVER, 8, "udp at the other level");
	struct sockaddr_in a = in4(LO, port(s));
	printf("the same port of udp: %s\n", bind(udp, SA(a)) ? strerror(errno) : "bound");
	printf("once more: %s\n", bind(must(socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE)), SA(a)) ? strerror(errno) : "bound");
	printf("stream: %s\n", socket(AF_INET, SOCK_STREAM, IPPROTO_UDPLITE) < 0 ? strerror(errno) : "made");
	exchange(AF_INET);
	exchange(AF_INET6);
	return 0;
}
