// Addresses by netlink: flags, scopes, labels, peers and broadcasts as dumps show them, secondary ones, lifetimes, what is refused, what goes with an interface, what ioctl shows of it.
#include "nl.h"
#include <arpa/inet.h>
#include <linux/if_addr.h>
static void dump(const char *what, int fam) {
	static char b[32768];
	begin(RTM_GETADDR, NLM_F_DUMP, &(struct ifaddrmsg){fam}, sizeof(struct ifaddrmsg)), must(send(nl, &q, q.h.nlmsg_len, 0)), fact("%s:", what);
	for (int end = 0; !end;) {
		long n = must(recv(nl, b, sizeof b, 0));
		for (struct nlmsghdr *h = (void *)b; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
			if (h->nlmsg_type != RTM_NEWADDR) { end = 1; break; }
			struct ifaddrmsg *m = NLMSG_DATA(h);
			char line[400] = "", t[64], dev[IF_NAMESIZE];
			int k = h->nlmsg_len - NLMSG_LENGTH(sizeof *m);
			for (struct rtattr *a = IFA_RTA(m); RTA_OK(a, k); a = RTA_NEXT(a, k)) {
				char *end_ = line + strlen(line);
				struct ifa_cacheinfo *c = RTA_DATA(a);
				if (a->rta_type == IFA_ADDRESS || a->rta_type == IFA_LOCAL || a->rta_type == IFA_BROADCAST || a->rta_type == IFA_ANYCAST) sprintf(end_, " %d=%s", a->rta_type, inet_ntop(m->ifa_family, RTA_DATA(a), t, 64));
				else if (a->rta_type == IFA_LABEL) sprintf(end_, " label=%s", (char *)RTA_DATA(a));
				else if (a->rta_type == IFA_FLAGS) sprintf(end_, " flags=%#x", *(unsigned *)RTA_DATA(a) & ~(IFA_F_STABLE_PRIVACY | IFA_F_TENTATIVE));
				else if (a->rta_type == IFA_CACHEINFO) sprintf(end_, " %s/%s", c->ifa_valid == ~0u ? "forever" : "limited", c->ifa_prefered == ~0u ? "forever" : c->ifa_prefered ? "limited" : "deprecated");
				else if (a->rta_type == IFA_RT_PRIORITY) sprintf(end_, " metric=%u", *(unsigned *)RTA_DATA(a));
			}
			fact("  %s /%d scope %d flags %#x%s", if_indextoname(m->ifa_index, dev) ?: "?", m->ifa_prefixlen, m->ifa_scope, m->ifa_flags & ~IFA_F_TENTATIVE, line);
		}
	}
}
// add adds an address with more attributes.
static int add(int flags, const char *dev, const char *local, const char *peer, int bits, int scope, const char *label, const char *bcast, unsigned valid, unsigned preferred) {
	struct ifaddrmsg m = {strchr(local, ':') ? AF_INET6 : AF_INET, bits, 0, scope, if_nametoindex(dev)};
	begin(RTM_NEWADDR, flags, &m, sizeof m), putip(IFA_LOCAL, local), putip(IFA_ADDRESS, peer ?: local);
	if (label) puts_(IFA_LABEL, label);
	if (bcast) putip(IFA_BROADCAST, bcast);
	if (valid) put(IFA_CACHEINFO, &(struct ifa_cacheinfo){preferred, valid}, sizeof(struct ifa_cacheinfo));
	return done();
}
#define NEW (NLM_F_CREATE | NLM_F_EXCL)

int main(void) {
	alone(), must(up("lo")), must(mklink("veth", "d0", "d1", 0));
	dump("at first", AF_UNSPEC);
	ok(add(NEW, "d0", "10.1.0.1", NULL, 24, 0, NULL, NULL, 0, 0)), ok(add(NEW, "d0", "10.1.0.1", NULL, 24, 0, NULL, NULL, 0, 0)), ok(add(NLM_F_CREATE | NLM_F_REPLACE, "d0", "10.1.0.1", NULL, 24, 0, NULL, NULL, 0, 0)), ok(add(NEW, "d0", "10.1.0.2", NULL, 24, 0, "d0:two", "10.1.0.255", 0, 0)), ok(add(NEW, "d0", "10.2.0.1", "10.2.0.9", 32, 0, NULL, NULL, 0, 0)), ok(add(NEW, "d1", "10.1.0.1", NULL, 24, RT_SCOPE_HOST, NULL, NULL, 0, 0)), ok(add(NEW, "d1", "10.3.0.2", NULL, 33, 0, NULL, NULL, 0, 0)), ok(add(NEW, "d1", "10.3.0.3", NULL, 24, 0, NULL, NULL, 5, 10)), ok(add(NEW, "d1", "224.0.0.1", NULL, 24, 0, NULL, NULL, 0, 0)), ok(add(NEW, "d1", "10.4.0.1", NULL, 0, 0, NULL, NULL, 0, 0));
	dump("IPv4", AF_INET);
	ok(address(RTM_DELADDR, 0, "d0", "10.1.0.1", 24)), ok(address(RTM_DELADDR, 0, "d0", "10.1.0.1", 24)), ok(address(RTM_DELADDR, 0, "d0", "10.1.0.77", 24)), ok(address(RTM_DELADDR, 0, "d1", "10.2.0.1", 32)), dump("the first went", AF_INET);
	linkmsg(RTM_DELLINK, 0, if_nametoindex("d0"), 0), ok(done()), dump("with the interface and its peer", AF_INET), must(address(RTM_DELADDR, 0, "lo", "127.0.0.1", 8)), ok(socket(AF_INET, SOCK_DGRAM, 0) >= 0 ? connect(must(socket(AF_INET, SOCK_DGRAM, 0)), (void *)&(struct sockaddr_in){AF_INET, htons(9), {htonl(0x7f000001)}}, 16) : -1), must(address(RTM_NEWADDR, NEW, "lo", "127.0.0.1", 8)), dump("the loopback's is back", AF_INET);
	ok(add(NEW, "lo", "fd00::1", NULL, 64, 0, NULL, NULL, 0, 0)), ok(add(NEW, "lo", "fd00::1", NULL, 64, 0, NULL, NULL, 0, 0)), ok(add(NEW, "lo", "fd00::1", NULL, 48, 0, NULL, NULL, 0, 0)), ok(add(NEW, "lo", "ff02::1", NULL, 64, 0, NULL, NULL, 0, 0)), ok(add(NEW, "lo", "::", NULL, 64, 0, NULL, NULL, 0, 0)), ok(add(NEW, "lo", "fd00::3", NULL, 129, 0, NULL, NULL, 0, 0)), dump("IPv6", AF_INET6), ok(address(RTM_DELADDR, 0, "lo", "fd00::1", 64)), ok(address(RTM_DELADDR, 0, "lo", "fd00::9", 64)), dump("one less", AF_INET6);
	return 0;
}
