// Options that few ask for: the newer types of time stamps, headers of IPv6 of the application's own, first values and limits of some.
#include "net.h"
#include <netinet/ip6.h>
#ifndef IPV6_HDRINCL
#define IPV6_HDRINCL 36
#endif
#ifndef IP_PROTOCOL
#define IP_PROTOCOL 52
#endif
static const int stamps[] = {29, 35, 63, 64}; // SO_TIMESTAMP_OLD, SO_TIMESTAMPNS_OLD, and the newer ones
static void stamped(const char *what, int s) {
	struct sockaddr_in a = in4(LO, port(s));
	char c[300], b[10], line[100] = "";
	struct msghdr m;
	do { // until Linux has begun to note when packets come, which it does a while after it is asked to (net_enable_timestamp)
		m = (struct msghdr){.msg_iov = &(struct iovec){b, 10}, .msg_iovlen = 1, .msg_control = c, .msg_controllen = sizeof c};
		must(sendto(s, "x", 1, 0, SA(a))), must(recvmsg(s, &m, 0));
	} while (!CMSG_FIRSTHDR(&m));
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h))
		sprintf(line + strlen(line), " %d/%d of %d", h->cmsg_level, h->cmsg_type, (int)h->cmsg_len);
	fact("%s: %d %d %d %d,%s", what, opt(s, SOL_SOCKET, 29), opt(s, SOL_SOCKET, 35), opt(s, SOL_SOCKET, 63), opt(s, SOL_SOCKET, 64), line);
}
static void ipoptions(int s, const char *what, const char *v, int n) {
	char b[50];
	socklen_t k = sizeof b;
	int e = err(setsockopt(s, SOL_IP, IP_OPTIONS, v, n));
	fact("%s: %s, %s %d", what, ename(e), ename(err(getsockopt(s, SOL_IP, IP_OPTIONS, b, &k))), k);
}
int main(void) {
	int u = must(socket(AF_INET, SOCK_DGRAM, 0)), t = must(socket(AF_INET, SOCK_STREAM, 0)), u6 = must(socket(AF_INET6, SOCK_DGRAM, 0)), raw = must(socket(AF_INET, SOCK_RAW, 200)), raw6 = must(socket(AF_INET6, SOCK_RAW, IPPROTO_RAW)), other6 = must(socket(AF_INET6, SOCK_RAW, 200));
	struct sockaddr_in a = in4(LO, 0);
	must(bind(u, SA(a)));
	for (unsigned i = 0; i < 4; i++)
		for (unsigned k = 0; k < 4; k++) {
			char what[50];
			must(set(u, SOL_SOCKET, stamps[i], 1)), sprintf(what, "%d, then %d", stamps[i], stamps[k]), must(set(u, SOL_SOCKET, stamps[k], 1)), stamped(what, u);
			must(set(u, SOL_SOCKET, stamps[i], 0));
		}
	must(set(u, SOL_SOCKET, 65, 8 | 16)), stamped("SO_TIMESTAMPING_NEW", u), must(set(u, SOL_SOCKET, 37, 8 | 16)), stamped("SO_TIMESTAMPING_OLD", u);
	show(opt(u, SOL_SOCKET, SO_BPF_EXTENSIONS)), show(opt(raw, SOL_SOCKET, SO_REUSEADDR)), show(opt(other6, SOL_SOCKET, SO_REUSEADDR)), show(opt(u, SOL_SOCKET, SO_REUSEADDR));
	show(opt(u6, SOL_IP, IP_MULTICAST_ALL)), show(opt(u, SOL_IP, IP_MULTICAST_ALL)), show(opt(raw, SOL_IP, IP_PROTOCOL)), show(opt(t, SOL_IP, IP_PROTOCOL)), show(opt(u, SOL_IP, IP_PROTOCOL) == port(u));
	show(set(u, SOL_IP, 26, 2)), show(set(u, SOL_IP, 26, 1)), show(set(t, SOL_IP, 25, 1)), show(set(u, SOL_IP, 25, 1)), show(set(u6, SOL_IPV6, 31, 2)), show(set(u6, SOL_IPV6, 31, 1));
	show(set(t, SOL_TCP, TCP_DEFER_ACCEPT, 1000000)), show(opt(t, SOL_TCP, TCP_DEFER_ACCEPT) < 40000), show(set(u, SOL_SOCKET, 62, 77)), show(opt(u, SOL_SOCKET, 62)), show(set(u, SOL_SOCKET, 62, -1));
	long rate = 0;
	socklen_t n = sizeof rate;
	show(getsockopt(u, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, &n)), show(rate), show(n), show(set(u, SOL_SOCKET, SO_MAX_PACING_RATE, 5000)), show(getsockopt(u, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, &n)), show(rate);
	rate = 1L << 40, show(setsockopt(u, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, 8)), rate = 0, show(getsockopt(u, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, &n)), show(rate);
	ipoptions(t, "nothing", "", 0), ipoptions(t, "no operation", "\1\1\1\1", 4), ipoptions(t, "three bytes", "\1\1\1", 3), ipoptions(t, "no length", "\7", 1), ipoptions(t, "a length of 1", "\7\1\4\0", 4), ipoptions(t, "too long", "\7\50\4\0", 4), ipoptions(t, "rubbish", "\377\377\377\377", 4);
	show(opt(raw6, SOL_IPV6, IPV6_HDRINCL)), show(opt(other6, SOL_IPV6, IPV6_HDRINCL)), show(set(other6, SOL_IPV6, IPV6_HDRINCL, 1)), show(opt(other6, SOL_IPV6, IPV6_HDRINCL)), show(set(u6, SOL_IPV6, IPV6_HDRINCL, 1)), show(opt(u6, SOL_IPV6, IPV6_HDRINCL));
	struct { struct ip6_hdr h; char data[8]; } p = {{{{.ip6_un1_flow = htonl(6 << 28), .ip6_un1_plen = htons(8), .ip6_un1_nxt = 200, .ip6_un1_hlim = 7}}}, "payload"};
	struct sockaddr_in6 to = in6("::1", 0);
	int r = must(socket(AF_INET6, SOCK_RAW, 200));
	p.h.ip6_src = p.h.ip6_dst = to.sin6_addr, must(set(r, SOL_IPV6, IPV6_RECVHOPLIMIT, 1));
	show(sendto(raw6, &p, sizeof p, 0, SA(to))), show(sendto(raw6, &p, 39, 0, SA(to))), show(sendto(other6, &p, sizeof p, 0, SA(to)));
	for (int i = 0; i < 2; i++) {
		char c[100], b[100];
		struct msghdr m = {.msg_iov = &(struct iovec){b, 100}, .msg_iovlen = 1, .msg_control = c, .msg_controllen = sizeof c};
		long k = must(recvmsg(r, &m, 0));
		fact("got %ld %.7s hops %d", k, b, *(int *)CMSG_DATA(CMSG_FIRSTHDR(&m)));
	}
	return 0;
}
