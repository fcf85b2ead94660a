// What accepted sockets have of their listener, and what not: options of all levels, flags of the descriptor, the owner of signals; what is set after the connection came.
#include "net.h"
static const struct { const char *name; int level, o, value; } all[] = {
	{"SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR, 1}, {"SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, 1}, {"SO_OOBINLINE", SOL_SOCKET, SO_OOBINLINE, 1}, {"SO_BROADCAST", SOL_SOCKET, SO_BROADCAST, 1}, {"SO_DONTROUTE", SOL_SOCKET, SO_DONTROUTE, 1}, {"SO_RCVLOWAT", SOL_SOCKET, SO_RCVLOWAT, 5}, {"SO_TIMESTAMP", SOL_SOCKET, SO_TIMESTAMP, 1}, {"SO_RXQ_OVFL", SOL_SOCKET, SO_RXQ_OVFL, 1},
	{"IP_TTL", SOL_IP, IP_TTL, 44}, {"IP_TOS", SOL_IP, IP_TOS, 0x20}, {"IP_MTU_DISCOVER", SOL_IP, IP_MTU_DISCOVER, 2}, {"IP_RECVTTL", SOL_IP, IP_RECVTTL, 1}, {"IP_RECVTOS", SOL_IP, IP_RECVTOS, 1}, {"IP_PKTINFO", SOL_IP, IP_PKTINFO, 1}, {"IP_RECVERR", SOL_IP, IP_RECVERR, 1}, {"IP_FREEBIND", SOL_IP, IP_FREEBIND, 1},
	{"IPV6_UNICAST_HOPS", SOL_IPV6, IPV6_UNICAST_HOPS, 33}, {"IPV6_TCLASS", SOL_IPV6, IPV6_TCLASS, 0x40}, {"IPV6_V6ONLY", SOL_IPV6, IPV6_V6ONLY, 1}, {"IPV6_RECVPKTINFO", SOL_IPV6, IPV6_RECVPKTINFO, 1}, {"IPV6_RECVTCLASS", SOL_IPV6, IPV6_RECVTCLASS, 1}, {"IPV6_RECVERR", SOL_IPV6, IPV6_RECVERR, 1}, {"IPV6_DONTFRAG", SOL_IPV6, IPV6_DONTFRAG, 1}, {"IPV6_MTU_DISCOVER", SOL_IPV6, IPV6_MTU_DISCOVER, 2},
	{"TCP_NODELAY", SOL_TCP, TCP_NODELAY, 1}, {"TCP_CORK", SOL_TCP, TCP_CORK, 1}, {"TCP_KEEPIDLE", SOL_TCP, TCP_KEEPIDLE, 66}, {"TCP_KEEPINTVL", SOL_TCP, TCP_KEEPINTVL, 7}, {"TCP_KEEPCNT", SOL_TCP, TCP_KEEPCNT, 5}, {"TCP_SYNCNT", SOL_TCP, TCP_SYNCNT, 3}, {"TCP_LINGER2", SOL_TCP, TCP_LINGER2, 9}, {"TCP_USER_TIMEOUT", SOL_TCP, TCP_USER_TIMEOUT, 8000}, {"TCP_INQ", SOL_TCP, TCP_INQ, 1},
};
static void lingers(const char *what, int s) {
	struct linger l = {0};
	struct timeval t = {0}, u = {0};
	socklen_t n = sizeof l;
	must(getsockopt(s, SOL_SOCKET, SO_LINGER, &l, &n)), n = sizeof t, must(getsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &t, &n)), n = sizeof u, must(getsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &u, &n));
	fact("%s: linger %d %d, times %ld %ld", what, l.l_onoff, l.l_linger, (long)t.tv_sec, (long)u.tv_sec);
	fact("  nonblock %d, async %d, cloexec %d, owner %s", !!(fcntl(s, F_GETFL) & O_NONBLOCK), !!(fcntl(s, F_GETFL) & O_ASYNC), fcntl(s, F_GETFD), fcntl(s, F_GETOWN) == getpid() ? "this process" : fcntl(s, F_GETOWN) ? "another" : "none");
}

int main(void) {
	signal(SIGIO, SIG_IGN);
	for (int six = 0; six < 2; six++) {
		int f = six ? AF_INET6 : AF_INET, l = must(socket(f, SOCK_STREAM | SOCK_CLOEXEC, 0)), c, d;
		struct sockaddr_storage a = {0};
		socklen_t n = six ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
		if (six) { struct sockaddr_in6 x = in6("::1", 0); memcpy(&a, &x, n); } else { struct sockaddr_in x = in4(LO, 0); memcpy(&a, &x, n); }
		fact("IPv%d", six ? 6 : 4);
		for (unsigned i = 0; i < COUNT(all); i++) set(l, all[i].level, all[i].o, all[i].value);
		must(setsockopt(l, SOL_SOCKET, SO_LINGER, &(struct linger){1, 4}, sizeof(struct linger))), must(setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){60, 0}, sizeof(struct timeval))), must(setsockopt(l, SOL_SOCKET, SO_SNDTIMEO, &(struct timeval){70, 0}, sizeof(struct timeval)));
		must(bind(l, (void *)&a, n)), must(listen(l, 3)), must(fcntl(l, F_SETFL, O_NONBLOCK | O_ASYNC)), must(fcntl(l, F_SETOWN, getpid())), ((struct sockaddr_in *)&a)->sin_port = htons(port(l));
		c = must(socket(f, SOCK_STREAM, 0)), must(connect(c, (void *)&a, n)), until(l, POLLIN), d = must(accept(l, NULL, NULL));
		for (unsigned i = 0; i < COUNT(all); i++) fact("  %s: listener %d, accepted %d, client %d", all[i].name, opt(l, all[i].level, all[i].o), opt(d, all[i].level, all[i].o), opt(c, all[i].level, all[i].o));
		lingers("listener", l), lingers("accepted", d), lingers("client", c), close(d), close(c);
		c = must(socket(f, SOCK_STREAM, 0)), must(connect(c, (void *)&a, n)), until(l, POLLIN), must(set(l, SOL_TCP, TCP_KEEPIDLE, 99)), d = must(accept4(l, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
		fact("set after it came: %d", opt(d, SOL_TCP, TCP_KEEPIDLE)), lingers("accepted by accept4", d), close(d), close(c), close(l);
	}
	return 0;
}
