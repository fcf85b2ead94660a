// Connections by the hundred: each gets its own data, ports differ, TIME_WAIT holds what it must.
#include "net.h"
enum { N = 300 };

int main(void) {
	int l = listener(N + 1), c[N], d[N], bad = 0;
	char b[64], w[64];
	for (int i = 0; i < N; i++) {
		struct sockaddr_in a = in4(LO, port(l));
		c[i] = must(socket(AF_INET, SOCK_STREAM, 0)), must(connect(c[i], SA(a)));
	}
	for (int i = 0; i < N; i++)
		d[i] = must(accept(l, NULL, NULL));
	for (int i = 0; i < N; i++) {
		int n = snprintf(w, 64, "%d from %d", i, port(c[i]));
		must(write(c[i], w, n));
	}
	for (int i = 0; i < N; i++) {
		struct sockaddr_in a;
		socklen_t len = sizeof a;
		must(getpeername(d[i], (struct sockaddr *)&a, &len));
		memset(b, 0, 64), must(read(d[i], b, 64)), snprintf(w, 64, "%d from %d", i, ntohs(a.sin_port)), bad += strcmp(b, w) != 0;
	}
	show(bad);
	for (int i = 0; i < N; i++)
		must(close(d[i])), bad += read(c[i], b, 64) != 0, must(close(c[i]));
	show(bad);
	struct sockaddr_in a = in4(LO, port(l)), self;
	must(close(l)), l = must(socket(AF_INET, SOCK_STREAM, 0)), show(bind(l, SA(a))), must(set(l, SOL_SOCKET, SO_REUSEADDR, 1)), show(bind(l, SA(a)));
	int s = must(socket(AF_INET, SOCK_STREAM, 0));
	self = in4(LO, 0), must(bind(s, SA(self))), self = in4(LO, port(s)), show(connect(s, SA(self))), show(write(s, "echo", 4)), show(read(s, b, 64)), show(shutdown(s, SHUT_WR)), show(read(s, b, 64)), show(close(s));
	must(listen(l, 5));
	for (int i = 0; i < 200; i++) {
		int x, y;
		conn(l, &x, &y), must(write(y, "hi", 2)), must(close(y)), bad += read(x, b, 64) != 2 || read(x, b, 64) != 0, must(close(x));
	}
	show(bad);
	int x, y;
	conn(l, &x, &y);
	static char big[8 << 20];
	pid_t p = spawn(close(x); size_t got = 0; unsigned h = 0; ssize_t k; static char r[70001]; while ((k = read(y, r, sizeof r)) > 0) for (ssize_t i = 0; i < k; i++, got++) h = h * 31 + (unsigned char)r[i]; fact("%zu bytes %#x", got, h));
	for (size_t i = 0; i < sizeof big; i++) big[i] = i * 7 + i / 251;
	for (size_t at = 0, k = 1; at < sizeof big; at += k, k = k * 3 % 100003 + 1)
		k = must(write(x, big + at, k < sizeof big - at ? k : sizeof big - at));
	must(close(x)), quiet(p);
	return 0;
}
