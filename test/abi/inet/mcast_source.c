// Groups by source: IP_ADD_SOURCE_MEMBERSHIP and its kin, the MCAST_ options of both versions, IP_MSFILTER and MCAST_MSFILTER; who is heard.
#include "net.h"
#include <net/if.h>
#define GROUP 0xefff0101
static int r, s;
static struct ip_mreq_source src(uint32_t from) { return (struct ip_mreq_source){.imr_multiaddr.s_addr = htonl(GROUP), .imr_interface.s_addr = htonl(LO), .imr_sourceaddr.s_addr = htonl(from)}; }
static void heard(const char *what) { // by two sources
	char b[8] = "", line[32] = "";
	for (int i = 0; i < 2; i++) {
		int f = must(socket(AF_INET, SOCK_DGRAM, 0));
		struct sockaddr_in me = in4(LO + i, 0), to = in4(GROUP, port(r));
		struct ip_mreqn out = {.imr_ifindex = 1};
		must(bind(f, SA(me))), must(setsockopt(f, SOL_IP, IP_MULTICAST_IF, &out, sizeof out)), must(sendto(f, i ? "2" : "1", 1, 0, SA(to))), close(f);
	}
	while (recv(r, b, 8, MSG_DONTWAIT) > 0) strncat(line, b, 1);
	fact("%s: %s", what, *line ? line : "nobody");
}
#define SRC(o, from) fact("%s %d: %s", #o, (from) - LO, ename(err(({ struct ip_mreq_source q_ = src(from); setsockopt(r, SOL_IP, o, &q_, sizeof q_); }))))
static long mreq(int o) { return setsockopt(r, SOL_IP, o, &(struct ip_mreqn){.imr_multiaddr.s_addr = htonl(GROUP), .imr_ifindex = 1}, sizeof(struct ip_mreqn)); }
static struct group_source_req gsr(int fam, int index, const char *group, const char *from) {
	struct group_source_req q = {.gsr_interface = index};
	if (fam == AF_INET) {
		struct sockaddr_in *g = (void *)&q.gsr_group, *f = (void *)&q.gsr_source;
		g->sin_family = f->sin_family = AF_INET, inet_pton(AF_INET, group, &g->sin_addr), inet_pton(AF_INET, from, &f->sin_addr);
	} else {
		struct sockaddr_in6 g = in6(group, 0), f = in6(from, 0);
		memcpy(&q.gsr_group, &g, sizeof g), memcpy(&q.gsr_source, &f, sizeof f);
	}
	return q;
}
static void filter(void) {
	char b[64] = {0};
	struct ip_msfilter *f = (void *)b;
	f->imsf_multiaddr.s_addr = htonl(GROUP), f->imsf_interface.s_addr = htonl(LO), f->imsf_numsrc = 4;
	socklen_t n = sizeof b;
	int e = err(getsockopt(r, SOL_IP, 41 /* IP_MSFILTER */, f, &n));
	fact("filter: %s, mode %d, %d sources, %u bytes", ename(e), e ? 0 : f->imsf_fmode, e ? 0 : f->imsf_numsrc, n);
}
static long setfilter(int mode, int n, uint32_t a, uint32_t b) {
	struct { struct ip_msfilter f; uint32_t more[4]; } q = {.f = {.imsf_multiaddr.s_addr = htonl(GROUP), .imsf_interface.s_addr = htonl(LO), .imsf_fmode = mode, .imsf_numsrc = n}};
	uint32_t *at = (uint32_t *)((char *)&q + 16);
	at[0] = htonl(a), at[1] = htonl(b);
	return setsockopt(r, SOL_IP, 41, &q, 16 + 4 * n);
}

int main(void) {
	struct sockaddr_in a = in4(0, 0);
	r = must(socket(AF_INET, SOCK_DGRAM, 0)), must(bind(r, SA(a))), must(set(r, SOL_IP, IP_MULTICAST_ALL, 0)), heard("none joined"), filter();
	SRC(IP_BLOCK_SOURCE, LO), SRC(IP_UNBLOCK_SOURCE, LO), SRC(IP_DROP_SOURCE_MEMBERSHIP, LO), SRC(IP_ADD_SOURCE_MEMBERSHIP, LO), heard("source 0"), SRC(IP_ADD_SOURCE_MEMBERSHIP, LO), SRC(IP_ADD_SOURCE_MEMBERSHIP, LO + 1), heard("both"), filter(), SRC(IP_BLOCK_SOURCE, LO), show(mreq(IP_ADD_MEMBERSHIP)), SRC(IP_DROP_SOURCE_MEMBERSHIP, LO), heard("source 1"), SRC(IP_DROP_SOURCE_MEMBERSHIP, LO), SRC(IP_DROP_SOURCE_MEMBERSHIP, LO + 1), heard("none left"), filter(), SRC(IP_DROP_SOURCE_MEMBERSHIP, LO + 1);
	show(mreq(IP_ADD_MEMBERSHIP)), heard("all"), filter(), SRC(IP_ADD_SOURCE_MEMBERSHIP, LO), SRC(IP_BLOCK_SOURCE, LO), heard("0 blocked"), SRC(IP_BLOCK_SOURCE, LO), SRC(IP_BLOCK_SOURCE, LO + 1), heard("both blocked"), filter(), SRC(IP_UNBLOCK_SOURCE, LO), heard("0 unblocked"), SRC(IP_UNBLOCK_SOURCE, LO), SRC(IP_DROP_SOURCE_MEMBERSHIP, LO);
	show(mreq(IP_ADD_MEMBERSHIP)), show(setfilter(MCAST_INCLUDE, 1, LO, 0)), heard("include 0"), filter(), show(setfilter(MCAST_EXCLUDE, 1, LO, 0)), heard("exclude 0"), filter(), show(setfilter(MCAST_EXCLUDE, 0, 0, 0)), heard("exclude none"), show(setfilter(MCAST_INCLUDE, 2, LO, LO + 1)), filter(), show(setfilter(7, 1, LO, 0)), show(setfilter(MCAST_INCLUDE, 0, 0, 0)), heard("include none"), filter(), show(mreq(IP_DROP_MEMBERSHIP)), show(setfilter(MCAST_INCLUDE, 1, LO, 0));
	struct group_source_req q = gsr(AF_INET, 1, "239.255.1.1", "127.0.0.1");
	show(setsockopt(r, SOL_IP, MCAST_JOIN_SOURCE_GROUP, &q, sizeof q)), heard("MCAST source 0"), show(setsockopt(r, SOL_IP, MCAST_BLOCK_SOURCE, &q, sizeof q)), show(setsockopt(r, SOL_IP, MCAST_LEAVE_SOURCE_GROUP, &q, sizeof q)), show(setsockopt(r, SOL_IP, MCAST_JOIN_GROUP, &q, sizeof(struct group_req))), show(setsockopt(r, SOL_IP, MCAST_JOIN_GROUP, &q, sizeof(struct group_req))), show(setsockopt(r, SOL_IP, MCAST_BLOCK_SOURCE, &q, sizeof q)), heard("MCAST blocked"), show(setsockopt(r, SOL_IP, MCAST_LEAVE_GROUP, &q, sizeof(struct group_req))), show(setsockopt(r, SOL_IP, MCAST_LEAVE_GROUP, &q, sizeof(struct group_req)));
	q.gsr_interface = 77, show(setsockopt(r, SOL_IP, MCAST_JOIN_GROUP, &q, sizeof(struct group_req))), show(setsockopt(r, SOL_IP, MCAST_JOIN_SOURCE_GROUP, &q, sizeof q)), q = gsr(AF_INET, 1, "127.0.0.1", "127.0.0.1"), show(setsockopt(r, SOL_IP, MCAST_JOIN_GROUP, &q, sizeof(struct group_req))), show(setsockopt(r, SOL_IP, MCAST_JOIN_SOURCE_GROUP, &q, sizeof q)), show(setsockopt(r, SOL_IP, MCAST_JOIN_GROUP, &q, 20));
	s = must(socket(AF_INET6, SOCK_DGRAM, 0)), q = gsr(AF_INET6, 1, "ff05::77", "::1");
	show(setsockopt(s, SOL_IPV6, MCAST_JOIN_SOURCE_GROUP, &q, sizeof q)), show(setsockopt(s, SOL_IPV6, MCAST_JOIN_SOURCE_GROUP, &q, sizeof q)), show(setsockopt(s, SOL_IPV6, MCAST_JOIN_GROUP, &q, sizeof(struct group_req))), show(setsockopt(s, SOL_IPV6, MCAST_BLOCK_SOURCE, &q, sizeof q)), show(setsockopt(s, SOL_IPV6, MCAST_LEAVE_SOURCE_GROUP, &q, sizeof q)), show(setsockopt(s, SOL_IPV6, MCAST_JOIN_GROUP, &q, sizeof(struct group_req))), show(setsockopt(s, SOL_IPV6, MCAST_BLOCK_SOURCE, &q, sizeof q)), show(setsockopt(s, SOL_IPV6, MCAST_UNBLOCK_SOURCE, &q, sizeof q)), show(setsockopt(s, SOL_IPV6, MCAST_UNBLOCK_SOURCE, &q, sizeof q)), show(setsockopt(s, SOL_IPV6, MCAST_LEAVE_GROUP, &q, sizeof(struct group_req)));
	q = gsr(AF_INET, 1, "239.255.1.1", "127.0.0.1"), show(setsockopt(s, SOL_IPV6, MCAST_JOIN_GROUP, &q, sizeof(struct group_req))), show(setsockopt(s, SOL_IP, MCAST_JOIN_GROUP, &q, sizeof(struct group_req)));
	for (int i = 1; i < 30; i++) { struct ip_mreqn m = {.imr_multiaddr.s_addr = htonl(GROUP + i), .imr_ifindex = 1}; if (setsockopt(r, SOL_IP, IP_ADD_MEMBERSHIP, &m, sizeof m)) { fact("group %d: %s", i, ename(errno)); break; } }
	return 0;
}
