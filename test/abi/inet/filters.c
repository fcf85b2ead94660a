// Programs that look at what sockets of datagrams receive (SO_ATTACH_FILTER in socket(7)): what they see, what they cut off, errors.
#include "net.h"
#include <linux/filter.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>

static int attach(int s, struct sock_filter *f, int n) {
	struct sock_fprog p = {n, f};
	return setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof p);
}
#define with(s, ...) attach(s, (struct sock_filter[]){__VA_ARGS__}, sizeof((struct sock_filter[]){__VA_ARGS__}) / sizeof(struct sock_filter))
#define LD(size, k) {BPF_LD | size | BPF_ABS, 0, 0, k}
#define EQ(k, yes, no) {BPF_JMP | BPF_JEQ, yes, no, k}
#define RET(k) {BPF_RET, 0, 0, k}

// fence returns when what was sent before has come: a datagram to oneself overtakes none.
static void fence(void) {
	int s = must(socket(AF_INET, SOCK_DGRAM, 0));
	struct sockaddr_in a = in4(LO, 0);
	char b;
	must(bind(s, SA(a))), a.sin_port = htons(port(s)), must(connect(s, SA(a)));
	must(send(s, "", 1, 0)), must(recv(s, &b, 1, 0)), close(s);
}

static void got(const char *what, int s) {
	char b[256], text[256] = "";
	int n, at = 0;
	fence();
	while ((n = recv(s, b, sizeof b, MSG_DONTWAIT)) >= 0) at += snprintf(text + at, sizeof text - at, " %d:%.*s", n, n, b);
	fact("%s:%s %s", what, text, ename(errno));
}

static void udp(int family) {
	int s = must(socket(family, SOCK_DGRAM, 0)), c = must(socket(family, SOCK_DGRAM, 0));
	struct sockaddr_in a = in4(LO, 0), from = in4(LO, 0);
	struct sockaddr_in6 a6 = in6("::1", 0);
	socklen_t n = sizeof a6;
	if (family == AF_INET) must(bind(s, SA(a))), must(bind(c, SA(from)));
	else must(bind(s, SA(a6))), must(bind(c, SA(a6)));
	must(getsockname(s, (void *)&a6, &n)), must(connect(c, (void *)&a6, n));
#define send3 must(send(c, "apple", 5, 0)), must(send(c, "banana", 6, 0)), must(send(c, "", 0, 0))
	show(with(s, LD(BPF_B, 8), EQ('b', 0, 1), RET(-1), RET(0)));
	send3, got("that begin with b", s);
	show(with(s, {BPF_LD | BPF_W | BPF_LEN, 0, 0, 0}, EQ(8 + 5, 0, 1), RET(-1), RET(0)));
	send3, got("of 5 bytes", s);
	show(with(s, LD(BPF_H, 0), EQ(port(c), 0, 1), RET(8 + 3), RET(0)));
	send3, got("from the port, three bytes", s);
	show(with(s, LD(BPF_H, 2), EQ(port(s), 0, 2), LD(BPF_H, 4), {BPF_RET | BPF_A, 0, 0, 0}, RET(0)));
	send3, got("as long as they say", s);
	show(with(s, RET(1)));
	send3, got("headers only", s);
	show(with(s, LD(BPF_W, SKF_NET_OFF), {BPF_ALU | BPF_RSH, 0, 0, 28}, EQ(family == AF_INET ? 4 : 6, 0, 1), RET(-1), RET(0)));
	send3, got("of the version", s);
	show(with(s, LD(BPF_W, SKF_AD_OFF + SKF_AD_PROTOCOL), EQ(family == AF_INET ? 0x800 : 0x86dd, 0, 1), RET(-1), RET(0)));
	send3, got("of the protocol", s);
	show(with(s, LD(BPF_W, 1000), RET(-1)));
	send3, got("beyond the end", s);
	show(with(s, LD(BPF_W, 0))), show(attach(s, NULL, 0)), show(attach(s, (void *)8, 2));
	show(setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, &n, 4));
	send3, got("as before", s);
	show(set(s, SOL_SOCKET, SO_DETACH_FILTER, 0)), show(set(s, SOL_SOCKET, SO_DETACH_FILTER, 0));
	send3, got("all", s);
}

int main(void) {
	udp(AF_INET), udp(AF_INET6);
	// As ping(8) does: replies to its own requests only.
	int s = must(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	struct sockaddr_in a = in4(LO, 0);
	show(with(s, {BPF_LDX | BPF_B | BPF_MSH, 0, 0, 0}, {BPF_LD | BPF_H | BPF_IND, 0, 0, 4}, EQ(0x1234, 0, 1), {BPF_JMP | BPF_JA, 0, 0, 1}, RET(0),
		  {BPF_LD | BPF_B | BPF_IND, 0, 0, 0}, EQ(ICMP_ECHOREPLY, 0, 1), RET(0xfffffff), RET(0)));
	for (int id = 0x1233; id < 0x1236; id++) {
		struct icmphdr q = {.type = ICMP_ECHO, .un.echo = {htons(id), htons(7)}};
		q.checksum = ~(htons(ICMP_ECHO << 8) + q.un.echo.id + q.un.echo.sequence);
		uint32_t sum = htons(ICMP_ECHO << 8) + q.un.echo.id + q.un.echo.sequence;
		q.checksum = ~((sum & 0xffff) + (sum >> 16));
		must(sendto(s, &q, sizeof q, 0, SA(a)));
	}
	unsigned char b[256];
	until(s, POLLIN);
	int n = must(recv(s, b, sizeof b, 0));
	fact("%d bytes, type %d, id %x", n, b[20], b[24] << 8 | b[25]);
	fence();
	show(recv(s, b, sizeof b, MSG_DONTWAIT));
	return 0;
}
