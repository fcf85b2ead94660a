// Options at IPPROTO_TCP: first values, limits, lengths, what accepted connections inherit.
#include "net.h"

int main(void) {
	int s = must(socket(AF_INET, SOCK_STREAM, 0)), v = 1;
	const struct { const char *name; int n; } all[] = {{"NODELAY", TCP_NODELAY}, {"CORK", TCP_CORK}, {"KEEPIDLE", TCP_KEEPIDLE}, {"KEEPINTVL", TCP_KEEPINTVL}, {"KEEPCNT", TCP_KEEPCNT}, {"SYNCNT", TCP_SYNCNT}, {"LINGER2", TCP_LINGER2}, {"DEFER_ACCEPT", TCP_DEFER_ACCEPT}, {"USER_TIMEOUT", TCP_USER_TIMEOUT}, {"QUICKACK", TCP_QUICKACK}, {"MAXSEG", TCP_MAXSEG}, {"NOTSENT_LOWAT", TCP_NOTSENT_LOWAT}, {"WINDOW_CLAMP", TCP_WINDOW_CLAMP}, {"FASTOPEN", TCP_FASTOPEN}, {"THIN_LINEAR", TCP_THIN_LINEAR_TIMEOUTS}, {"INQ", TCP_INQ}};
	for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
		fact("%s %d", all[i].name, opt(s, SOL_TCP, all[i].n));
		for (const int *w = (int[]){-1, 0, 1, 2, 5, 100, 128, 32768, 1 << 20, 99}; *w != 99; w++)
			if (all[i].n != TCP_NOTSENT_LOWAT && !(all[i].n == TCP_LINGER2 && *w > 100) && !(all[i].n == TCP_DEFER_ACCEPT && *w > 128) && !(all[i].n == TCP_FASTOPEN)) {
				int e = err(set(s, SOL_TCP, all[i].n, *w));
				fact("  %d: %s %d", *w, e ? ename(e) : "ok", opt(s, SOL_TCP, all[i].n));
			}
	}
	show(setsockopt(s, SOL_TCP, TCP_NODELAY, &v, 3)), show(setsockopt(s, SOL_TCP, TCP_NODELAY, &v, 0)), show(setsockopt(s, SOL_TCP, 12345, &v, 4)), show(opt(s, SOL_TCP, 12345)), show(set(s, SOL_UDP, UDP_CORK, 1)), show(opt(s, 77, 1));
	char name[32] = "";
	socklen_t n = sizeof name;
	show(setsockopt(s, SOL_TCP, TCP_CONGESTION, "reno", 4)), show(getsockopt(s, SOL_TCP, TCP_CONGESTION, name, &n)), fact("%s %u", name, n), show(setsockopt(s, SOL_TCP, TCP_CONGESTION, "nonsense", 8)), show(setsockopt(s, SOL_TCP, TCP_CONGESTION, "", 0)), n = 2, show(getsockopt(s, SOL_TCP, TCP_CONGESTION, name, &n)), show(n);
	n = 2, v = 0, show(getsockopt(s, SOL_TCP, TCP_KEEPCNT, &v, &n)), show(n);
	struct tcp_info i;
	n = sizeof i, show(getsockopt(s, SOL_TCP, TCP_INFO, &i, &n)), show(i.tcpi_state), n = 1, show(getsockopt(s, SOL_TCP, TCP_INFO, &i, &n)), show(n);
	int l = listener(3), c, d;
	must(set(l, SOL_TCP, TCP_NODELAY, 1)), must(set(l, SOL_TCP, TCP_KEEPIDLE, 77)), must(set(l, SOL_SOCKET, SO_KEEPALIVE, 1)), must(set(l, SOL_TCP, TCP_USER_TIMEOUT, 5000)), must(set(l, SOL_SOCKET, SO_RCVLOWAT, 3)), must(set(l, SOL_IP, IP_TOS, 0x10)), must(set(l, SOL_IP, IP_TTL, 33)), must(set(l, SOL_SOCKET, SO_OOBINLINE, 1));
	must(fcntl(l, F_SETFL, O_NONBLOCK)), conn(l, &c, &d), fact("%d %d %d %d %d %d %d %d", opt(d, SOL_TCP, TCP_NODELAY), opt(d, SOL_TCP, TCP_KEEPIDLE), opt(d, SOL_SOCKET, SO_KEEPALIVE), opt(d, SOL_TCP, TCP_USER_TIMEOUT), opt(d, SOL_SOCKET, SO_RCVLOWAT), opt(d, SOL_IP, IP_TTL), opt(d, SOL_SOCKET, SO_OOBINLINE), fcntl(d, F_GETFL) & O_NONBLOCK), show(opt(d, SOL_SOCKET, SO_ACCEPTCONN));
	must(set(l, SOL_TCP, TCP_DEFER_ACCEPT, 5)), c = must(socket(AF_INET, SOCK_STREAM, 0));
	struct sockaddr_in a = in4(LO, port(l));
	must(connect(c, SA(a))), show(accept(l, NULL, NULL)), must(write(c, "now", 3)), until(l, POLLIN), show(accept(l, NULL, NULL) >= 0);
	return 0;
}
