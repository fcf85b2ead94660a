// getsockopt and setsockopt at SOL_SOCKET of unix sockets: values, lengths, errors, timeouts.
#include "../oracle.h"
#include <sys/socket.h>
#include <sys/time.h>
static int s[2];
static void get(const char *name, int opt) {
	int v = -1;
	socklen_t n = sizeof v;
	if (getsockopt(s[0], SOL_SOCKET, opt, &v, &n))
		fact("%s: %s", name, ename(errno));
	else
		fact("%s: %d, length %d", name, v, n);
}
#define G(opt) get(#opt, opt)
static int set(int opt, int v) { return setsockopt(s[0], SOL_SOCKET, opt, &v, sizeof v); }

int main(void) {
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	G(SO_TYPE), G(SO_DOMAIN), G(SO_PROTOCOL), G(SO_ERROR), G(SO_ACCEPTCONN), G(SO_REUSEADDR), G(SO_KEEPALIVE), G(SO_BROADCAST), G(SO_PASSCRED);
	G(SO_RCVLOWAT), G(SO_SNDLOWAT), G(SO_PRIORITY), G(SO_MARK), G(SO_TIMESTAMP), G(SO_PEEK_OFF), G(SO_OOBINLINE), G(SO_DONTROUTE);
	get("999", 999);
	show(set(SO_TYPE, 1)), show(set(SO_ERROR, 1)), show(set(999, 1)), show(set(SO_REUSEADDR, 5)), show(set(SO_KEEPALIVE, 1));
	G(SO_REUSEADDR);
	show(set(SO_SNDBUF, 10000));
	G(SO_SNDBUF); // doubled
	show(set(SO_SNDBUF, 0));
	G(SO_SNDBUF);
	show(set(SO_RCVBUF, 1));
	G(SO_RCVBUF);
	struct timeval t = {0, 20000}, got;
	socklen_t n = sizeof got;
	show(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
	must(getsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &got, &n));
	yes(got.tv_sec == 0 && got.tv_usec >= 20000 && got.tv_usec < 30000);
	char c[8];
	int64_t start = now_ns(CLOCK_MONOTONIC);
	show(recv(s[0], c, 8, 0));
	yes(now_ns(CLOCK_MONOTONIC) - start >= 15000000);
	show(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &t, 4));
	t.tv_usec = 1000000;
	show(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
	t = (struct timeval){0, 20000};
	show(setsockopt(s[0], SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t));
	static char big[1 << 20];
	yes(send(s[0], big, sizeof big, 0) > 0);
	show(send(s[0], big, sizeof big, 0));
	struct linger l = {1, 5};
	show(setsockopt(s[0], SOL_SOCKET, SO_LINGER, &l, sizeof l));
	int v = 1;
	n = 0;
	show(getsockopt(s[0], SOL_SOCKET, SO_TYPE, &v, &n));
	fact("length %d value %d", n, v);
	n = 2, v = 0;
	show(getsockopt(s[0], SOL_SOCKET, SO_TYPE, &v, &n));
	fact("length %d value %d", n, v);
	n = -1;
	show(getsockopt(s[0], SOL_SOCKET, SO_TYPE, &v, &n));
	show(setsockopt(s[0], SOL_SOCKET, SO_REUSEADDR, &v, 1));
	show(setsockopt(s[0], SOL_SOCKET, SO_REUSEADDR, (void *)8, 4));
	show(setsockopt(s[0], 99, 1, &v, 4));
	show(getsockopt(0, SOL_SOCKET, SO_TYPE, &v, &n));
	return 0;
}
