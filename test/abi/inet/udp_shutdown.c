// shutdown(2) of datagram sockets: who may, what reads, sends, poll and names show afterwards, data that was queued, connecting again and to nothing, copies; both versions.
#include "net.h"
static int six;
static struct sockaddr_storage a;
static socklen_t n;
static void to(int p) {
	memset(&a, 0, sizeof a), n = six ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
	if (six) { struct sockaddr_in6 x = in6("::1", p); memcpy(&a, &x, n); } else { struct sockaddr_in x = in4(LO, p); memcpy(&a, &x, n); }
}
static int bound(void) { int s = must(socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM, 0)); to(0), must(bind(s, (void *)&a, n)); return s; }
static void look(const char *what, int s) {
	char b[16];
	struct sockaddr_storage x;
	socklen_t k = sizeof x;
	events(what, s);
	long r = recv(s, b, 16, MSG_DONTWAIT);
	fact("  read %ld %s", r, r < 0 ? ename(errno) : "");
	fact("  empty read: %s, send: %s", ename(err(recv(s, b, 0, MSG_DONTWAIT))), ename(err(send(s, "x", 1, 0))));
	fact("  error %d, peer: %s", opt(s, SOL_SOCKET, SO_ERROR), ename(err(getpeername(s, (void *)&x, &k))));
}

int main(void) {
	signal(SIGPIPE, SIG_IGN);
	for (six = 0; six < 2; six++) {
		fact("IPv%d", six ? 6 : 4);
		for (int how = -1; how < 4; how++) {
			int r = bound(), s = bound();
			fact("how %d: not connected %s", how, ename(err(shutdown(r, how)))), look("not connected", r);
			to(port(r)), must(connect(s, (void *)&a, n)), to(port(s)), must(connect(r, (void *)&a, n)), must(send(s, "queued", 6, 0)), fact("connected: %s", ename(err(shutdown(r, how)))), look("with one queued", r), look("and again", r);
			fact("sent to it: %s", ename(err(send(s, "late", 4, 0)))), look("after a late one", r);
			to(port(s)), fact("sendto: %s", ename(err(sendto(r, "x", 1, 0, (void *)&a, n)))), fact("shut again: %s", ename(err(shutdown(r, how))));
			fact("connected again: %s", ename(err(connect(r, (void *)&a, n)))), look("connected again", r);
			fact("to nothing: %s", ename(err(connect(r, &(struct sockaddr){AF_UNSPEC}, sizeof(struct sockaddr))))), look("to nothing", r), fact("shut: %s", ename(err(shutdown(r, how)))), close(r), close(s);
		}
		int r = bound(), s = bound(), copy = must(dup(r));
		to(port(s)), must(connect(r, (void *)&a, n)), must(shutdown(copy, SHUT_WR)), fact("by a copy: %s", ename(err(send(r, "x", 1, 0)))), quiet(spawn(must(shutdown(r, SHUT_RD)))), look("by a child, too", copy), close(r), close(copy), close(s);
		reap("SIGPIPE", spawn(signal(SIGPIPE, SIG_DFL); r = bound(); to(port(r)); must(connect(r, (void *)&a, n)); must(shutdown(r, SHUT_WR)); show(send(r, "x", 1, MSG_NOSIGNAL)); show(send(r, "x", 1, 0)); show(write(r, "x", 1))));
	}
	ok(shutdown(0, SHUT_RD)), ok(shutdown(999, SHUT_RD)), ok(shutdown(-1, 7)), ok(shutdown(0, 7));
	return 0;
}
