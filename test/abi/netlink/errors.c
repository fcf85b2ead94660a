// What netlink answers to what is wrong: short and long messages, unknown types, missing flags, several in one datagram, acknowledgements, NETLINK_CAP_ACK and NETLINK_EXT_ACK, rights.
#include "nl.h"
static void answers(const char *what) {
	static char b[32768];
	long n;
	fact("%s:", what);
	for (int k = 0; k < 40 && (n = recv(nl, b, sizeof b, MSG_DONTWAIT)) >= 0; k++)
		for (struct nlmsghdr *h = (void *)b; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
			struct nlmsgerr *e = NLMSG_DATA(h);
			if (h->nlmsg_type == NLMSG_ERROR) fact("  error %s, %u bytes, flags %#x, seq %u, of type %d, pid %d", ename(-e->error), h->nlmsg_len > 60 ? 60 : (h->nlmsg_len + 3) & ~3u, h->nlmsg_flags & ~0x200, h->nlmsg_seq, e->msg.nlmsg_type, h->nlmsg_pid != 0);
			else if (h->nlmsg_type == NLMSG_DONE) fact("  done, flags %#x, seq %u, %d", h->nlmsg_flags, h->nlmsg_seq, *(int *)NLMSG_DATA(h));
			else fact("  type %d, flags %#x, seq %u", h->nlmsg_type, h->nlmsg_flags, h->nlmsg_seq);
		}
}
static void raw(const char *what, int len, int type, int flags, int n) {
	char b[64] = {0};
	*(struct nlmsghdr *)b = (struct nlmsghdr){len, type, flags, 7, 0};
	long k = send(nl, b, n, 0);
	if (k != n) fact("send: %s", ename(errno));
	answers(what);
}

int main(void) {
	alone();
	raw("less than a header", 10, RTM_GETLINK, NLM_F_REQUEST, 10), raw("a length below a header", 8, RTM_GETLINK, NLM_F_REQUEST, 16), raw("a length beyond the end", 100, RTM_GETLINK, NLM_F_REQUEST, 32), raw("no NLM_F_REQUEST", 32, RTM_GETLINK, 0, 32), raw("NLM_F_ACK alone", 32, RTM_GETLINK, NLM_F_ACK, 32);
	raw("NLMSG_NOOP", 16, NLMSG_NOOP, NLM_F_REQUEST | NLM_F_ACK, 16), raw("NLMSG_DONE", 20, NLMSG_DONE, NLM_F_REQUEST | NLM_F_ACK, 20), raw("type 15", 16, 15, NLM_F_REQUEST, 16), raw("an unknown type", 32, 4000, NLM_F_REQUEST, 32), raw("between the groups", 32, RTM_NEWLINK + 200, NLM_F_REQUEST | NLM_F_ACK, 32);
	raw("GETLINK, too short", 17, RTM_GETLINK, NLM_F_REQUEST, 20), raw("GETLINK of nothing", 32, RTM_GETLINK, NLM_F_REQUEST, 32), raw("GETADDR, not a dump", 24, RTM_GETADDR, NLM_F_REQUEST, 24), raw("DELLINK of nothing", 32, RTM_DELLINK, NLM_F_REQUEST | NLM_F_ACK, 32), raw("NEWADDR too short", 18, RTM_NEWADDR, NLM_F_REQUEST | NLM_F_ACK, 20), raw("NEWADDR of nothing", 24, RTM_NEWADDR, NLM_F_REQUEST | NLM_F_ACK, 24), raw("NEWROUTE of no family", 28, RTM_NEWROUTE, NLM_F_REQUEST | NLM_F_ACK, 28), raw("DELROUTE of nothing", 28, RTM_DELROUTE, NLM_F_REQUEST, 28);
	struct ifinfomsg lo = {.ifi_index = 1}, none = {.ifi_index = 999};
	begin(RTM_GETLINK, 0, &lo, sizeof lo), must(send(nl, &q, q.h.nlmsg_len, 0)), answers("GETLINK"), begin(RTM_GETLINK, NLM_F_ACK, &lo, sizeof lo), must(send(nl, &q, q.h.nlmsg_len, 0)), answers("GETLINK with ACK"), begin(RTM_GETLINK, NLM_F_ACK, &none, sizeof none), must(send(nl, &q, q.h.nlmsg_len, 0)), answers("GETLINK of none"), begin(RTM_GETLINK, 0, &(struct ifinfomsg){0}, sizeof lo), puts_(IFLA_IFNAME, "nowhere"), must(send(nl, &q, q.h.nlmsg_len, 0)), answers("by a name that is not");
	begin(RTM_GETLINK, NLM_F_DUMP, &(struct ifinfomsg){0}, sizeof lo), q.h.nlmsg_seq = 42, must(send(nl, &q, q.h.nlmsg_len, 0)), answers("a dump"), begin(RTM_GETLINK, NLM_F_DUMP | NLM_F_ACK, &(struct ifinfomsg){0}, sizeof lo), must(send(nl, &q, q.h.nlmsg_len, 0)), answers("a dump with ACK"), begin(RTM_GETADDR, NLM_F_DUMP, &(struct ifaddrmsg){AF_INET}, sizeof(struct ifaddrmsg)), must(send(nl, &q, q.h.nlmsg_len, 0)), answers("no addresses");
	char two[64] = {0};
	*(struct nlmsghdr *)two = (struct nlmsghdr){32, RTM_DELLINK, NLM_F_REQUEST | NLM_F_ACK, 1, 0}, *(struct nlmsghdr *)(two + 32) = (struct nlmsghdr){32, RTM_GETLINK, NLM_F_REQUEST, 2, 0}, ((struct ifinfomsg *)(two + 48))->ifi_index = 1, must(send(nl, two, 64, 0)), answers("two in one datagram");
	int one = 1;
	ok(setsockopt(nl, SOL_NETLINK, NETLINK_CAP_ACK, &one, 4)), begin(RTM_DELLINK, NLM_F_ACK, &none, sizeof none), puts_(IFLA_IFNAME, "a longer name"), must(send(nl, &q, q.h.nlmsg_len, 0)), answers("NETLINK_CAP_ACK"), ok(setsockopt(nl, SOL_NETLINK, NETLINK_CAP_ACK, &(int){0}, 4)), must(send(nl, &q, q.h.nlmsg_len, 0)), answers("without");
	begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, &(struct ifinfomsg){0}, sizeof lo), puts_(IFLA_IFNAME, "lo"), must(send(nl, &q, q.h.nlmsg_len, 0)), answers("a link that exists"), linkmsg(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, 0, 0), puts_(IFLA_IFNAME, "x"), close_(({ struct rtattr *i = put(IFLA_LINKINFO, 0, 0); puts_(IFLA_INFO_KIND, "nonsense"); i; })), must(send(nl, &q, q.h.nlmsg_len, 0)), answers("of an unknown kind");
	struct sockaddr_nl far = {.nl_family = AF_NETLINK, .nl_pid = 12345}, bad = {.nl_family = AF_INET};
	ok(sendto(nl, two, 32, 0, (void *)&far, sizeof far)), ok(sendto(nl, two, 32, 0, (void *)&bad, sizeof bad)), ok(sendto(nl, two, 32, 0, (void *)&far, 4)), ok(send(nl, two, 32, MSG_OOB)), ok(send(nl, two, 0, 0)), answers("nothing");
	quiet(spawn(must(setuid(1000)); must(close(nl)); nl = must(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)); raw("unprivileged DELLINK", 32, RTM_DELLINK, NLM_F_REQUEST | NLM_F_ACK, 32); raw("unprivileged GETLINK", 32, RTM_GETLINK, NLM_F_REQUEST | NLM_F_ACK, 32); raw("unprivileged NEWROUTE", 28, RTM_NEWROUTE, NLM_F_REQUEST | NLM_F_ACK, 28)));
	return 0;
}
