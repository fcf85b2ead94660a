// Requests of rtnetlink, built by hand, in a network namespace of the program's own.
#include "../oracle.h"
#include <arpa/inet.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/fib_rules.h>
#include <linux/neighbour.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
static int nl;
static struct { struct nlmsghdr h; char b[1024]; } q;
UNUSED static void begin(int type, int flags, const void *fixed, int n) {
	memset(&q, 0, sizeof q);
	q.h = (struct nlmsghdr){NLMSG_LENGTH(NLMSG_ALIGN(n)), type, NLM_F_REQUEST | flags, 1, 0};
	memcpy(q.b, fixed, n);
}
UNUSED static struct rtattr *put(int type, const void *v, int n) {
	struct rtattr *a = (void *)((char *)&q + NLMSG_ALIGN(q.h.nlmsg_len));
	*a = (struct rtattr){RTA_LENGTH(n), type};
	if (n)
		memcpy(RTA_DATA(a), v, n);
	q.h.nlmsg_len = NLMSG_ALIGN(q.h.nlmsg_len) + RTA_ALIGN(a->rta_len);
	return a;
}
UNUSED static void puts_(int type, const char *s) { put(type, s, strlen(s) + 1); }
UNUSED static void put32(int type, int v) { put(type, &v, 4); }
UNUSED static void putip(int type, const char *s) {
	char b[16];
	int six = !!strchr(s, ':');
	must(inet_pton(six ? AF_INET6 : AF_INET, s, b));
	put(type, b, six ? 16 : 4);
}
UNUSED static void close_(struct rtattr *a) { a->rta_len = (char *)&q + q.h.nlmsg_len - (char *)a; }
// done sends the request and returns the error of the acknowledgement, 0 if it is none.
UNUSED static int done(void) {
	static char buf[8192];
	q.h.nlmsg_flags |= NLM_F_ACK;
	must(send(nl, &q, q.h.nlmsg_len, 0));
	for (;;) {
		must(recv(nl, buf, sizeof buf, 0));
		struct nlmsghdr *h = (void *)buf;
		if (h->nlmsg_type == NLMSG_ERROR)
			return errno = -((struct nlmsgerr *)NLMSG_DATA(h))->error, errno ? -1 : 0;
	}
}
UNUSED static void linkmsg(int type, int flags, int index, int up) {
	struct ifinfomsg m = {.ifi_index = index, .ifi_flags = up ? IFF_UP : 0, .ifi_change = up ? IFF_UP : 0};
	begin(type, flags, &m, sizeof m);
}
UNUSED static int up(const char *name) { return linkmsg(RTM_NEWLINK, 0, if_nametoindex(name), 1), done(); }
UNUSED static int address(int type, int flags, const char *dev, const char *ip, int bits) {
	struct ifaddrmsg m = {strchr(ip, ':') ? AF_INET6 : AF_INET, bits, 0, 0, if_nametoindex(dev)};
	begin(type, flags, &m, sizeof m);
	putip(IFA_LOCAL, ip), putip(IFA_ADDRESS, ip);
	return done();
}
// make makes an interface of a kind; of a veth peer is the other end's name, in the namespace of process pid if that is not 0.
UNUSED static int mklink(const char *kind, const char *name, const char *peer, int pid) {
	linkmsg(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0, 0);
	puts_(IFLA_IFNAME, name);
	struct rtattr *info = put(IFLA_LINKINFO, 0, 0);
	puts_(IFLA_INFO_KIND, kind);
	if (peer) {
		struct rtattr *data = put(IFLA_INFO_DATA, 0, 0), *p = put(VETH_INFO_PEER, &(struct ifinfomsg){0}, sizeof(struct ifinfomsg));
		puts_(IFLA_IFNAME, peer);
		if (pid)
			put32(IFLA_NET_NS_PID, pid);
		close_(p), close_(data);
	}
	close_(info);
	return done();
}
UNUSED static void alone(void) { must(unshare(CLONE_NEWNET)), nl = must(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)); }
// unasked gives an address of IPv6 that nobody else is asked about, and waits until it is there, which takes Linux a moment.
UNUSED static void unasked(const char *dev, const char *ip, int bits) {
	struct ifaddrmsg m = {AF_INET6, bits, IFA_F_NODAD, 0, if_nametoindex(dev)};
	begin(RTM_NEWADDR, NLM_F_CREATE, &m, sizeof m), putip(IFA_LOCAL, ip), must(done());
	struct sockaddr_in6 a = {.sin6_family = AF_INET6};
	socklen_t n = sizeof a;
	int s = must(socket(AF_INET6, SOCK_DGRAM, 0));
	must(bind(s, (struct sockaddr *)&a, n)), must(getsockname(s, (struct sockaddr *)&a, &n)), inet_pton(AF_INET6, ip, &a.sin6_addr);
	do
		sendto(s, "x", 1, 0, (struct sockaddr *)&a, n);
	while (poll(&(struct pollfd){s, POLLIN}, 1, 10) == 0);
	close(s);
}
// neighbour says where a neighbour is, so that nobody asks.
UNUSED static void neighbour(const char *dev, const char *ip) {
	struct ndmsg m = {.ndm_family = strchr(ip, ':') ? AF_INET6 : AF_INET, .ndm_ifindex = if_nametoindex(dev), .ndm_state = NUD_PERMANENT};
	begin(RTM_NEWNEIGH, NLM_F_CREATE, &m, sizeof m), putip(NDA_DST, ip), put(NDA_LLADDR, "\2\0\0\0\0\2", 6), must(done());
}
