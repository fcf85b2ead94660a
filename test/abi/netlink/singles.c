// Requests for one thing: an address, a neighbour, a route; names that are too long; NETLINK_GET_STRICT_CHK; what dumps are given that is too much.
#include "nl.h"
static char answer[16384];
static int strict;
// ask sends the request and tells what the first answer is.
static void ask(const char *what) {
	must(send(nl, &q, q.h.nlmsg_len, 0));
	int n = recv(nl, answer, sizeof answer, MSG_DONTWAIT);
	struct nlmsghdr *h = (void *)answer;
	if (n < 0) fact("%s: %s", what, ename(errno));
	else if (h->nlmsg_type == NLMSG_ERROR) fact("%s: error %s", what, ename(-((struct nlmsgerr *)NLMSG_DATA(h))->error));
	else if (h->nlmsg_type == NLMSG_DONE) fact("%s: nothing, done %s", what, ename(-*(int *)NLMSG_DATA(h)));
	else fact("%s: type %d, %s", what, h->nlmsg_type, h->nlmsg_flags & NLM_F_MULTI ? "of a list" : "alone");
	while (recv(nl, answer, sizeof answer, MSG_DONTWAIT) > 0);
}
static void longname(const char *what, int type, int attr, int n) {
	char name[64];
	memset(name, 'x', sizeof name), name[n] = 0;
	struct ifinfomsg m = {.ifi_family = AF_UNSPEC};
	begin(type, type == RTM_NEWLINK ? NLM_F_CREATE | NLM_F_ACK : NLM_F_ACK, &m, sizeof m), puts_(attr, name);
	if (type == RTM_NEWLINK) { struct rtattr *i = put(IFLA_LINKINFO, NULL, 0); puts_(IFLA_INFO_KIND, "bridge"), close_(i); }
	char line[100];
	snprintf(line, sizeof line, "%s, %d characters", what, n), ask(line);
}

int main(void) {
	must(unshare(CLONE_NEWNET));
	nl = must(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
	must(up("lo"));
	struct ifinfomsg link = {0};
	begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &link, sizeof link), puts_(IFLA_IFNAME, "d0");
	struct rtattr *info = put(IFLA_LINKINFO, NULL, 0);
	puts_(IFLA_INFO_KIND, "bridge"), close_(info), must(done()), must(address(RTM_NEWADDR, NLM_F_CREATE, "d0", "10.9.0.1", 24)), must(address(RTM_NEWADDR, NLM_F_CREATE, "d0", "fd00:9::1", 64)), must(up("d0"));
	int d0 = if_nametoindex("d0");
	for (strict = 0; strict < 2; strict++) {
		fact("== strict %d", strict), must(setsockopt(nl, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &strict, 4));
		struct ifaddrmsg a = {.ifa_family = AF_INET, .ifa_index = d0};
		begin(RTM_GETADDR, 0, &a, sizeof a), putip(IFA_ADDRESS, "10.9.0.1"), ask("address"), a.ifa_family = AF_INET6, begin(RTM_GETADDR, 0, &a, sizeof a), putip(IFA_ADDRESS, "fd00:9::1"), ask("address of IPv6"), begin(RTM_GETADDR, 0, &a, sizeof a), putip(IFA_ADDRESS, "fd00:9::2"), ask("no such"), begin(RTM_GETADDR, 0, &a, sizeof a), ask("none"), a.ifa_index = 0, begin(RTM_GETADDR, 0, &a, sizeof a), putip(IFA_ADDRESS, "fd00:9::1"), ask("anywhere"), a.ifa_index = 99, begin(RTM_GETADDR, 0, &a, sizeof a), putip(IFA_ADDRESS, "fd00:9::1"), ask("no such interface"), a.ifa_prefixlen = 64, begin(RTM_GETADDR, 0, &a, sizeof a), putip(IFA_ADDRESS, "fd00:9::1"), ask("a prefix");
		a = (struct ifaddrmsg){.ifa_family = AF_INET, .ifa_prefixlen = 24}, begin(RTM_GETADDR, NLM_F_DUMP, &a, sizeof a), ask("a dump with a prefix"), a = (struct ifaddrmsg){.ifa_family = AF_INET, .ifa_index = 99}, begin(RTM_GETADDR, NLM_F_DUMP, &a, sizeof a), ask("of no interface"), a.ifa_index = d0, begin(RTM_GETADDR, NLM_F_DUMP, &a, sizeof a), putip(IFA_ADDRESS, "10.9.0.1"), ask("with an attribute"), begin(RTM_GETADDR, NLM_F_DUMP, "", 1), ask("a short header");
		struct ndmsg n = {.ndm_family = AF_INET, .ndm_ifindex = d0, .ndm_state = NUD_PERMANENT};
		begin(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &n, sizeof n), putip(NDA_DST, "10.9.0.2"), put(NDA_LLADDR, "\2\0\0\0\0\1", 6), done(), n.ndm_state = 0;
		begin(RTM_GETNEIGH, 0, &n, sizeof n), ask("neighbour, none"), begin(RTM_GETNEIGH, 0, &n, sizeof n), putip(NDA_DST, "10.9.0.3"), ask("no such"), begin(RTM_GETNEIGH, 0, &n, sizeof n), put(NDA_DST, "abcdefgh", 8), ask("a length"), n.ndm_ifindex = 0, begin(RTM_GETNEIGH, 0, &n, sizeof n), putip(NDA_DST, "10.9.0.2"), ask("no interface"), n.ndm_ifindex = 99, begin(RTM_GETNEIGH, 0, &n, sizeof n), putip(NDA_DST, "10.9.0.2"), ask("no such interface"), n.ndm_ifindex = d0, n.ndm_state = 1, begin(RTM_GETNEIGH, 0, &n, sizeof n), putip(NDA_DST, "10.9.0.2"), ask("a state"), n.ndm_state = 0, n.ndm_family = 77, begin(RTM_GETNEIGH, 0, &n, sizeof n), putip(NDA_DST, "10.9.0.2"), ask("a family"), n.ndm_family = AF_INET, begin(RTM_GETNEIGH, NLM_F_DUMP, &n, sizeof n), ask("a dump of an interface"), begin(RTM_GETNEIGH, 0, "\2", 1), ask("a short header");
		struct rtmsg r = {.rtm_family = AF_INET};
		begin(RTM_GETROUTE, 0, &r, sizeof r), ask("route, none"), r.rtm_dst_len = 32, begin(RTM_GETROUTE, 0, &r, sizeof r), putip(RTA_DST, "10.9.0.7"), ask("route"), r.rtm_dst_len = 24, begin(RTM_GETROUTE, 0, &r, sizeof r), putip(RTA_DST, "10.9.0.0"), ask("a network"), r.rtm_dst_len = 32, begin(RTM_GETROUTE, 0, &r, sizeof r), putip(RTA_DST, "10.8.0.1"), ask("no way"), r.rtm_scope = 3, begin(RTM_GETROUTE, 0, &r, sizeof r), putip(RTA_DST, "10.9.0.7"), ask("a scope"), r.rtm_scope = 0, begin(RTM_GETROUTE, NLM_F_DUMP, &r, sizeof r), ask("a dump with a length"), begin(RTM_GETROUTE, 0, "\2", 1), ask("a short header");
		longname("new", RTM_NEWLINK, IFLA_IFNAME, 15), longname("new", RTM_NEWLINK, IFLA_IFNAME, 16), longname("new", RTM_NEWLINK, IFLA_IFNAME, 17), longname("get", RTM_GETLINK, IFLA_IFNAME, 15), longname("get", RTM_GETLINK, IFLA_IFNAME, 16), longname("get", RTM_GETLINK, IFLA_IFNAME, 30), longname("get by another", RTM_GETLINK, IFLA_ALT_IFNAME, 30), longname("delete", RTM_DELLINK, IFLA_IFNAME, 15), longname("delete", RTM_DELLINK, IFLA_IFNAME, 16), longname("set", RTM_SETLINK, IFLA_IFNAME, 16);
	}
	return 0;
}
