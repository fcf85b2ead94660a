// Multicast over a veth: what is told of groups that are joined and left (IGMPv3, MLDv2), membership by interface.
#include "nl.h"
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
static int tap;
// heard prints the next report about a group, once for all the times it is told.
static void heard(const char *what, int family, const char *group) {
	unsigned char b[2000], g[16];
	char src[64];
	must(inet_pton(family, group, g));
	for (;;) {
		struct pollfd p = {tap, POLLIN};
		if (must(poll(&p, 1, 5000)) == 0) {
			fact("%s: nothing", what);
			return;
		}
		int n = must(recv(tap, b, sizeof b, 0)), six = b[0] >> 4 == 6, head = six ? 48 : 24;
		if (n < head + 8 || (six ? b[head] != 143 : b[9] != IPPROTO_IGMP || b[head] != 0x22))
			continue;
		for (unsigned char *r = b + head + 8; r < b + n; r += six ? 20 : 8)
			if (six == (family == AF_INET6) && !memcmp(r + 4, g, six ? 16 : 4) && r[0] == (strstr(what, "leave") ? 3 : 4)) {
				fact("%s: %s to %s hops %d record %d sources %d", what, six ? "MLD" : "IGMP", inet_ntop(family, six ? b + 24 : b + 16, src, sizeof src), six ? b[7] : b[8], r[0], r[2] << 8 | r[3]);
				fact("options %02x%02x%02x%02x tos %#x", six ? b[42] : b[20], six ? b[43] : b[21], six ? b[44] : b[22], six ? b[45] : b[23], six ? 0 : b[1]);
				return;
			}
	}
}
static int receiver(int port) {
	int s = must(socket(AF_INET, SOCK_DGRAM, 0));
	struct sockaddr_in a = {AF_INET, htons(port), {0}};
	must(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &(int){1}, 4)), must(bind(s, (void *)&a, sizeof a)), must(setsockopt(s, IPPROTO_IP, IP_MULTICAST_ALL, &(int){0}, 4));
	return s;
}
static void got(const char *who, int s) {
	char c;
	struct pollfd p = {s, POLLIN};
	fact("%s: %s", who, poll(&p, 1, strchr(who, '!') ? 300 : 5000) == 1 && recv(s, &c, 1, 0) == 1 ? "received" : "nothing");
}
static void from(const char *dev, const char *ip, int port) {
	int s = must(socket(AF_INET, SOCK_DGRAM, 0));
	struct sockaddr_in a = {AF_INET, htons(port), {inet_addr("239.1.2.3")}};
	struct ip_mreqn m = {{0}, {inet_addr(ip)}, if_nametoindex(dev)};
	must(setsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &m, sizeof m)), must(setsockopt(s, IPPROTO_IP, IP_MULTICAST_LOOP, &(int){0}, 4));
	must(setsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, dev, strlen(dev))), must(sendto(s, "m", 1, 0, (void *)&a, sizeof a)), close(s);
}
int main(void) {
	struct gate go, ready;
	alone();
	must(mklink("veth", "a", "b", 0)), must(mklink("veth", "c", "d", 0)), go = gate_new(), ready = gate_new();
	pid_t pid = spawn({
		alone(), gate_open(ready), gate_pass(go);
		up("b"), up("d"), address(RTM_NEWADDR, NLM_F_CREATE, "b", "10.1.0.2", 24), address(RTM_NEWADDR, NLM_F_CREATE, "d", "10.2.0.2", 24);
		gate_open(ready), gate_pass(go), from("b", "10.1.0.2", 7), gate_open(ready), gate_pass(go), from("d", "10.2.0.2", 7), gate_open(ready), gate_pass(go);
	});
	gate_pass(ready);
	linkmsg(RTM_NEWLINK, 0, if_nametoindex("b"), 0), put32(IFLA_NET_NS_PID, pid), must(done());
	linkmsg(RTM_NEWLINK, 0, if_nametoindex("d"), 0), put32(IFLA_NET_NS_PID, pid), must(done());
	must(up("a")), must(up("c")), must(address(RTM_NEWADDR, NLM_F_CREATE, "a", "10.1.0.1", 24)), must(address(RTM_NEWADDR, NLM_F_CREATE, "c", "10.2.0.1", 24));
	gate_open(go), gate_pass(ready);
	tap = must(socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_ALL)));
	struct sockaddr_ll l = {AF_PACKET, htons(ETH_P_ALL), if_nametoindex("a")};
	must(bind(tap, (void *)&l, sizeof l));
	int s = receiver(7), t = receiver(7), six = must(socket(AF_INET6, SOCK_DGRAM, 0));
	struct ip_mreqn m = {{inet_addr("239.1.2.3")}, {0}, if_nametoindex("a")}, n = {{inet_addr("239.1.2.3")}, {inet_addr("10.2.0.1")}, 0};
	show(setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof m)), show(setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof m)), heard("join", AF_INET, "239.1.2.3");
	show(setsockopt(t, IPPROTO_IP, IP_ADD_MEMBERSHIP, &n, sizeof n));
	gate_open(go), gate_pass(ready), got("a", s), got("c!", t), gate_open(go), gate_pass(ready), got("c", t), got("a!", s);
	show(setsockopt(s, IPPROTO_IP, IP_DROP_MEMBERSHIP, &m, sizeof m)), heard("leave", AF_INET, "239.1.2.3"), show(setsockopt(s, IPPROTO_IP, IP_DROP_MEMBERSHIP, &m, sizeof m));
	struct ipv6_mreq k = {.ipv6mr_interface = if_nametoindex("a")};
	inet_pton(AF_INET6, "ff05::1234", &k.ipv6mr_multiaddr);
	show(setsockopt(six, IPPROTO_IPV6, IPV6_JOIN_GROUP, &k, sizeof k)), heard("join", AF_INET6, "ff05::1234"), close(six), heard("leave", AF_INET6, "ff05::1234");
	gate_open(go), quiet(pid);
	return 0;
}
