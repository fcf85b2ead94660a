// net.ipv6.conf.*.disable_ipv6: addresses go and cannot be had; and accept_dad 2, by which that comes about when somebody else on the link has the link-local address.
// slow: it takes a second or two until an address is known to be free
#include "nl.h"
#include <linux/if_addr.h>
#include <netinet/in.h>
#define NEW(dev, ip, bits) fact("%s to %s: %s", ip, dev, ename(err(address(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, dev, ip, bits))))
static int knob(const char *dev, const char *name, const char *value) {
	char path[100], b[10] = "?";
	snprintf(path, sizeof path, "/proc/sys/net/ipv6/conf/%s/%s", dev, name);
	int fd = must(open(path, value ? O_WRONLY : O_RDONLY));
	if (value)
		fact("%s %s = %s: %s", dev, name, value, ename(err(write(fd, value, strlen(value)))));
	else
		must(read(fd, b, 9));
	close(fd);
	return atoi(b);
}
// shows prints the addresses of IPv6, by interface, as /proc/net/if_inet6 has them.
static void shows(const char *what) {
	char line[200];
	int of[3] = {0};
	FILE *f = fopen("/proc/net/if_inet6", "r");
	while (f && fgets(line, sizeof line, f))
		for (int k = 0; k < 3; k++)
			of[k] += !!strstr(line, (const char *[]){" lo\n", " d0\n", " d1\n"}[k]);
	fclose(f);
	fact("%s: lo %d d0 %d d1 %d addresses; disabled all %d default %d lo %d d0 %d d1 %d", what, of[0], of[1], of[2], knob("all", "disable_ipv6", NULL), knob("default", "disable_ipv6", NULL), knob("lo", "disable_ipv6", NULL), knob("d0", "disable_ipv6", NULL), knob("d1", "disable_ipv6", NULL));
}
static void talk(void) {
	int s = must(socket(AF_INET6, SOCK_DGRAM, 0)), four = must(socket(AF_INET, SOCK_DGRAM, 0));
	struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT, .sin6_port = htons(9)}, any = {.sin6_family = AF_INET6};
	struct sockaddr_in b = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(0x7f000001)};
	fact("  connect %s, IPv4 %s", ename(err(connect(s, (void *)&a, sizeof a))), ename(err(connect(four, (void *)&b, sizeof b)))), close(s), s = must(socket(AF_INET6, SOCK_DGRAM, 0)), a.sin6_port = 0;
	fact("  bind %s, any %s", ename(err(bind(s, (void *)&a, sizeof a))), ename(err(bind(four = must(socket(AF_INET6, SOCK_DGRAM, 0)), (void *)&any, sizeof any)))), close(s), close(four);
}
static void mac(const char *dev, const char *m) { linkmsg(RTM_NEWLINK, 0, if_nametoindex(dev), 0), put(IFLA_ADDRESS, m, 6), must(done()); }

int main(void) {
	alone(), must(up("lo")), must(mklink("veth", "d0", "d1", 0)), mac("d1", "\2\0\0\0\0\5"), must(up("d0"));
	NEW("d0", "fd00:9::1", 64), NEW("lo", "fd00:8::1", 128), shows("at first"), talk();
	knob("d0", "disable_ipv6", "1"), shows("d0 without"), NEW("d0", "fd00:9::2", 64), NEW("d0", "10.9.0.1", 24);
	knob("d0", "disable_ipv6", "0"), NEW("d0", "fd00:9::2", 64), shows("d0 again");
	knob("all", "disable_ipv6", "1"), shows("none"), NEW("lo", "fd00:8::1", 128), talk();
	must(mklink("veth", "d2", "d3", 0)), fact("new: %d", knob("d2", "disable_ipv6", NULL)), NEW("d2", "fd00:7::1", 64);
	knob("default", "disable_ipv6", "0"), must(mklink("veth", "d4", "d5", 0)), fact("newer: %d", knob("d4", "disable_ipv6", NULL)), NEW("d4", "fd00:6::1", 64);
	knob("lo", "disable_ipv6", "0"), shows("lo"), talk();
	knob("all", "disable_ipv6", "0"), shows("all"), talk(), fact("d2: %d", knob("d2", "disable_ipv6", NULL));
	unasked("d0", "fe80::ff:fe00:5", 64), knob("d1", "accept_dad", "2"), must(up("d1"));
	for (int k = 0; k < 500 && !knob("d1", "disable_ipv6", NULL); k++)
		usleep(20000);
	usleep(20000), fact("taken: disabled %d", knob("d1", "disable_ipv6", NULL)), NEW("d1", "fd00:9::7", 64);
	knob("d1", "accept_dad", "1"), knob("d1", "disable_ipv6", "0"), NEW("d1", "fd00:9::7", 64);
	return 0;
}
