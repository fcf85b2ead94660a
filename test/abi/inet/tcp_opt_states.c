// Options at IPPROTO_TCP by state: what a new, bound, listening, connected, half-closed and closed socket answers when it is asked and when it is set; both versions.
#include "net.h"
static const struct { const char *name; int o, values[4]; } all[] = {
	{"NODELAY", TCP_NODELAY, {0, 1, 7, -1}}, {"KEEPIDLE", TCP_KEEPIDLE, {1, 32767, 32768, 0}}, {"KEEPINTVL", TCP_KEEPINTVL, {1, 32767, 32768, 0}}, {"KEEPCNT", TCP_KEEPCNT, {1, 127, 128, 0}}, {"SYNCNT", TCP_SYNCNT, {1, 127, 128, 0}},
	{"USER_TIMEOUT", TCP_USER_TIMEOUT, {0, 1, 100000, -1}}, {"LINGER2", TCP_LINGER2, {1, 20, -1, -5}}, {"CORK", TCP_CORK, {1, 0, 3, 0}}, {"MAXSEG", TCP_MAXSEG, {87, 88, 32767, 32768}}, {"THIN_LINEAR", TCP_THIN_LINEAR_TIMEOUTS, {0, 1, 2, -1}}, {"INQ", TCP_INQ, {0, 1, 2, -1}},
};
static void look(const char *state, int s) {
	fact("%s, state %d", state, tcpstate(s));
	for (unsigned i = 0; i < COUNT(all); i++) {
		char line[200] = "";
		for (int k = 0; k < 4; k++) {
			int e = err(set(s, SOL_TCP, all[i].o, all[i].values[k]));
			int shown = all[i].o != TCP_MAXSEG;
			snprintf(line + strlen(line), 48, " %d:%s", all[i].values[k], ename(e));
			if (shown) snprintf(line + strlen(line), 24, "=%d", opt(s, SOL_TCP, all[i].o));
		}
		fact("  %s%s", all[i].name, line);
	}
	char name[16] = "";
	socklen_t n = sizeof name;
	int e = err(setsockopt(s, SOL_TCP, TCP_CONGESTION, "reno", 4)), f = err(getsockopt(s, SOL_TCP, TCP_CONGESTION, name, &n));
	fact("  congestion: %s, %s %s", ename(e), ename(f), name);
	fact("  asked only: %d, sockets %d %d %d", opt(s, SOL_TCP, TCP_FASTOPEN_CONNECT), opt(s, SOL_SOCKET, SO_ACCEPTCONN), opt(s, SOL_SOCKET, SO_ERROR), opt(s, SOL_SOCKET, SO_TYPE));
	fact("  no such option: %s, %s", ename(err(set(s, SOL_TCP, 99, 1))), ename(err(opt(s, SOL_TCP, 99))));
}

int main(void) {
	for (int six = 0; six < 2; six++) {
		int f = six ? AF_INET6 : AF_INET, s = must(socket(f, SOCK_STREAM, 0)), l = must(socket(f, SOCK_STREAM, 0)), c = must(socket(f, SOCK_STREAM, 0)), d;
		struct sockaddr_storage a = {0};
		socklen_t n = six ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
		if (six) { struct sockaddr_in6 x = in6("::1", 0); memcpy(&a, &x, n); } else { struct sockaddr_in x = in4(LO, 0); memcpy(&a, &x, n); }
		fact("IPv%d", six ? 6 : 4), look("new", s), must(bind(l, (void *)&a, n)), look("bound", l), must(listen(l, 3)), look("listening", l), ((struct sockaddr_in *)&a)->sin_port = htons(port(l));
		close(l), l = must(socket(f, SOCK_STREAM, 0)), ((struct sockaddr_in *)&a)->sin_port = 0, must(bind(l, (void *)&a, n)), must(listen(l, 3)), ((struct sockaddr_in *)&a)->sin_port = htons(port(l));
		must(connect(c, (void *)&a, n)), d = must(accept(l, NULL, NULL)), look("connected", c), look("accepted", d);
		must(set(c, SOL_TCP, TCP_CORK, 0)), must(shutdown(c, SHUT_WR)), until(d, POLLRDHUP), look("the peer is done", d), must(close(c)), must(shutdown(l, SHUT_RD)), look("no longer listening", l), close(d), close(l);
	}
	return 0;
}
