// RTM_GET requests with headers that are short, empty, of other families or of what is not there, as single requests and as dumps, with and without NETLINK_GET_STRICT_CHK: the errors.
#include "nl.h"
#include <linux/netlink.h>
#ifndef NETLINK_GET_STRICT_CHK
#define NETLINK_GET_STRICT_CHK 12
#endif
static void ask(const char *what, int type, int flags, const void *body, int n) {
	static char b[32768];
	char line[200] = "";
	struct { struct nlmsghdr h; char b[128]; } m = {{NLMSG_LENGTH(n), type, NLM_F_REQUEST | flags, 3, 0}, ""};
	memcpy(m.b, body, n), must(send(nl, &m, NLMSG_ALIGN(m.h.nlmsg_len), 0));
	int answers = 0, last = 0;
	long k;
	while ((k = recv(nl, b, sizeof b, MSG_DONTWAIT)) >= 0)
		for (struct nlmsghdr *h = (void *)b; NLMSG_OK(h, k); h = NLMSG_NEXT(h, k)) {
			if (h->nlmsg_type == NLMSG_ERROR) snprintf(line + strlen(line), 40, " error %s", ename(-((struct nlmsgerr *)NLMSG_DATA(h))->error));
			else if (h->nlmsg_type == NLMSG_DONE) snprintf(line + strlen(line), 40, " done %s", ename(-*(int *)NLMSG_DATA(h)));
			else answers++, last = h->nlmsg_type;
		}
	fact("  %s%s:%s%s", what, flags & NLM_F_DUMP ? ", dump" : "", answers ? last == type - 2 ? " answered" : " something else" : "", line);
}
static const struct { const char *name; int type, size; } all[] = {{"link", RTM_GETLINK, sizeof(struct ifinfomsg)}, {"addr", RTM_GETADDR, sizeof(struct ifaddrmsg)}, {"route", RTM_GETROUTE, sizeof(struct rtmsg)}, {"neigh", RTM_GETNEIGH, sizeof(struct ndmsg)}, {"rule", RTM_GETRULE, sizeof(struct fib_rule_hdr)}};

int main(void) {
	alone(), must(up("lo"));
	for (int strict = 0; strict < 2; strict++) {
		must(setsockopt(nl, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &strict, 4)), fact("strict %d", strict);
		for (unsigned i = 0; i < COUNT(all); i++) {
			fact(" %s", all[i].name);
			for (int dump = 0; dump <= NLM_F_DUMP; dump += NLM_F_DUMP) {
				char b[64] = {0};
				int type = all[i].type;
				if (!dump && (type == RTM_GETROUTE || type == RTM_GETNEIGH)) continue;
				ask("no body", type, dump, b, 0);
				if (!dump || !strict) ask("a byte", type, dump, b, 1), ask("one too short", type, dump, b, all[i].size - 1);
				b[0] = AF_INET, ask("IPv4", type, dump, b, all[i].size), b[0] = 0, ask("none", type, dump, b, all[i].size);
				if (dump || type != RTM_GETADDR) b[0] = AF_INET6, ask("IPv6", type, dump, b, all[i].size);
				if (!dump) b[0] = AF_UNIX, ask("unix", type, dump, b, all[i].size);
			}
		}
		struct ifinfomsg m = {.ifi_index = 1}, gone = {.ifi_index = 4711}, neg = {.ifi_index = -1};
		ask("lo", RTM_GETLINK, 0, &m, sizeof m), ask("none such", RTM_GETLINK, 0, &gone, sizeof gone), ask("below 0", RTM_GETLINK, 0, &neg, sizeof neg);
		struct { struct ifinfomsg m; struct rtattr a; char name[20]; } by = {{0}, {RTA_LENGTH(3), IFLA_IFNAME}, "lo"};
		ask("lo by name", RTM_GETLINK, 0, &by, sizeof by.m + 8), strcpy(by.name, "ol"), ask("another name", RTM_GETLINK, 0, &by, sizeof by.m + 8);
		struct { struct rtmsg m; struct rtattr a; uint32_t ip; } to = {{AF_INET, 32}, {RTA_LENGTH(4), RTA_DST}, htonl(0x7f000001)};
		ask("the way to lo", RTM_GETROUTE, 0, &to, sizeof to), to.ip = htonl(0x08080808), ask("elsewhere", RTM_GETROUTE, 0, &to, sizeof to);
	}
	return 0;
}
