// Who may bind what another has bound: the matrix of addresses, versions, SO_REUSEADDR, SO_REUSEPORT and V6ONLY, for TCP (bound, listening) and UDP.
#include "net.h"
static const char *kinds[] = {"any4", "lo4", "other4", "any6", "only6", "lo6", "mapped"};
static int make_(int type, int kind, int reuse, int port) {
	int s = must(socket(kind < 3 ? AF_INET : AF_INET6, type, 0));
	if (reuse == 1) must(set(s, SOL_SOCKET, SO_REUSEADDR, 1));
	if (reuse == 2) must(set(s, SOL_SOCKET, SO_REUSEPORT, 1));
	if (kind == 4) must(set(s, SOL_IPV6, IPV6_V6ONLY, 1));
	int e;
	if (kind < 3) {
		struct sockaddr_in a = in4((uint32_t[]){0, LO, LO + 1}[kind], port);
		e = bind(s, SA(a));
	} else {
		struct sockaddr_in6 a = in6((const char *[]){"::", "::", "::1", "::ffff:127.0.0.1"}[kind - 3], port);
		e = bind(s, SA(a));
	}
	if (e == 0)
		return s;
	e = errno, close(s), errno = e;
	return -1;
}

int main(void) {
	int next = 21000; // below those that are chosen for others
	for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++)
		for (int listening = 0; listening < (type == SOCK_STREAM ? 2 : 1); listening++)
			for (int reuse = 0; reuse < 3; reuse++)
				for (int i = 0; i < 7; i++) {
					char line[128] = "";
					for (int j = 0; j < 7; j++) {
						int a = must(make_(type, i, reuse, next++));
						if (listening) must(listen(a, 1));
						int b = make_(type, j, reuse, port(a));
						snprintf(line + strlen(line), 128 - strlen(line), " %s", b >= 0 ? listening && listen(b, 1) ? "LISTEN" : "ok" : errno == EADDRINUSE ? "-" : ename(errno));
						close(a), close(b);
					}
					fact("%s%s reuse %d %s:%s", type == SOCK_STREAM ? "tcp" : "udp", listening ? " listening" : "", reuse, kinds[i], line);
				}
	int s = must(make_(SOCK_STREAM, 1, 0, 0)), l, c, d;
	struct sockaddr_in a = in4(LO, 0);
	show(bind(s, SA(a))), l = listener(3), conn(l, &c, &d), a = in4(LO, port(l)), must(close(l)), s = must(socket(AF_INET, SOCK_STREAM, 0)), show(bind(s, SA(a))), must(set(s, SOL_SOCKET, SO_REUSEADDR, 1)), show(bind(s, SA(a))), must(close(d)), must(close(c)), usleep(3000), show(bind(s, SA(a))), show(listen(s, 1));
	l = must(socket(AF_INET, SOCK_STREAM, 0)), must(set(l, SOL_SOCKET, SO_REUSEADDR, 1)), a = in4(LO, 0), must(bind(l, SA(a))), must(listen(l, 1)), conn(l, &c, &d), a = in4(LO, port(l)), must(close(l)), s = must(socket(AF_INET, SOCK_STREAM, 0)), show(bind(s, SA(a))), must(set(s, SOL_SOCKET, SO_REUSEADDR, 1)), show(bind(s, SA(a))), show(listen(s, 1));
	s = must(socket(AF_INET, SOCK_STREAM, 0)), a = in4(0, 0), show(listen(s, 1)), show(port(s) != 0), show(bind(s, SA(a)));
	return 0;
}
