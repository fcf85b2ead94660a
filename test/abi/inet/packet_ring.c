// Packet sockets: rings of two versions in shared memory.
#include "net.h"
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
static void statistics(int s) {
	unsigned v[3] = {0};
	socklen_t n = sizeof v;
	must(getsockopt(s, SOL_PACKET, PACKET_STATISTICS, v, &n));
	fact("  statistics: %u packets, %u dropped, %u", v[0], v[1], n);
}
static void ring2(void) {
	int s = open_on(SOCK_RAW, ETH_P_ALL);
	ok(set(s, SOL_PACKET, PACKET_VERSION, TPACKET_V2));
	struct tpacket_req r = {4096, 2, 2048, 4}, bad = {4096, 2, 2048, 5};
	ok(setsockopt(s, SOL_PACKET, PACKET_RX_RING, &bad, sizeof bad));
	ok(setsockopt(s, SOL_PACKET, PACKET_RX_RING, &r, sizeof r));
	ok(set(s, SOL_PACKET, PACKET_VERSION, TPACKET_V3));
	char *m = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, s, 0);
	ok(mmap(0, 4096, PROT_READ, MAP_SHARED, s, 0) == MAP_FAILED ? -1 : 0);
	events("an empty ring", s);
	for (int i = 0; i < 3; i++) ping(20 + i);
	events("a ring", s);
	for (int i = 0; i < 5; i++) {
		struct tpacket2_hdr *h = (void *)(m + i % 4 * 2048);
		struct sockaddr_ll *a = (void *)((char *)h + TPACKET_ALIGN(sizeof *h));
		fact("  status %x, %u of %u bytes, mac %u net %u, kind %d", h->tp_status & ~(TP_STATUS_CSUM_VALID | TP_STATUS_CSUMNOTREADY | TP_STATUS_TS_SOFTWARE), h->tp_snaplen, h->tp_len, h->tp_mac, h->tp_net, a->sll_pkttype);
		if (i == 0) h->tp_status = TP_STATUS_KERNEL, ping(30);
	}
	statistics(s);
	ok(setsockopt(s, SOL_PACKET, PACKET_RX_RING, &(struct tpacket_req){0}, sizeof r));
	close(s);
}
static void ring3(void) {
	int s = open_on(SOCK_DGRAM, ETH_P_IP), v = TPACKET_V3;
	socklen_t n = sizeof v;
	must(getsockopt(s, SOL_PACKET, PACKET_HDRLEN, &v, &n));
	fact("length of the header: %d", v);
	must(set(s, SOL_PACKET, PACKET_VERSION, TPACKET_V3));
	struct tpacket_req3 r = {8192, 2, 2048, 8, 50, 0, 0};
	ok(setsockopt(s, SOL_PACKET, PACKET_RX_RING, &r, sizeof r));
	char *m = mmap(0, 16384, PROT_READ | PROT_WRITE, MAP_SHARED, s, 0);
	ping(20), ping(21);
	struct pollfd p = {s, POLLIN};
	ok(poll(&p, 1, 10000));
	struct tpacket_block_desc *d = (void *)m;
	fact("  block %x, version %u, %u frames from %u, sequence %llu", d->hdr.bh1.block_status, d->version, d->hdr.bh1.num_pkts, d->hdr.bh1.offset_to_first_pkt, (unsigned long long)d->hdr.bh1.seq_num);
	struct tpacket3_hdr *h = (void *)(m + d->hdr.bh1.offset_to_first_pkt);
	for (unsigned i = 0; i < d->hdr.bh1.num_pkts; i++, h = (void *)((char *)h + h->tp_next_offset))
		fact("  %u of %u bytes, mac %u net %u, next %u", h->tp_snaplen, h->tp_len, h->tp_mac, h->tp_net, h->tp_next_offset);
	statistics(s);
	close(s);
}
int main(void) {
	own_loopback();
	lo = must(if_nametoindex("lo")), out = must(socket(AF_INET, SOCK_DGRAM, 0));
	set(out, SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
	int sink = must(socket(AF_INET, SOCK_DGRAM, 0));
	struct sockaddr_in at = in4(LO, 19999);
	must(bind(sink, SA(at)));
	ring2(), ring3();
	return 0;
}
