// Netlink sockets: names and ports, groups by bind and by option, NETLINK_ options, truncation and MSG_TRUNC, peeks, poll, protocols that are not there, who hears of changes.
#include "nl.h"
#include <linux/netlink.h>
static void name(const char *what, int s) {
	struct sockaddr_nl a;
	socklen_t n = sizeof a;
	int e = err(getsockname(s, (void *)&a, &n));
	fact("%s: %s, %u bytes, family %d, pid %s, groups %#x", what, ename(e), n, a.nl_family, a.nl_pid == 0 ? "none" : a.nl_pid == (unsigned)getpid() ? "the process's" : "another", a.nl_groups), n = sizeof a;
	e = err(getpeername(s, (void *)&a, &n)), fact("  peer: %s, pid %u, groups %#x", ename(e), e ? 0 : a.nl_pid, e ? 0 : a.nl_groups);
}
static int get(int s, int o) { int v = 0; socklen_t n = 4; return getsockopt(s, SOL_NETLINK, o, &v, &n) ? -errno : v; }
#define GROUPS(s) ({ unsigned g_[4] = {0}; socklen_t n_ = 16; int e_ = err(getsockopt(s, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, g_, &n_)); fact("memberships: %s %#x", ename(e_), g_[0]); })
static void heard(const char *what, int s) {
	char b[8192], types[64] = "";
	long n;
	while ((n = recv(s, b, sizeof b, MSG_DONTWAIT)) > 0) snprintf(types + strlen(types), 12, " %d", ((struct nlmsghdr *)b)->nlmsg_type);
	fact("%s hears:%s; %s", what, types, ename(errno));
}

int main(void) {
	alone();
	int a = must(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)), b = must(socket(AF_NETLINK, SOCK_DGRAM, NETLINK_ROUTE)), c, v;
	struct sockaddr_nl me = {.nl_family = AF_NETLINK}, link_ = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK}, pid = {.nl_family = AF_NETLINK, .nl_pid = getpid()}, big = {.nl_family = AF_NETLINK, .nl_pid = 7777777};
	char buf[64];
	name("new", a), ok(bind(a, (void *)&me, sizeof me)), name("bound", a), ok(bind(a, (void *)&link_, sizeof me)), name("bound again with a group", a), ok(bind(a, (void *)&big, sizeof me)), ok(bind(b, (void *)&pid, sizeof me)), close(b), b = must(socket(AF_NETLINK, SOCK_DGRAM, NETLINK_ROUTE)), ok(bind(b, (void *)&me, 8)), me.nl_pid = getpid(), me.nl_groups = RTMGRP_LINK, ok(bind(a, (void *)&me, sizeof me)), name("with its port", a), c = must(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)), ok(bind(c, (void *)&big, sizeof big)), GROUPS(a), GROUPS(c);
	ok(connect(b, (void *)&big, sizeof big)), name("connected", b), ok(connect(b, (void *)&(struct sockaddr){AF_UNSPEC}, sizeof big)), name("and not", b), ok(connect(b, (void *)&link_, sizeof link_)), name("to a group", b), ok(listen(a, 1)), ok(accept(a, NULL, NULL)), ok(shutdown(a, SHUT_RD)), ok(socketpair(AF_NETLINK, SOCK_RAW, 0, (int[2]){0}));
	v = RTNLGRP_IPV4_IFADDR, ok(setsockopt(c, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &v, 4)), GROUPS(c), ok(setsockopt(c, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &v, 4)), v = 0, ok(setsockopt(c, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &v, 4)), v = 9999, ok(setsockopt(c, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &v, 4)), ok(setsockopt(c, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &v, 2));
	must(up("lo")), heard("of links", a), heard("of addresses", c), must(address(RTM_NEWADDR, NLM_F_CREATE, "lo", "10.9.8.7", 32)), heard("of links", a), heard("of addresses", c), v = RTNLGRP_IPV4_IFADDR, ok(setsockopt(c, SOL_NETLINK, NETLINK_DROP_MEMBERSHIP, &v, 4)), must(address(RTM_DELADDR, 0, "lo", "10.9.8.7", 32)), heard("of nothing any more", c);
	for (int o = 1; o <= 12; o++) { v = 1; int before = get(c, o), e = err(setsockopt(c, SOL_NETLINK, o, &v, 4)); if (o != NETLINK_ADD_MEMBERSHIP && o != NETLINK_DROP_MEMBERSHIP && o != 9 && o != 6 && o != 7 && o != 8) fact("option %d: %s, then %s, now %s", o, before < 0 ? ename(-before) : before ? "on" : "off", ename(e), get(c, o) < 0 ? ename(-get(c, o)) : get(c, o) ? "on" : "off"); }
	struct ifinfomsg lo = {.ifi_index = 1};
	begin(RTM_GETLINK, 0, &lo, sizeof lo), must(send(nl, &q, q.h.nlmsg_len, 0)), show(recv(nl, buf, 16, MSG_PEEK)), yes(recv(nl, buf, 16, MSG_PEEK | MSG_TRUNC) > 100), show(recv(nl, buf, 64, 0)), show(recv(nl, buf, 64, MSG_DONTWAIT)), must(send(nl, &q, q.h.nlmsg_len, 0));
	struct iovec io = {buf, 64};
	struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1, .msg_name = &me, .msg_namelen = sizeof me};
	show(recvmsg(nl, &m, 0)), fact("flags %#x, from pid %u, %u bytes", m.msg_flags, me.nl_pid, m.msg_namelen), show(poll(&(struct pollfd){nl, POLLIN | POLLOUT}, 1, 0)), begin(RTM_GETLINK, NLM_F_DUMP, &(struct ifinfomsg){0}, sizeof lo), must(send(nl, &q, q.h.nlmsg_len, 0)), fact("a second dump while one goes on: %s", ename(err(send(nl, &q, q.h.nlmsg_len, 0))));
	while (recv(nl, buf, 64, MSG_DONTWAIT) > 0) ;
	int x = must(socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK)), y = must(socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK));
	struct sockaddr_nl to = {.nl_family = AF_NETLINK, .nl_pid = 424242}, mine = {.nl_family = AF_NETLINK, .nl_pid = 242424};
	must(bind(x, (void *)&mine, sizeof mine)), must(bind(y, (void *)&to, sizeof to)), show(sendto(x, "to another", 10, 0, (void *)&to, sizeof to)), m.msg_namelen = sizeof me, show(recvmsg(y, &m, MSG_DONTWAIT)), fact("from %u", me.nl_pid), to.nl_pid = 555, show(sendto(x, "to nobody", 9, 0, (void *)&to, sizeof to));
	ok(socket(AF_NETLINK, SOCK_STREAM, 0)), ok(socket(AF_NETLINK, SOCK_SEQPACKET, 0)), ok(socket(AF_NETLINK, SOCK_RAW, 32)), ok(socket(AF_NETLINK, SOCK_RAW, -1)), ok(socket(AF_NETLINK, SOCK_RAW, 29)), ok(socket(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT)), ok(socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG));
	return 0;
}
