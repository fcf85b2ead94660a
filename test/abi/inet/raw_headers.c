// Raw sockets with IP_HDRINCL: what the kernel fills in, what is refused, what receivers see; IPPROTO_RAW; IPV6_CHECKSUM; two sockets of a protocol; bound and connected ones.
#include "net.h"
#include <netinet/ip.h>
#define PROTO 253 // for experiments (RFC 3692)
static struct { struct iphdr h; char data[60000]; } p;
static struct iphdr fresh(int len) { return (struct iphdr){.version = 4, .ihl = 5, .tot_len = htons(20 + len), .ttl = 33, .protocol = PROTO, .saddr = htonl(LO), .daddr = htonl(LO)}; }
static void got(const char *what, int r) {
	unsigned char b[1500];
	struct sockaddr_in from;
	socklen_t n = sizeof from;
	int k = recvfrom(r, b, sizeof b, MSG_DONTWAIT | MSG_TRUNC, (void *)&from, &n), e = errno;
	struct iphdr *h = (void *)b;
	if (k < 0) { fact("%s: %s", what, ename(e)); return; }
	fact("%s: %d bytes, ihl %d, length %d, id %s, ttl %d, protocol %d, tos %#x, frag %#x, sum %s, from %x to %x port %d", what, k, h->ihl, ntohs(h->tot_len), h->id ? "some" : "none", h->ttl, h->protocol, h->tos, ntohs(h->frag_off) & 0x1fff, h->check ? "some" : "none", ntohl(h->saddr) & 0xff, ntohl(h->daddr) & 0xff, from.sin_port);
}

int main(void) {
	int r = must(socket(AF_INET, SOCK_RAW, PROTO)), w = must(socket(AF_INET, SOCK_RAW, IPPROTO_RAW)), s = must(socket(AF_INET, SOCK_RAW, PROTO)), r2 = must(socket(AF_INET, SOCK_RAW, PROTO));
	struct sockaddr_in a = in4(LO, 0), two = in4(LO + 1, 0), bcast = in4(0x7fffffff, 0);
	char b[100];
	fact("HDRINCL %d %d", opt(w, SOL_IP, IP_HDRINCL), opt(s, SOL_IP, IP_HDRINCL)), show(recv(w, b, 100, MSG_DONTWAIT));
	show(sendto(s, "payload", 7, 0, SA(a))), got("without a header", r), got("the second", r2), got("the sender, too", s);
	must(set(s, SOL_IP, IP_TTL, 9)), must(set(s, SOL_IP, IP_TOS, 0x10)), show(sendto(s, "payload", 7, 0, SA(a))), got("ttl and tos", r);
	must(shutdown(r2, SHUT_RD) && errno == ENOTCONN ? 0 : -1);
	p.h = fresh(8), show(sendto(w, &p, 28, 0, SA(a))), got("with one", r);
	p.h = fresh(8), p.h.tot_len = htons(999), p.h.id = htons(7), p.h.check = 1, show(sendto(w, &p, 28, 0, SA(a))), got("its length is put right", r);
	p.h = fresh(8), p.h.saddr = 0, show(sendto(w, &p, 28, 0, SA(a))), got("no source", r);
	p.h = fresh(8), p.h.saddr = htonl(0x0a000009), show(sendto(w, &p, 28, 0, SA(a))), got("a foreign source", r);
	p.h = fresh(8), p.h.daddr = htonl(LO + 5), show(sendto(w, &p, 28, 0, SA(a))), got("another destination", r);
	p.h = fresh(8), p.h.ihl = 15, show(sendto(w, &p, 28, 0, SA(a))), p.h = fresh(8), p.h.ihl = 4, show(sendto(w, &p, 28, 0, SA(a)) >= 0), got("too short", r), p.h = fresh(8), show(sendto(w, &p, 19, 0, SA(a)));
	p.h = fresh(8), p.h.ihl = 6, p.data[0] = 1, p.data[1] = 1, p.data[2] = 1, p.data[3] = 0, p.h.tot_len = htons(32), show(sendto(w, &p, 32, 0, SA(a))), got("with options", r), memset(p.data, 0, 8);
	p.h = fresh(8), p.h.protocol = 17, show(sendto(s, &p, 28, 0, SA(a))), got("a header as payload", r), must(set(s, SOL_IP, IP_HDRINCL, 1)), p.h = fresh(8), show(sendto(s, &p, 28, 0, SA(a))), got("switched on", r);
	must(set(w, SOL_SOCKET, SO_SNDBUF, 200000)), p.h = fresh(60000 - 20), show(sendto(w, &p, 60000, 0, SA(a))), got("large", r), show(send(w, &p, 28, 0)), show(sendto(w, &p, 28, 0, SA(bcast)));
	while (recv(r, b, 1, MSG_DONTWAIT) >= 0) ;
	while (recv(r2, b, 1, MSG_DONTWAIT) >= 0) ;
	ok(bind(r2, SA(two))), must(set(s, SOL_IP, IP_HDRINCL, 0)), must(sendto(s, "x", 1, 0, SA(a))), got("bound elsewhere", r2), must(sendto(s, "x", 1, 0, SA(two))), got("bound here", r2), a.sin_port = htons(5), ok(connect(r, SA(two)));
	while (recv(r, b, 1, MSG_DONTWAIT) >= 0) ;
	must(sendto(s, "x", 1, 0, SA(a))), got("connected to another", r);
	struct sockaddr_in name;
	socklen_t n = sizeof name;
	must(getsockname(r2, (void *)&name, &n)), fact("name: %x port %d", ntohl(name.sin_addr.s_addr), ntohs(name.sin_port) == PROTO), n = sizeof name, must(getsockname(r, (void *)&name, &n)), fact("name: %x port %d", ntohl(name.sin_addr.s_addr), ntohs(name.sin_port) == PROTO), n = sizeof name, ok(getpeername(r, (void *)&name, &n)), ok(listen(r, 1)), ok(accept(r, NULL, NULL)), events("raw", w);
	int s6 = must(socket(AF_INET6, SOCK_RAW, PROTO)), i6 = must(socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6));
	struct sockaddr_in6 a6 = in6("::1", 0), port6 = in6("::1", 9);
	show(opt(s6, SOL_IPV6, IPV6_CHECKSUM)), show(opt(i6, SOL_IPV6, IPV6_CHECKSUM)), show(set(i6, SOL_IPV6, IPV6_CHECKSUM, 2)), show(set(s6, SOL_IPV6, IPV6_CHECKSUM, 3)), show(set(s6, SOL_IPV6, IPV6_CHECKSUM, 2)), show(opt(s6, SOL_IPV6, IPV6_CHECKSUM)), show(sendto(s6, "abcdefgh", 8, 0, SA(a6))), show(recv(s6, b, 100, MSG_DONTWAIT)), fact("checksum %s", b[2] != 'c' || b[3] != 'd' ? "filled in" : "as it was"), show(sendto(s6, "abc", 3, 0, SA(a6))), show(sendto(s6, "x", 1, 0, SA(port6))), show(set(s6, SOL_IPV6, IPV6_CHECKSUM, -1)), show(sendto(s6, "abc", 3, 0, SA(a6))), show(recv(s6, b, 100, MSG_DONTWAIT)), show(set(s6, SOL_IP, IP_HDRINCL, 1));
	ok(socket(AF_INET, SOCK_RAW, 0)), ok(socket(AF_INET, SOCK_RAW, -1)), quiet(spawn(must(setuid(1000)); ok(socket(AF_INET, SOCK_RAW, PROTO)); ok(socket(AF_INET6, SOCK_RAW, PROTO))));
	return 0;
}
