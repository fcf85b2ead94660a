// Packet sockets: what goes over the loopback as it is seen raw and cooked, filters, statistics, frames that are sent,
// memberships, errors.
#include "net.h"
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
static int lo, out;
static void ping(int n) {
	struct sockaddr_in a = in4(LO, 19999);
	char b[64] = "some bytes";
	must(sendto(out, b, n, 0, SA(a)));
}
static int open_on(int type, int proto) {
	int s = must(socket(AF_PACKET, type | SOCK_NONBLOCK, htons(proto)));
	struct sockaddr_ll a = {.sll_family = AF_PACKET, .sll_protocol = htons(proto), .sll_ifindex = lo};
	must(bind(s, SA(a)));
	return s;
}
static void frames(const char *what, int s) {
	unsigned char b[256];
	struct sockaddr_ll a;
	socklen_t len = sizeof a;
	fact("%s:", what);
	for (ssize_t n; (n = recvfrom(s, b, sizeof b, MSG_TRUNC, (void *)&a, &len)) >= 0; len = sizeof a)
		fact("  %zd bytes, kind %d, protocol %x, hatype %d, halen %d, lo %d, begins %02x %02x", n, a.sll_pkttype, ntohs(a.sll_protocol), a.sll_hatype, a.sll_halen,
		     a.sll_ifindex == lo, b[0], b[n > 30 ? 14 : 0]);
	fact("  %s", ename(errno));
}
static void statistics(int s) {
	unsigned v[3] = {0};
	socklen_t n = sizeof v;
	must(getsockopt(s, SOL_PACKET, PACKET_STATISTICS, v, &n));
	fact("  statistics: %u packets, %u dropped, %u", v[0], v[1], n);
}
int main(void) {
	own_loopback();
	lo = must(if_nametoindex("lo")), out = must(socket(AF_INET, SOCK_DGRAM, 0));
	set(out, SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
	int sink = must(socket(AF_INET, SOCK_DGRAM, 0));
	struct sockaddr_in at = in4(LO, 19999);
	must(bind(sink, SA(at)));
	int raw = open_on(SOCK_RAW, ETH_P_ALL), cooked = open_on(SOCK_DGRAM, ETH_P_IP), six = open_on(SOCK_RAW, ETH_P_IPV6);
	ping(10);
	frames("raw", raw), frames("cooked", cooked), frames("other protocol", six);
	struct sock_filter f[] = {{BPF_LD | BPF_W | BPF_LEN, 0, 0, 0}, {BPF_JMP | BPF_JGT, 0, 1, 60}, {BPF_RET, 0, 0, 20}, {BPF_RET, 0, 0, 0}};
	struct sock_fprog prog = {4, f}, bad = {3, f + 1}, none = {0, f};
	ok(setsockopt(raw, SOL_SOCKET, SO_ATTACH_FILTER, &bad, sizeof bad)), ok(setsockopt(raw, SOL_SOCKET, SO_ATTACH_FILTER, &none, sizeof none));
	ok(setsockopt(raw, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof prog));
	ping(10), ping(40);
	frames("more than 60 bytes, cut to 20", raw), statistics(raw);
	ok(set(raw, SOL_SOCKET, SO_DETACH_FILTER, 0)), ok(set(raw, SOL_SOCKET, SO_DETACH_FILTER, 0));
	ok(set(raw, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1));
	ping(11);
	frames("not outgoing", raw), frames("cooked", cooked);
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_protocol = htons(0x88b5), .sll_ifindex = lo, .sll_halen = 6}, name;
	socklen_t n = sizeof name;
	ok(sendto(cooked, "payload", 7, 0, SA(to)));
	frames("sent", raw);
	ok(sendto(raw, "short", 5, 0, SA(to))), ok(sendto(cooked, "x", 1, 0, NULL, 0));
	to.sll_ifindex = 9999;
	ok(bind(raw, SA(to))), ok(sendto(cooked, "x", 1, 0, SA(to))), ok(bind(raw, (void *)&to, 8)), ok(connect(raw, SA(to))), ok(listen(raw, 1));
	must(getsockname(cooked, (void *)&name, &n));
	fact("name: family %d protocol %x lo %d hatype %d halen %d, %u bytes", name.sll_family, ntohs(name.sll_protocol), name.sll_ifindex == lo, name.sll_hatype, name.sll_halen, n);
	struct packet_mreq m = {lo, PACKET_MR_PROMISC, 0, {0}}, nowhere = {9999, PACKET_MR_PROMISC, 0, {0}};
	ok(setsockopt(raw, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &m, sizeof m)), ok(setsockopt(raw, SOL_PACKET, PACKET_DROP_MEMBERSHIP, &m, sizeof m));
	ok(setsockopt(raw, SOL_PACKET, PACKET_DROP_MEMBERSHIP, &m, sizeof m)), ok(setsockopt(raw, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &nowhere, sizeof m));
	ok(socket(AF_PACKET, SOCK_STREAM, 0)), ok(set(raw, SOL_PACKET, 99, 0));
	return 0;
}
