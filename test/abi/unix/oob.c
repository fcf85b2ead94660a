// MSG_OOB on stream pairs: what of a message is urgent, where a receive stops, SIOCATMARK, SO_OOBINLINE, POLLPRI, SIOCINQ, one after another, peeks, the end; and on other types.
#include "../oracle.h"
#include <linux/sockios.h>
#include <sys/socket.h>
#include <sys/un.h>
static int s[2];
static void fresh(void) { if (s[0]) close(s[0]), close(s[1]); must(socketpair(AF_UNIX, SOCK_STREAM, 0, s)); }
static void put(const char *text, int flags) { int n = send(s[0], text, strlen(text), flags); fact("send \"%s\"%s: %s", text, flags ? " urgent" : "", n < 0 ? ename(errno) : "sent"); }
static void looks(void) {
	struct pollfd p = {s[1], POLLIN | POLLPRI | POLLRDBAND};
	int mark = -1, r = poll(&p, 1, 0), e = err(ioctl(s[1], SIOCATMARK, &mark));
	must(r);
	fact("    %s%s%s%s, at mark %d %s", p.revents & POLLIN ? " in" : "", p.revents & POLLPRI ? " pri" : "", p.revents & POLLRDBAND ? " band" : "", p.revents & POLLHUP ? " hup" : "", mark, ename(e));
}
static void inq(void) {
	int in = -1;
	must(ioctl(s[1], SIOCINQ, &in)), fact("    %d to be read", in);
}
static void get(int n, int flags) {
	char b[64] = "";
	struct iovec v = {b, n};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	int got = recvmsg(s[1], &m, flags | MSG_DONTWAIT);
	if (got < 0) fact("  recv%s%s: %s", flags & MSG_OOB ? " urgent" : "", flags & MSG_PEEK ? " peek" : "", ename(errno));
	else fact("  recv%s%s: \"%.*s\"%s", flags & MSG_OOB ? " urgent" : "", flags & MSG_PEEK ? " peek" : "", got, b, m.msg_flags & MSG_OOB ? " as urgent" : "");
	looks();
}
static void inl(int on) { must(setsockopt(s[1], SOL_SOCKET, SO_OOBINLINE, &on, 4)), fact("inline %d", on); }

int main(void) {
	signal(SIGPIPE, SIG_IGN);
	fact("== one"), fresh(), looks(), put("abc", MSG_OOB), looks(), get(10, MSG_OOB | MSG_PEEK), get(10, MSG_OOB), get(10, MSG_OOB), get(10, 0), get(10, 0);
	fact("== stops before"), fresh(), put("abc", MSG_OOB), get(1, 0), get(10, 0), get(10, 0), put("def", 0), get(10, 0);
	fact("== and behind"), fresh(), put("abc", MSG_OOB), put("def", 0), looks(), inq(), get(10, 0), inq(), get(10, 0), get(10, MSG_OOB);
	fact("== read first"), fresh(), put("abc", MSG_OOB), put("def", 0), get(10, MSG_OOB), inq(), get(10, 0), inq(), get(10, 0), inq();
	fact("== peek"), fresh(), put("abc", MSG_OOB), put("def", 0), get(10, MSG_PEEK), get(10, MSG_PEEK), get(2, 0), get(10, MSG_PEEK), get(10, 0);
	fact("== two"), fresh(), put("abc", MSG_OOB), put("def", MSG_OOB), looks(), get(10, MSG_OOB), get(10, 0), get(10, 0), get(10, 0);
	fact("== one byte"), fresh(), put("x", MSG_OOB), looks(), get(10, 0), put("y", 0), get(10, 0), get(10, MSG_OOB);
	fact("== inline"), fresh(), inl(1), put("abc", MSG_OOB), put("def", 0), looks(), get(10, MSG_OOB), get(10, 0), get(10, 0), get(10, 0);
	fact("== inline, two"), fresh(), inl(1), put("ab", MSG_OOB), put("cd", MSG_OOB), get(10, 0), get(10, 0), get(10, 0);
	fact("== inline later"), fresh(), put("abc", MSG_OOB), get(2, 0), inl(1), looks(), get(10, 0), get(10, 0);
	fact("== exactly"), fresh(), put("abc", MSG_OOB), get(2, 0), get(2, 0), get(2, MSG_OOB), get(2, 0);
	fact("== the end"), fresh(), put("abc", MSG_OOB), must(shutdown(s[0], SHUT_WR)), looks(), get(10, 0), get(10, 0), get(10, MSG_OOB), get(10, 0);
	fact("== the other is closed"), fresh(), put("abc", MSG_OOB), close(s[0]), s[0] = 0, get(10, MSG_OOB), get(10, 0), get(10, 0), close(s[1]);
	fact("== nothing"), must(socketpair(AF_UNIX, SOCK_STREAM, 0, s)), fact("send of nothing: %s", ename(err(send(s[0], "", 0, MSG_OOB)))), looks(), get(10, MSG_OOB), put("abc", 0), get(10, MSG_OOB), get(10, 0), must(shutdown(s[1], SHUT_RD)), put("z", MSG_OOB);
	for (int t = SOCK_DGRAM; t <= SOCK_SEQPACKET; t++) {
		int u[2];
		char b[4];
		if (t != SOCK_DGRAM && t != SOCK_SEQPACKET) continue;
		must(socketpair(AF_UNIX, t, 0, u));
		int e = err(send(u[0], "abc", 3, MSG_OOB)), r = err(recv(u[1], b, 4, MSG_OOB | MSG_DONTWAIT)), m = -1;
		fact("type %d: send %s, recv %s, SIOCATMARK %s", t, ename(e), ename(r), ename(err(ioctl(u[1], SIOCATMARK, &m)))), close(u[0]), close(u[1]);
	}
	return 0;
}
