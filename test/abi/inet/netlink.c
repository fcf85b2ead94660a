// Netlink: ports, dumps of a new namespace's interfaces and addresses, the loopback up and down, news, errors.
#include "../oracle.h"
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>
static int s;
static char buf[65536];
static int ask(int type, int flags, const void *body, int n) {
	static struct { struct nlmsghdr h; char b[256]; } q;
	q.h = (struct nlmsghdr){NLMSG_LENGTH(n), type, NLM_F_REQUEST | flags, 7, 0};
	memcpy(q.b, body, n);
	return send(s, &q, q.h.nlmsg_len, 0);
}
// answers prints what is queued.
static void answers(const char *what) {
	ssize_t n;
	fact("%s:", what);
	while ((n = recv(s, buf, sizeof buf, MSG_DONTWAIT)) > 0)
		for (struct nlmsghdr *h = (void *)buf; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
			struct ifinfomsg *l = NLMSG_DATA(h);
			struct ifaddrmsg *a = NLMSG_DATA(h);
			if (h->nlmsg_type == NLMSG_ERROR)
				fact("  error %s of %d", ename(-((struct nlmsgerr *)NLMSG_DATA(h))->error), ((struct nlmsgerr *)NLMSG_DATA(h))->msg.nlmsg_type);
			else if (h->nlmsg_type == NLMSG_DONE)
				fact("  done seq %u multi %d", h->nlmsg_seq, h->nlmsg_flags & NLM_F_MULTI);
			else if (h->nlmsg_type == RTM_NEWLINK) {
				fact("  link %d type %d up %d running %d seq %u", l->ifi_index, l->ifi_type, !!(l->ifi_flags & IFF_UP), !!(l->ifi_flags & IFF_RUNNING), h->nlmsg_seq);
				int left = IFLA_PAYLOAD(h);
				for (struct rtattr *r = IFLA_RTA(l); RTA_OK(r, left); r = RTA_NEXT(r, left))
					if (r->rta_type == IFLA_IFNAME || r->rta_type == IFLA_QDISC)
						fact("    %d: %s", r->rta_type, (char *)RTA_DATA(r));
					else if (r->rta_type == IFLA_MTU)
						fact("    mtu %d", *(int *)RTA_DATA(r));
			} else if (h->nlmsg_type == RTM_NEWADDR || h->nlmsg_type == RTM_DELADDR)
				fact("  address %d family %d /%d scope %d of %d", h->nlmsg_type, a->ifa_family, a->ifa_prefixlen, a->ifa_scope, a->ifa_index);
			else
				fact("  type %d", h->nlmsg_type);
		}
}
static void known(void) {
	struct ifaddrs *all, *i;
	must(getifaddrs(&all));
	for (i = all; i; i = i->ifa_next) {
		char text[64] = "";
		if (i->ifa_addr && i->ifa_addr->sa_family != AF_PACKET)
			inet_ntop(i->ifa_addr->sa_family, (char *)i->ifa_addr + (i->ifa_addr->sa_family == AF_INET ? 4 : 8), text, sizeof text);
		fact("%s family %d %s", i->ifa_name, i->ifa_addr ? i->ifa_addr->sa_family : -1, text);
	}
	freeifaddrs(all);
}

int main(void) {
	must(unshare(CLONE_NEWNET));
	show(socket(AF_NETLINK, SOCK_STREAM, NETLINK_ROUTE)), show(socket(AF_NETLINK, SOCK_RAW, 99));
	s = must(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
	struct sockaddr_nl a = {.nl_family = AF_NETLINK}, b;
	socklen_t n = sizeof b;
	show(send(s, "", 0, 0)), show(bind(s, (struct sockaddr *)&a, 8)), show(bind(s, (struct sockaddr *)&a, sizeof a));
	must(getsockname(s, (struct sockaddr *)&b, &n)), yes(b.nl_pid == getpid() && n == 12);
	int t = must(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
	show(bind(t, (struct sockaddr *)&b, sizeof b)), show(bind(t, (struct sockaddr *)&a, sizeof a)), must(getsockname(t, (struct sockaddr *)&b, &n)), yes((int)b.nl_pid < 0);
	show(listen(s, 1)), show(accept(s, NULL, NULL)), show(shutdown(s, SHUT_RD));
	struct rtgenmsg g = {AF_UNSPEC};
	struct ifinfomsg l = {.ifi_index = 1};
	struct ifaddrmsg ad = {AF_INET, 24, 0, 0, 1};
	known();
	ask(RTM_GETLINK, NLM_F_DUMP, &g, 1), answers("links"), ask(RTM_GETADDR, NLM_F_DUMP, &g, 1), answers("no addresses"), ask(RTM_GETLINK, 0, &l, sizeof l), answers("one link");
	l.ifi_index = 99, ask(RTM_GETLINK, 0, &l, sizeof l), answers("none"), ask(250, 0, &l, sizeof l), answers("unknown"), ask(RTM_GETROUTE, NLM_F_DUMP, &g, 1), answers("no routes");
	int group = RTNLGRP_LINK;
	must(setsockopt(t, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, 4)), l.ifi_index = 1, l.ifi_flags = l.ifi_change = IFF_UP, ask(RTM_NEWLINK, NLM_F_ACK, &l, sizeof l), answers("up");
	struct pollfd p = {t, POLLIN};
	show(poll(&p, 1, 1000)), must(recvfrom(t, buf, sizeof buf, 0, (struct sockaddr *)&b, &n)), fact("news %d from %d in %d", ((struct nlmsghdr *)buf)->nlmsg_type, b.nl_pid, b.nl_groups);
	ask(RTM_GETLINK, NLM_F_DUMP, &g, 1), answers("links");
	known();
	struct { struct ifaddrmsg m; struct rtattr r; unsigned char ip[4]; } q = {ad, {8, IFA_LOCAL}, {10, 1, 2, 3}};
	ask(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE, &q, sizeof q), answers("add"), ask(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &q, sizeof q), answers("again"), g.rtgen_family = AF_INET, ask(RTM_GETADDR, NLM_F_DUMP, &g, 1), answers("addresses");
	ask(RTM_DELADDR, NLM_F_ACK, &q, sizeof q), answers("delete"), ask(RTM_DELADDR, NLM_F_ACK, &q, sizeof q), answers("again");
	ask(RTM_GETLINK, NLM_F_DUMP, &g, 1), show(recv(s, buf, 8, MSG_PEEK | MSG_TRUNC) > 100), show(recv(s, buf, 8, 0)), answers("rest");
	b.nl_pid = 4000000, b.nl_groups = 0, show(sendto(s, "hello", 5, 0, (struct sockaddr *)&b, sizeof b));
	quiet(spawn(must(setuid(1000)); show(sendto(s, "hello", 5, 0, (struct sockaddr *)&b, sizeof b)); ask(RTM_NEWLINK, NLM_F_ACK, &l, sizeof l); answers("as a user")));
	return 0;
}
