// Echo requests by raw sockets of both versions, filters, headers of the application's, who may; sockets for pings.
#include "net.h"
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#define ICMP_FILTER 1
static uint16_t sum(const void *p, int n) {
	uint32_t t = 0;
	const uint16_t *w = p;
	for (; n > 1; n -= 2) t += *w++;
	if (n) t += *(uint8_t *)w;
	t = (t >> 16) + (t & 0xffff), t += t >> 16;
	return ~t;
}

int main(void) {
	int s = must(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	struct sockaddr_in a = in4(LO, 0), from;
	struct { struct icmphdr h; char d[8]; } q = {{ICMP_ECHO, 0, 0, {{htons(77), htons(1)}}}, "payload"};
	q.h.checksum = sum(&q, sizeof q);
	unsigned char b[256];
	socklen_t n = sizeof from;
	uint32_t filter = ~(1 << ICMP_ECHOREPLY);
	show(sendto(s, &q, sizeof q, 0, SA(a))), show(recvfrom(s, b, 256, 0, (struct sockaddr *)&from, &n)), fact("version %d length %d protocol %d type %d from %#x port %d", b[0] >> 4, b[3], b[9], b[20], ntohl(from.sin_addr.s_addr), from.sin_port), show(recv(s, b, 256, 0)), fact("type %d id %d data %s", b[20], b[24] << 8 | b[25], b + 28);
	show(setsockopt(s, SOL_RAW, ICMP_FILTER, &filter, 4)), show(sendto(s, &q, sizeof q, 0, SA(a))), show(recv(s, b, 256, 0)), fact("type %d", b[20]), show(recv(s, b, 256, MSG_DONTWAIT));
	show(connect(s, SA(a))), show(send(s, &q, sizeof q, 0)), show(recv(s, b, 10, MSG_TRUNC)), show(getsockname(s, (struct sockaddr *)&from, &n)), fact("%#x", ntohl(from.sin_addr.s_addr));
	int raw = must(socket(AF_INET, SOCK_RAW, IPPROTO_RAW));
	show(opt(raw, SOL_IP, IP_HDRINCL)), show(opt(s, SOL_IP, IP_HDRINCL)), show(sendto(raw, "short", 5, 0, SA(a)));
	unsigned char p[20 + sizeof q] = {0x45, 0, 0, 0, 0, 0, 0, 0, 9, 1, 0, 0, 127, 0, 0, 3, 127, 0, 0, 1};
	memcpy(p + 20, &q, sizeof q), s = must(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)), filter = ~(1 << ICMP_ECHO), must(setsockopt(s, SOL_RAW, ICMP_FILTER, &filter, 4)), show(sendto(raw, p, sizeof p, 0, SA(a))), show(recv(s, b, 256, 0)), fact("from %d.%d.%d.%d ttl %d length %d checksum %d", b[12], b[13], b[14], b[15], b[8], b[3], sum(b, 20));
	int u = must(socket(AF_INET, SOCK_RAW, IPPROTO_UDP)), d = must(socket(AF_INET, SOCK_DGRAM, 0)), e = must(socket(AF_INET, SOCK_DGRAM, 0));
	must(bind(d, SA(a))), a.sin_port = htons(port(d)), must(sendto(e, "hello", 5, 0, SA(a))), show(recv(u, b, 256, 0)), fact("%.5s", b + 28), show(recv(d, b, 256, 0));
	show(socket(AF_INET, SOCK_RAW, 0)), show(socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP)), show(listen(s, 1));
	int s6 = must(socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6));
	struct icmp6_filter f6;
	struct sockaddr_in6 a6 = in6("::1", 0);
	memset(&f6, 255, sizeof f6), f6.icmp6_filt[ICMP6_ECHO_REPLY >> 5] &= ~(1u << (ICMP6_ECHO_REPLY & 31)), show(setsockopt(s6, IPPROTO_ICMPV6, ICMP6_FILTER, &f6, sizeof f6)), q.h.type = ICMP6_ECHO_REQUEST, q.h.checksum = 0, show(sendto(s6, &q, sizeof q, 0, SA(a6))), show(recv(s6, b, 256, 0)), fact("type %d %s", b[0], b + 8), show(opt(s6, SOL_IPV6, IPV6_CHECKSUM)), show(set(s6, SOL_IPV6, IPV6_V6ONLY, 0));
	quiet(spawn(must(setuid(1000)); show(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)); show(socket(AF_INET6, SOCK_RAW, IPPROTO_UDP))));
	return 0;
}
