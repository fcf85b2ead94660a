// TCP_CORK and MSG_MORE over the loopback: what is short waits, until it is let go, more than a segment does not; what is told of it; TCP_NODELAY between; the end.
#include "net.h"
#include <linux/sockios.h>
static int c, d;
static void sees(const char *what) {
	static char b[200000];
	int q = -1, u = -1;
	struct pollfd p = {d, POLLIN};
	long n = 0, k;
	while (poll(&p, 1, 0) == 1 && (k = recv(d, b, sizeof b, MSG_DONTWAIT)) > 0) n += k;
	must(ioctl(c, SIOCOUTQ, &q)), must(ioctl(c, SIOCOUTQNSD, &u));
	fact("%s: %ld came, %d not sent", what, n, u);
}
static void fresh(int l) { if (c) close(c), close(d); conn(l, &c, &d); }

int main(void) {
	static char big[150000];
	int l = listener(3);
	fresh(l), must(set(c, SOL_TCP, TCP_CORK, 1)), must(send(c, "abc", 3, 0)), sees("corked"), must(send(c, "def", 3, 0)), sees("more"), must(set(c, SOL_TCP, TCP_CORK, 0)), sees("let go");
	fresh(l), must(send(c, "abc", 3, MSG_MORE)), sees("MSG_MORE"), must(send(c, "def", 3, MSG_MORE)), sees("and more"), must(send(c, "g", 1, 0)), sees("the last");
	fresh(l), must(set(c, SOL_TCP, TCP_CORK, 1)), must(send(c, "abc", 3, 0)), must(set(c, SOL_TCP, TCP_NODELAY, 1)), sees("TCP_NODELAY while corked"), must(send(c, "def", 3, 0)), sees("and more");
	fresh(l), must(set(c, SOL_TCP, TCP_NODELAY, 1)), must(set(c, SOL_TCP, TCP_CORK, 1)), must(send(c, "abc", 3, 0)), sees("corked after TCP_NODELAY"), must(set(c, SOL_TCP, TCP_CORK, 0)), sees("let go");
	fresh(l), must(send(c, "abc", 3, MSG_MORE)), must(set(c, SOL_TCP, TCP_NODELAY, 1)), sees("TCP_NODELAY after MSG_MORE");
	fresh(l), must(set(c, SOL_TCP, TCP_CORK, 1)), must(send(c, "abc", 3, 0)), must(shutdown(c, SHUT_WR)), sees("the end of the stream"), fact("then %ld", (long)recv(d, big, 10, MSG_DONTWAIT));
	fresh(l), must(set(c, SOL_TCP, TCP_CORK, 1)), must(send(c, "abc", 3, MSG_OOB)), sees("urgent");
	fresh(l), must(set(c, SOL_TCP, TCP_CORK, 1)), must(send(c, "abc", 3, 0)), until(d, POLLIN), sees("after a while");
	return 0;
}
