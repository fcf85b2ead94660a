// TCP_CORK and MSG_MORE over the loopback: what is short waits, until it is let go; what is told of it; TCP_NODELAY between; the end. A part that took so long that Linux let go by itself, after 200 ms, is done again.
#include "net.h"
#include <linux/sockios.h>
static int c, d, l;
static char said[8][80];
static int lines;
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + t.tv_nsec / 1e9; }
static void sees(const char *what) {
	static char b[4096];
	int q = -1, u = -1;
	struct pollfd p = {d, POLLIN};
	long n = 0, k;
	while (poll(&p, 1, 0) == 1 && (k = recv(d, b, sizeof b, MSG_DONTWAIT)) > 0) n += k;
	must(ioctl(c, SIOCOUTQ, &q)), must(ioctl(c, SIOCOUTQNSD, &u));
	snprintf(said[lines++], 80, "%s: %ld came, %d not sent", what, n, u);
}
static void put(const char *s, int flags) { must(send(c, s, strlen(s), flags)); }
static void cork(int on) { must(set(c, SOL_TCP, TCP_CORK, on)); }
static void nodelay(void) { must(set(c, SOL_TCP, TCP_NODELAY, 1)); }
static void corked(void) { cork(1), put("abc", 0), sees("corked"), put("def", 0), sees("more"), cork(0), sees("let go"); }
static void more(void) { put("abc", MSG_MORE), sees("MSG_MORE"), put("def", MSG_MORE), sees("and more"), put("g", 0), sees("the last"); }
static void pushed(void) { cork(1), put("abc", 0), nodelay(), sees("TCP_NODELAY while corked"), put("def", 0), sees("and more"); }
static void both(void) { nodelay(), cork(1), put("abc", 0), sees("corked after TCP_NODELAY"), cork(0), sees("let go"); }
static void pushes(void) { put("abc", MSG_MORE), nodelay(), sees("TCP_NODELAY after MSG_MORE"); }
static void urgent(void) { cork(1), put("abc", MSG_OOB), sees("urgent"); }
static void ended(void) { cork(1), put("abc", 0), must(shutdown(c, SHUT_WR)), sees("the end of the stream"); }
static void waited(void) { cork(1), put("abc", 0), until(d, POLLIN), sees("after a while"); }

int main(void) {
	void (*parts[])(void) = {corked, more, pushed, both, pushes, urgent, ended, waited};
	l = listener(3);
	for (unsigned i = 0; i < COUNT(parts); i++) {
		double began;
		do conn(l, &c, &d), lines = 0, began = now(), parts[i](), close(c), close(d);
		while (parts[i] != waited && now() - began > 0.15);
		for (int k = 0; k < lines; k++) fact("%s", said[k]);
	}
	return 0;
}
