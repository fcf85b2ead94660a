// sock_diag of this family: sockets of the program's own, by their inodes: type, state, name, peer, who waits, queues, shutdowns; one and all; what is refused.
#include "../oracle.h"
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <sys/socket.h>
#include <sys/un.h>
static int nl, s[8];
static const char *names[8] = {"listener", "client", "accepted", "waiting", "pair", "other end", "datagrams", "alone"};
static unsigned ino(int fd) { struct stat st; must(fstat(fd, &st)); return st.st_ino; }
static int which(unsigned n) { for (int i = 0; i < 8; i++) if (s[i] && ino(s[i]) == n) return i; return -1; }
static void tells(struct nlmsghdr *h) {
	struct unix_diag_msg *m = NLMSG_DATA(h);
	char line[400] = "";
	int k = h->nlmsg_len - NLMSG_LENGTH(sizeof *m), i = which(m->udiag_ino);
	if (i < 0) return;
	for (struct rtattr *a = (void *)(m + 1); RTA_OK(a, k); a = RTA_NEXT(a, k)) {
		char *e = line + strlen(line);
		unsigned *v = RTA_DATA(a);
		int n = RTA_PAYLOAD(a);
		if (a->rta_type == UNIX_DIAG_NAME) sprintf(e, ", name %d %.*s", n, n - 1, (char *)v + 1);
		else if (a->rta_type == UNIX_DIAG_PEER) sprintf(e, ", peer %s", which(*v) < 0 ? "?" : names[which(*v)]);
		else if (a->rta_type == UNIX_DIAG_ICONS) { sprintf(e, ", waits"); for (int j = 0; j < n / 4; j++) sprintf(line + strlen(line), " %s", which(v[j]) < 0 ? "?" : names[which(v[j])]); }
		else if (a->rta_type == UNIX_DIAG_RQLEN) sprintf(e, ", in %u out %s", v[0], m->udiag_state == 10 ? (v[1] == 3 ? "3" : "?") : v[1] ? "some" : "0");
		else if (a->rta_type == UNIX_DIAG_SHUTDOWN) sprintf(e, ", shut %d", *(unsigned char *)v);
		else if (a->rta_type == UNIX_DIAG_UID) sprintf(e, ", uid %u", *v);
		else if (a->rta_type == UNIX_DIAG_MEMINFO) sprintf(e, ", memory %d words", n / 4);
	}
	fact("  %s: family %d, type %d, state %d%s", names[i], m->udiag_family, m->udiag_type, m->udiag_state, line);
}
static int byname(const void *a, const void *b) { return which((*(struct unix_diag_msg **)a)->udiag_ino) - which((*(struct unix_diag_msg **)b)->udiag_ino); }
static void ask(const char *what, int flags, int states, unsigned inode, int show, unsigned cookie, int n) {
	static char b[1 << 20], keep[64][1024];
	struct { struct nlmsghdr h; struct unix_diag_req r; } q = {{NLMSG_LENGTH(n), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | flags, 1, 0}, {AF_UNIX, 0, 0, states, inode, show, {cookie, cookie}}};
	struct unix_diag_msg *list[64];
	int count = 0;
	must(send(nl, &q, q.h.nlmsg_len, 0)), fact("%s:", what);
	for (int end = 0; !end;) {
		long got = must(recv(nl, b, sizeof b, 0));
		for (struct nlmsghdr *h = (void *)b; NLMSG_OK(h, got); h = NLMSG_NEXT(h, got)) {
			if (h->nlmsg_type == NLMSG_ERROR) { fact("  %s", ename(-((struct nlmsgerr *)NLMSG_DATA(h))->error)); end = 1; break; }
			if (h->nlmsg_type == NLMSG_DONE) { end = 1; break; }
			if (count < 64 && h->nlmsg_len < 1024 && which(((struct unix_diag_msg *)NLMSG_DATA(h))->udiag_ino) >= 0) memcpy(keep[count], h, h->nlmsg_len), list[count] = NLMSG_DATA((struct nlmsghdr *)keep[count]), count++;
			if (!(h->nlmsg_flags & NLM_F_MULTI)) end = 1;
		}
	}
	qsort(list, count, sizeof *list, byname);
	for (int i = 0; i < count; i++) tells((void *)((char *)list[i] - NLMSG_HDRLEN));
}
#define ALL (UDIAG_SHOW_NAME | UDIAG_SHOW_PEER | UDIAG_SHOW_ICONS | UDIAG_SHOW_RQLEN | UDIAG_SHOW_MEMINFO | UDIAG_SHOW_UID)

int main(void) {
	struct sockaddr_un a = {AF_UNIX, "\0diag-of-this"};
	socklen_t n = 2 + 13;
	nl = must(socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG));
	s[0] = must(socket(AF_UNIX, SOCK_STREAM, 0)), must(bind(s[0], (void *)&a, n)), must(listen(s[0], 3)), s[1] = must(socket(AF_UNIX, SOCK_STREAM, 0)), must(connect(s[1], (void *)&a, n)), s[2] = must(accept(s[0], NULL, NULL)), s[3] = must(socket(AF_UNIX, SOCK_STREAM, 0)), must(connect(s[3], (void *)&a, n));
	must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s + 4)), must(send(s[4], "abc", 3, 0)), must(send(s[4], "defgh", 5, 0)), must(shutdown(s[5], SHUT_WR)), a.sun_path[1] = 'D', s[6] = must(socket(AF_UNIX, SOCK_DGRAM, 0)), must(bind(s[6], (void *)&a, n)), s[7] = must(socket(AF_UNIX, SOCK_STREAM, 0)), must(send(s[1], "hello", 5, 0));
	ask("all", NLM_F_DUMP, -1, 0, ALL, -1, sizeof(struct unix_diag_req)), ask("nothing shown", NLM_F_DUMP, -1, 0, 0, -1, sizeof(struct unix_diag_req)), ask("listeners", NLM_F_DUMP, 1 << 10, 0, UDIAG_SHOW_NAME, -1, sizeof(struct unix_diag_req)), ask("connected", NLM_F_DUMP, 1 << 1, 0, UDIAG_SHOW_PEER, -1, sizeof(struct unix_diag_req)), ask("no states", NLM_F_DUMP, 0, 0, ALL, -1, sizeof(struct unix_diag_req));
	ask("one", 0, 0, ino(s[2]), ALL, -1, sizeof(struct unix_diag_req)), ask("of another cookie", 0, 0, ino(s[2]), ALL, 7, sizeof(struct unix_diag_req)), ask("no such", 0, 0, 1, ALL, -1, sizeof(struct unix_diag_req)), ask("none", 0, 0, 0, ALL, -1, sizeof(struct unix_diag_req)), ask("too short", NLM_F_DUMP, -1, 0, ALL, -1, 8);
	return 0;
}
