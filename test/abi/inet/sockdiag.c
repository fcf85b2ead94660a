// sock_diag: TCP, UDP and unix sockets with states, filters and attributes; the one that is asked for; errors.
#include "net.h"
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <sys/un.h>

static int nl, lines;
static char buf[65536], line[64][256];

static int order(const void *a, const void *b) { return strcmp(a, b); }
#define put(...) snprintf(line[lines] + strlen(line[lines]), sizeof line[0] - strlen(line[lines]), __VA_ARGS__)


// ask sends a request and prints what comes back, in order.
static void ask(const char *what, int type, int flags, const void *body, int size, int port) {
	struct { struct nlmsghdr h; char b[256]; } q = {{NLMSG_LENGTH(size), type, NLM_F_REQUEST | flags, 1, 0}, {0}};
	memcpy(q.b, body, size);
	fact("%s:", what);
	memset(line, 0, sizeof line), lines = 0;
	send(nl, &q, q.h.nlmsg_len, 0);
	for (int more = 1; more;) {
		int n = recv(nl, buf, sizeof buf, 0);
		more = flags & NLM_F_DUMP;
		for (struct nlmsghdr *h = (void *)buf; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
			if (h->nlmsg_type == NLMSG_DONE) { fact("  done"); more = 0; continue; }
			if (h->nlmsg_type == NLMSG_ERROR) { fact("  %s", ename(-((struct nlmsgerr *)NLMSG_DATA(h))->error)); more = 0; continue; }
			struct rtattr *a;
			int left;
			if (*(char *)NLMSG_DATA(h) == AF_UNIX) {
				struct unix_diag_msg *m = NLMSG_DATA(h);
				a = (void *)(m + 1), left = NLMSG_PAYLOAD(h, sizeof *m);
				if (m->udiag_type == 0 || !port) continue;
				put("  unix type %d state %d inode %d", m->udiag_type, m->udiag_state, m->udiag_ino != 0);
			} else {
				struct inet_diag_msg *m = NLMSG_DATA(h);
				a = (void *)(m + 1), left = NLMSG_PAYLOAD(h, sizeof *m);
				if (ntohs(m->id.idiag_sport) != port && ntohs(m->id.idiag_dport) != port) continue;
				put("  family %d state %d timer %d queues %d %d uid %d inode %d from port %d", m->idiag_family, m->idiag_state, m->idiag_timer,
				       m->idiag_rqueue, m->idiag_wqueue, m->idiag_uid, m->idiag_inode != 0, ntohs(m->id.idiag_sport) == port);
			}
			for (; RTA_OK(a, left); a = RTA_NEXT(a, left))
				if (a->rta_type != INET_DIAG_CGROUP_ID && a->rta_type != INET_DIAG_INFO && a->rta_type != INET_DIAG_CONG)
					put(" attr %d len %d", a->rta_type, (int)RTA_PAYLOAD(a));
			lines++;
		}
	}
	qsort(line, lines, sizeof line[0], order);
	for (int i = 0; i < lines; i++) fact("%s", line[i]);
}

int main(void) {
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(18181), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int l = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0), u = socket(AF_INET, SOCK_DGRAM, 0), one = 1;
	setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(l, (void *)&a, sizeof a) || listen(l, 9) || bind(u, (void *)&a, sizeof a)) perror("bind");
	nl = socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG);
	struct inet_diag_req_v2 r = {.sdiag_family = AF_INET, .sdiag_protocol = IPPROTO_TCP, .idiag_states = -1};
	ask("listener", SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &r, sizeof r, 18181);
	if (connect(c, (void *)&a, sizeof a)) perror("connect");
	ask("not accepted", SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &r, sizeof r, 18181);
	int s = accept(l, 0, 0);
	must(write(c, "hello", 5));
	r.idiag_states = 1 << 1;
	ask("established", SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &r, sizeof r, 18181);
	r.id.idiag_dport = htons(18181);
	r.idiag_ext = 1 << (INET_DIAG_SKMEMINFO - 1) | 1 << (INET_DIAG_MEMINFO - 1) | 1 << (INET_DIAG_TOS - 1) | 1 << (INET_DIAG_TCLASS - 1);
	ask("to the port, more", SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &r, sizeof r, 18181);
	r.idiag_states = -1, r.idiag_ext = 0;
	struct { struct inet_diag_req_v2 r; struct rtattr a; struct inet_diag_bc_op op[4]; } f = {r, {20, INET_DIAG_REQ_BYTECODE},
		{{INET_DIAG_BC_S_GE, 8, 20}, {0, 0, 18181}, {INET_DIAG_BC_S_LE, 8, 12}, {0, 0, 18181}}};
	f.r.id.idiag_dport = 0;
	ask("filter", SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &f, sizeof f, 18181);
	f.op[0].yes = 6;
	ask("bad filter", SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &f, sizeof f, 18181);
	shutdown(s, SHUT_WR);
	ask("half closed", SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &r, sizeof r, 18181);
	r.sdiag_protocol = IPPROTO_UDP, r.id.idiag_dport = 0;
	ask("udp", SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &r, sizeof r, 18181);
	r.sdiag_protocol = IPPROTO_TCP, r.id.idiag_sport = htons(18181), r.id.idiag_src[0] = a.sin_addr.s_addr;
	r.id.idiag_cookie[0] = r.id.idiag_cookie[1] = -1;
	ask("the one", SOCK_DIAG_BY_FAMILY, 0, &r, sizeof r, 18181);
	r.id.idiag_sport = htons(18182);
	ask("none", SOCK_DIAG_BY_FAMILY, 0, &r, sizeof r, 18181);
	r.sdiag_family = 44;
	ask("no family", SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &r, sizeof r, 0);
	r.sdiag_family = AF_INET, r.sdiag_protocol = 77;
	ask("short", SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &r, 20, 0);
	struct sockaddr_un n = {AF_UNIX, "\0sockdiag"};
	int x = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	bind(x, (void *)&n, 2 + 9), listen(x, 3);
	struct unix_diag_req ur = {.sdiag_family = AF_UNIX, .udiag_states = 1 << 10, .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_RQLEN | UDIAG_SHOW_ICONS};
	struct stat st;
	fstat(x, &st), ur.udiag_ino = st.st_ino, ur.udiag_cookie[0] = ur.udiag_cookie[1] = -1;
	ask("unix", SOCK_DIAG_BY_FAMILY, 0, &ur, sizeof ur, 1);
	return 0;
}
