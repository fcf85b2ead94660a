// A bridge: ports, its carrier and address, what it refuses, frames from one port to the other, the table.
#include "nl.h"
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
static int master(const char *port, const char *bridge) {
	linkmsg(RTM_SETLINK, 0, if_nametoindex(port), 0), put32(IFLA_MASTER, bridge ? if_nametoindex(bridge) : 0);
	return done();
}
static int mac(const char *name, int last) {
	linkmsg(RTM_SETLINK, 0, if_nametoindex(name), 0), put(IFLA_ADDRESS, (char[]){2, 0, 0, 0, 0, last}, 6);
	return done();
}
static int tap(const char *name) {
	int s = must(socket(AF_PACKET, SOCK_RAW, htons(0x88b5)));
	struct sockaddr_ll a = {AF_PACKET, htons(0x88b5), if_nametoindex(name)};
	must(bind(s, (void *)&a, sizeof a)), must(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){5, 0}, sizeof(struct timeval)));
	return s;
}
static void frame(int s, int to, int from, char text) {
	char b[60] = {2, 0, 0, 0, 0, to, 2, 0, 0, 0, 0, from, 0x88, 0xb5, text};
	if (to == 255)
		memset(b, 255, 6);
	must(send(s, b, sizeof b, 0));
}
static void recvd(const char *who, int s, int flags) {
	unsigned char b[100];
	struct sockaddr_ll a;
	socklen_t n = sizeof a;
	int r = recvfrom(s, b, sizeof b, flags, (void *)&a, &n);
	if (r < 0)
		fact("%s: %s", who, ename(errno));
	else
		fact("%s: %d bytes '%c' from %d type %d", who, r, b[14], b[11], a.sll_pkttype);
}
static void stations(void) {
	static char buf[32768];
	struct ifinfomsg m = {.ifi_family = AF_BRIDGE};
	struct ndmsg *d;
	int n, all[256] = {0};
	begin(RTM_GETNEIGH, NLM_F_DUMP, &m, sizeof m), must(send(nl, &q, q.h.nlmsg_len, 0));
	for (int more = 1; more;)
		for (struct nlmsghdr *h = (n = must(recv(nl, buf, sizeof buf, 0)), (void *)buf); NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
			if (h->nlmsg_type == NLMSG_DONE) {
				more = 0;
				break;
			}
			d = NLMSG_DATA(h);
			int left = h->nlmsg_len - NLMSG_LENGTH(sizeof *d);
			for (struct rtattr *a = (void *)(d + 1); RTA_OK(a, left); a = RTA_NEXT(a, left))
				if (a->rta_type == NDA_LLADDR && *(unsigned char *)RTA_DATA(a) == 2)
					all[((unsigned char *)RTA_DATA(a))[5]] |= d->ndm_state;
		}
	for (int i = 0; i < 256; i++)
		if (all[i] & ~NUD_PERMANENT)
			fact("station %d state %#x", i, all[i]);
}
int main(void) {
	alone();
	show(mklink("bridge", "br", NULL, 0)), show(mklink("bridge", "br2", NULL, 0)), show(mklink("veth", "a", "x", 0)), show(mklink("veth", "b", "y", 0)), show(mklink("veth", "c", "z", 0));
	const char *names[] = {"br", "a", "b", "c", "x", "y", "z"};
	for (int i = 0; i < 7; i++)
		must(mac(names[i], i + 1)), must(up(names[i]));
	show(master("a", "br")), show(master("b", "br")), show(master("c", "br")), show(master("a", "br"));
	show(master("br2", "br")), show(master("lo", "br")), show(master("x", "y")), show(master("br", "br"));
	int a = tap("a"), x = tap("x"), y = tap("y"), z = tap("z"), br = tap("br");
	frame(x, 255, 5, 'b'), recvd("y", y, 0), recvd("z", z, 0), recvd("br", br, 0), recvd("a", a, MSG_DONTWAIT), recvd("x", x, MSG_DONTWAIT);
	frame(y, 5, 6, 'u'), recvd("x", x, 0), frame(z, 6, 7, 'v'), recvd("y", y, 0), recvd("z", z, MSG_DONTWAIT);
	frame(x, 7, 5, 'w'), recvd("z", z, 0), recvd("y", y, MSG_DONTWAIT);
	frame(x, 1, 5, 'm'), recvd("br", br, 0), frame(br, 255, 1, 'o'), recvd("x", x, 0), recvd("y", y, 0), recvd("z", z, 0);
	frame(br, 6, 1, 'p'), recvd("y", y, 0), recvd("x", x, MSG_DONTWAIT);
	stations();
	show(master("b", NULL)), show(master("b", NULL)), frame(x, 255, 5, 'c'), recvd("z", z, 0), recvd("y", y, MSG_DONTWAIT), stations();
	linkmsg(RTM_DELLINK, 0, if_nametoindex("br"), 0), show(done()), frame(x, 255, 5, 'd'), recvd("a", a, 0), recvd("z", z, MSG_DONTWAIT);
	return 0;
}
