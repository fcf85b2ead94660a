// Routes, rules and neighbours: what is refused, which way packets go, what goes with an address or an interface.
#include "nl.h"
static int route(int type, int flags, const char *to, int bits, const char *via, const char *dev, int table, int kind) {
	struct rtmsg m = {.rtm_family = AF_INET, .rtm_dst_len = bits, .rtm_table = table, .rtm_protocol = RTPROT_BOOT, .rtm_scope = type == RTM_DELROUTE ? RT_SCOPE_NOWHERE : via ? 0 : RT_SCOPE_LINK, .rtm_type = kind};
	begin(type, flags, &m, sizeof m);
	if (bits)
		putip(RTA_DST, to);
	if (via)
		putip(RTA_GATEWAY, via);
	if (dev)
		put32(RTA_OIF, if_nametoindex(dev));
	return done();
}
#define add(...) route(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, __VA_ARGS__)
#define del(...) route(RTM_DELROUTE, 0, __VA_ARGS__)
// way asks which way a packet goes.
static void way(const char *to, const char *from) {
	static char buf[8192];
	struct rtmsg m = {.rtm_family = AF_INET, .rtm_dst_len = 32, .rtm_src_len = from ? 32 : 0};
	char via[32] = "-", src[32] = "-", dev[IFNAMSIZ] = "-";
	begin(RTM_GETROUTE, 0, &m, sizeof m), putip(RTA_DST, to);
	if (from)
		putip(RTA_SRC, from);
	must(send(nl, &q, q.h.nlmsg_len, 0)), must(recv(nl, buf, sizeof buf, 0));
	struct nlmsghdr *h = (void *)buf;
	struct rtmsg *r = NLMSG_DATA(h);
	if (h->nlmsg_type == NLMSG_ERROR) {
		fact("to %s: %s", to, ename(-((struct nlmsgerr *)NLMSG_DATA(h))->error));
		return;
	}
	int left = RTM_PAYLOAD(h);
	for (struct rtattr *a = RTM_RTA(r); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if (a->rta_type == RTA_GATEWAY)
			inet_ntop(AF_INET, RTA_DATA(a), via, sizeof via);
		if (a->rta_type == RTA_PREFSRC)
			inet_ntop(AF_INET, RTA_DATA(a), src, sizeof src);
		if (a->rta_type == RTA_OIF)
			if_indextoname(*(int *)RTA_DATA(a), dev);
	}
	fact("to %s: type %d via %s dev %s src %s", to, r->rtm_type, via, dev, src);
}
static int rule(int type, int flags, const char *from, int bits, int table, int prio, int action) {
	struct fib_rule_hdr m = {.family = AF_INET, .src_len = bits, .table = table, .action = action};
	begin(type, flags, &m, sizeof m);
	if (bits)
		putip(FRA_SRC, from);
	if (prio)
		put32(FRA_PRIORITY, prio);
	return done();
}
static int neigh(int type, int flags, const char *ip, const char *dev, int state) {
	struct ndmsg m = {.ndm_family = AF_INET, .ndm_ifindex = if_nametoindex(dev), .ndm_state = state};
	begin(type, flags, &m, sizeof m), putip(NDA_DST, ip), put(NDA_LLADDR, "\2\0\0\0\0\11", 6);
	return done();
}
int main(void) {
	alone();
	must(up("lo")), must(mklink("veth", "a", "b", 0)), must(up("a")), must(up("b"));
	must(address(RTM_NEWADDR, NLM_F_CREATE, "a", "10.1.0.1", 24)), must(address(RTM_NEWADDR, NLM_F_CREATE, "a", "10.2.0.1", 24));
	way("10.1.0.9", NULL), way("10.1.0.1", NULL), way("10.1.0.255", NULL), way("10.3.0.1", NULL), way("127.1.2.3", NULL);
	show(add("10.3.0.0", 16, "10.1.0.7", NULL, 254, RTN_UNICAST)), show(add("10.3.0.0", 16, "10.1.0.8", NULL, 254, RTN_UNICAST)), way("10.3.0.1", NULL);
	show(add("10.4.0.0", 16, "10.9.0.7", NULL, 254, RTN_UNICAST));
	show(add("10.4.0.1", 16, "10.1.0.7", NULL, 254, RTN_UNICAST)), show(add("10.4.0.0", 16, NULL, "a", 254, RTN_UNICAST)), way("10.4.0.1", NULL);
	show(add("10.5.0.0", 16, NULL, NULL, 254, RTN_UNREACHABLE)), show(add("10.6.0.0", 16, NULL, NULL, 254, RTN_PROHIBIT)), show(add("10.7.0.0", 16, NULL, NULL, 254, RTN_BLACKHOLE));
	way("10.5.0.1", NULL), way("10.6.0.1", NULL), way("10.7.0.1", NULL), show(add("", 0, "10.2.0.9", NULL, 254, RTN_UNICAST)), way("8.8.8.8", NULL);
	show(add("8.8.0.0", 16, "10.1.0.44", NULL, 100, RTN_UNICAST)), way("8.8.8.8", NULL), show(rule(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, "10.1.0.0", 24, 100, 0, FR_ACT_TO_TBL));
	way("8.8.8.8", NULL), way("8.8.8.8", "10.1.0.1"), way("8.8.8.8", "10.2.0.1"), show(rule(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, "10.2.0.0", 24, 0, 50, FR_ACT_PROHIBIT)), way("8.8.8.8", "10.2.0.1");
	show(rule(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, "10.2.0.0", 24, 0, 50, FR_ACT_PROHIBIT)), show(rule(RTM_DELRULE, 0, NULL, 0, 0, 50, 0)), show(rule(RTM_DELRULE, 0, NULL, 0, 0, 50, 0)), way("8.8.8.8", "10.2.0.1");
	show(del("10.3.0.0", 16, NULL, NULL, 254, 0)), show(del("10.3.0.0", 16, NULL, NULL, 254, 0)), way("10.3.0.1", NULL);
	show(neigh(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL, "10.1.0.50", "a", NUD_PERMANENT)), show(neigh(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL, "10.1.0.50", "a", NUD_PERMANENT));
	show(neigh(RTM_NEWNEIGH, NLM_F_REPLACE, "10.1.0.51", "a", NUD_PERMANENT));
	show(neigh(RTM_DELNEIGH, 0, "10.1.0.50", "a", 0)), show(neigh(RTM_DELNEIGH, 0, "10.1.0.50", "a", 0));
	show(address(RTM_DELADDR, 0, "a", "10.2.0.1", 24)), way("10.2.0.8", NULL), linkmsg(RTM_NEWLINK, 0, if_nametoindex("a"), 0), ((struct ifinfomsg *)q.b)->ifi_change = IFF_UP;
	show(done()), way("10.4.0.1", NULL), way("10.1.0.9", NULL), way("10.5.0.1", NULL), show(add("10.8.0.0", 16, NULL, "a", 254, RTN_UNICAST));
	show(up("a")), way("10.4.0.1", NULL), way("10.1.0.9", NULL);
	return 0;
}
