// The bit by which an IPv4 packet says that it must not be split, as IP_MTU_DISCOVER says: of UDP and raw sockets, of packets that fit and of such that do not. Raw sockets hear what goes over the loopback, put together again.
#include "net.h"
#include <netinet/ip.h>
static void look(const char *what, int r) {
	static char b[70000];
	struct pollfd p = {r, POLLIN};
	if (poll(&p, 1, 10000) != 1) { fact("  %s: nothing", what); return; }
	long n = must(recv(r, b, sizeof b, 0));
	struct iphdr *h = (void *)b;
	fact("  %s: %ld bytes, fragment field %#x", what, n, ntohs(h->frag_off));
}

int main(void) {
	static char big[60000];
	static const struct { const char *name; int v; } modes[] = {{"as it is", -1}, {"DONT", IP_PMTUDISC_DONT}, {"WANT", IP_PMTUDISC_WANT}, {"DO", IP_PMTUDISC_DO}, {"PROBE", IP_PMTUDISC_PROBE}, {"INTERFACE", IP_PMTUDISC_INTERFACE}, {"OMIT", IP_PMTUDISC_OMIT}};
	int hear = must(socket(AF_INET, SOCK_RAW, IPPROTO_UDP)), hear2 = must(socket(AF_INET, SOCK_RAW, 200)), sink = must(socket(AF_INET, SOCK_DGRAM, 0));
	struct sockaddr_in a = in4(LO, 0);
	must(bind(sink, SA(a))), a = in4(LO, port(sink));
	struct sockaddr_in raw = in4(LO, 0);
	for (unsigned i = 0; i < COUNT(modes); i++) {
		int u = must(socket(AF_INET, SOCK_DGRAM, 0)), r = must(socket(AF_INET, SOCK_RAW, 200));
		if (modes[i].v >= 0) must(set(u, SOL_IP, IP_MTU_DISCOVER, modes[i].v)), must(set(r, SOL_IP, IP_MTU_DISCOVER, modes[i].v));
		fact("%s: %d, %d", modes[i].name, opt(u, SOL_IP, IP_MTU_DISCOVER), opt(r, SOL_IP, IP_MTU_DISCOVER));
		must(sendto(u, "x", 1, 0, SA(a))), look("UDP", hear), must(sendto(u, big, sizeof big, 0, SA(a))), look("UDP, long", hear), must(sendto(r, "x", 1, 0, SA(raw))), look("raw", hear2), must(connect(u, SA(a))), must(send(u, "xy", 2, 0)), look("connected", hear), close(u), close(r);
	}
	return 0;
}
