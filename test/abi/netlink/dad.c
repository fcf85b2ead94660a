// Addresses of IPv6 are tentative until it is known that nobody else on the link has them: what that means for sockets and routes, IFA_F_NODAD, accept_dad and dad_transmits, an address that somebody has.
// slow: it takes a second or two until an address is known to be free
#include "nl.h"
#include <linux/if_addr.h>
#include <netinet/in.h>
// flags are those of an address of an interface, -1 if it is not there.
static int flags(const char *dev, const char *ip) {
	static char b[32768];
	char want[16];
	int got = -1, index = if_nametoindex(dev);
	must(inet_pton(AF_INET6, ip, want));
	begin(RTM_GETADDR, NLM_F_DUMP, &(struct ifaddrmsg){AF_INET6}, sizeof(struct ifaddrmsg)), must(send(nl, &q, q.h.nlmsg_len, 0));
	for (int end = 0; !end;) {
		long n = must(recv(nl, b, sizeof b, 0));
		for (struct nlmsghdr *h = (void *)b; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
			if (h->nlmsg_type != RTM_NEWADDR) { end = 1; break; }
			struct ifaddrmsg *m = NLMSG_DATA(h);
			int k = h->nlmsg_len - NLMSG_LENGTH(sizeof *m), own = 0, f = 0;
			for (struct rtattr *a = IFA_RTA(m); RTA_OK(a, k); a = RTA_NEXT(a, k)) {
				if (a->rta_type == IFA_ADDRESS) own = !memcmp(RTA_DATA(a), want, 16);
				if (a->rta_type == IFA_FLAGS) f = *(int *)RTA_DATA(a);
			}
			if (own && (int)m->ifa_index == index) got = f;
		}
	}
	return got;
}
static const char *binds(const char *ip) {
	int s = must(socket(AF_INET6, SOCK_DGRAM, 0));
	struct sockaddr_in6 a = {.sin6_family = AF_INET6};
	must(inet_pton(AF_INET6, ip, &a.sin6_addr));
	int e = err(bind(s, (void *)&a, sizeof a));
	close(s);
	return ename(e);
}
static void shows(const char *what, const char *dev, const char *ip) {
	int f = flags(dev, ip);
	if (f < 0) { fact("%s: not there", what); return; }
	fact("%s: %s%s%s%s, bind %s", what, f & IFA_F_PERMANENT ? "permanent" : "?", f & IFA_F_TENTATIVE ? " tentative" : "", f & IFA_F_NODAD ? " nodad" : "", f & IFA_F_DADFAILED ? " failed" : "", binds(ip));
}
static void until_(const char *dev, const char *ip, int flag, int on) {
	for (int i = 0; i < 400 && !!(flags(dev, ip) & flag) != on; i++) usleep(20000);
}
static int nodad(const char *dev, const char *ip) {
	struct ifaddrmsg m = {AF_INET6, 64, IFA_F_NODAD, 0, if_nametoindex(dev)};
	begin(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &m, sizeof m), putip(IFA_LOCAL, ip);
	return done();
}
static void knob(const char *dev, const char *name, const char *value) {
	char path[100];
	snprintf(path, sizeof path, "/proc/sys/net/ipv6/conf/%s/%s", dev, name);
	int fd = open(path, O_WRONLY);
	fact("%s = %s: %s", name, value, fd < 0 ? ename(errno) : ename(err(write(fd, value, strlen(value))))), close(fd);
}

int main(void) {
	alone(), must(up("lo")), must(mklink("veth", "d0", "d1", 0)), must(up("d0")), must(up("d1"));
	must(address(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, "lo", "fd00:8::1", 64)), until_("lo", "fd00:8::1", IFA_F_TENTATIVE, 0), shows("on the loopback", "lo", "fd00:8::1");
	must(address(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, "d0", "fd00:9::1", 64)), shows("added", "d0", "fd00:9::1");
	must(nodad("d0", "fd00:9::2")), shows("without asking", "d0", "fd00:9::2");
	knob("d0", "accept_dad", "0"), must(address(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, "d0", "fd00:9::3", 64)), until_("d0", "fd00:9::3", IFA_F_TENTATIVE, 0), shows("accept_dad 0", "d0", "fd00:9::3"), knob("d0", "accept_dad", "1");
	knob("d0", "dad_transmits", "0"), must(address(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, "d0", "fd00:9::4", 64)), until_("d0", "fd00:9::4", IFA_F_TENTATIVE, 0), shows("dad_transmits 0", "d0", "fd00:9::4"), knob("d0", "dad_transmits", "1");
	until_("d0", "fd00:9::1", IFA_F_TENTATIVE, 0), shows("later", "d0", "fd00:9::1");
	must(address(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, "d1", "fd00:9::1", 64)), until_("d1", "fd00:9::1", IFA_F_DADFAILED, 1), shows("the same at the other end", "d1", "fd00:9::1");
	fact("removed: %s", ename(err(address(RTM_DELADDR, 0, "d1", "fd00:9::1", 64)))), shows("after that", "d1", "fd00:9::1");
	return 0;
}
