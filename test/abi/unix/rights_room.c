// Room for descriptors in messages, byte by byte: how many come for each room, MSG_CTRUNC, what is told, and that those that do not fit are closed; SCM_MAX_FD.
#include "../oracle.h"
#include <sys/socket.h>
static int s[2], top = 40;
static int opened(void) { // how many of the first descriptors are in use
	int n = 0;
	for (int i = 0; i < top; i++) n += fcntl(i, F_GETFD) >= 0;
	return n;
}
static long give(int count) {
	static char ctl[CMSG_SPACE(4 * 300)];
	struct iovec v = {"x", 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = CMSG_SPACE(4 * count)};
	struct cmsghdr *c = (void *)ctl;
	*c = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(4 * count)};
	memset(CMSG_DATA(c), 0, 4 * count); // standard input, again and again
	return sendmsg(s[0], &m, MSG_DONTWAIT);
}
static void take(int room, int flags) {
	static char ctl[CMSG_SPACE(4 * 300)];
	char b[4];
	struct iovec v = {b, 4};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = room ? ctl : NULL, .msg_controllen = room};
	int before = opened();
	memset(ctl, 0xee, sizeof ctl);
	long n = recvmsg(s[1], &m, flags | MSG_DONTWAIT);
	if (n < 0) {
		fact("  room %d: %s, new %d", room, ename(errno), opened() - before);
		return;
	}
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int got = c ? (c->cmsg_len - CMSG_LEN(0)) / 4 : 0, fresh = opened() - before;
	fact("  room %d: %ld, told %zu%s, header %zu, descriptors %d, new %d", room, n, (size_t)m.msg_controllen, m.msg_flags & MSG_CTRUNC ? ", cut" : "", c ? (size_t)c->cmsg_len : 0, got, fresh);
	for (int i = 0; i < got; i++) close(((int *)CMSG_DATA(c))[i]);
	if (opened() != before) fact("  %d are left", opened() - before);
}

int main(void) {
	for (int type = SOCK_STREAM; type <= SOCK_SEQPACKET; type++) {
		if (socketpair(AF_UNIX, type, 0, s)) continue;
		fact("type %d", type);
		for (int count = 1; count <= 3; count++) {
			fact(" %d sent", count);
			for (int room = 0; room <= 40; room += room >= 16 && room < 32 ? 1 : 4) must(give(count)), take(room, 0);
		}
		fact(" peeked"), must(give(2)), take(64, MSG_PEEK), take(20, MSG_PEEK), take(0, MSG_PEEK), take(64, MSG_CMSG_CLOEXEC), take(64, 0);
		top = 400, fact(" many: 253 %s, 254 %s, 300 %s", ename(err(give(253))), ename(err(give(254))), ename(err(give(300)))), take(CMSG_SPACE(4 * 253), 0), must(give(253)), take(CMSG_SPACE(400), 0), top = 40;
		int before = opened();
		must(give(3)), show(read(s[1], (char[4]){0}, 4)), must(give(3)), show(recv(s[1], (char[4]){0}, 4, 0)), fact(" new %d", opened() - before);
		struct rlimit r, few;
		must(getrlimit(RLIMIT_NOFILE, &r)), few = r, few.rlim_cur = s[1] + 2, must(give(3)), must(setrlimit(RLIMIT_NOFILE, &few)), take(64, 0), must(setrlimit(RLIMIT_NOFILE, &r)), take(64, 0), close(s[0]), close(s[1]);
	}
	return 0;
}
