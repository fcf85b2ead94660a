// What traceroute and ping need: a raw socket sees the errors that datagrams of other sockets get, IPV6_CHECKSUM at SOL_RAW, messages of
// RFC 2292; and what the loopback has counted of a connection, and /proc/net/tcp shows of a listener.
#include "net.h"
#include <netinet/icmp6.h>
#ifndef IPV6_2292PKTINFO
#define IPV6_2292PKTINFO 2
#define IPV6_2292HOPLIMIT 8
#endif

static void hears(const char *what, int raw, int six) {
	unsigned char b[200];
	char c[300];
	struct msghdr m = {.msg_iov = &(struct iovec){b, sizeof b}, .msg_iovlen = 1, .msg_control = c, .msg_controllen = sizeof c};
	until(raw, POLLIN);
	long n = must(recvmsg(raw, &m, 0)), at = six ? 0 : 20;
	fact("%s: %ld bytes, type %d code %d", what, n, b[at], b[at + 1]);
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h))
		fact("  message %d/%d of %d", h->cmsg_level, h->cmsg_type, (int)h->cmsg_len);
}
static unsigned long lo(int column) {
	char line[300];
	unsigned long v[16] = {0};
	FILE *f = fopen("/proc/net/dev", "r");
	while (fgets(line, sizeof line, f))
		if (strstr(line, "lo:"))
			sscanf(strstr(line, "lo:") + 3, "%lu%lu%lu%lu%lu%lu%lu%lu%lu%lu", v, v + 1, v + 2, v + 3, v + 4, v + 5, v + 6, v + 7, v + 8, v + 9);
	fclose(f);
	return v[column];
}
int main(void) {
	int raw = must(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)), raw6 = must(socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6)), u = must(socket(AF_INET, SOCK_DGRAM, 0)), u6 = must(socket(AF_INET6, SOCK_DGRAM, 0));
	struct sockaddr_in none = in4(LO, 9);
	struct sockaddr_in6 none6 = in6("::1", 9);
	struct icmp6_filter f;
	ICMP6_FILTER_SETBLOCKALL(&f);
	ICMP6_FILTER_SETPASS(ICMP6_DST_UNREACH, &f);
	must(setsockopt(raw6, IPPROTO_ICMPV6, ICMP6_FILTER, &f, sizeof f));
	show(set(raw6, SOL_RAW, IPV6_CHECKSUM, 2)), show(set(raw6, SOL_IPV6, IPV6_CHECKSUM, 2)), show(opt(raw6, SOL_IPV6, IPV6_CHECKSUM)), show(setsockopt(raw6, SOL_RAW, IPV6_CHECKSUM, &f, 3));
	must(sendto(u, "datagram", 8, 0, SA(none))), hears("IPv4", raw, 0);
	must(sendto(u6, "datagram", 8, 0, SA(none6))), hears("IPv6", raw6, 1);
	must(set(raw6, SOL_IPV6, IPV6_2292HOPLIMIT, 1)), must(set(raw6, SOL_IPV6, IPV6_2292PKTINFO, 1)), must(sendto(u6, "datagram", 8, 0, SA(none6))), hears("RFC 2292", raw6, 1);
	must(set(raw6, SOL_IPV6, IPV6_RECVPKTINFO, 1)), must(set(raw6, SOL_IPV6, IPV6_2292HOPLIMIT, 0)), must(sendto(u6, "datagram", 8, 0, SA(none6))), hears("both", raw6, 1);
	close(raw), close(raw6);
	unsigned long bytes = lo(0), packets = lo(1);
	int l = listener(5), c, d;
	char b[1000] = "", line[300];
	conn(l, &c, &d), must(write(c, b, sizeof b)), must(read(d, b, sizeof b)), must(write(d, b, sizeof b)), must(read(c, b, sizeof b));
	fact("loopback: bytes %d, packets %d", lo(0) - bytes >= 2000 + 5 * 52, lo(1) - packets >= 5);
	FILE *t = fopen("/proc/net/tcp", "r");
	while (fgets(line, sizeof line, t)) {
		unsigned local, state, tx, rx;
		if (sscanf(line, " %*d: %*x:%x %*x:%*x %x %x:%x", &local, &state, &tx, &rx) == 4 && local == (unsigned)port(l) && state == 10)
			fact("listener: tx %u rx %u", tx, rx);
	}
	return 0;
}
