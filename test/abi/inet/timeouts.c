// SO_RCVTIMEO and SO_SNDTIMEO: values as they come back, what times out and how, signals meanwhile (they are not restarted).
#include "net.h"
#include <sys/time.h>
#include <sys/uio.h>
static void handler(int s) { (void)s; }
static int64_t began;
static void value(int s, int name, long sec, long usec) {
	struct timeval t = {sec, usec};
	socklen_t n = sizeof t;
	int e = err(setsockopt(s, SOL_SOCKET, name, &t, n));
	must(getsockopt(s, SOL_SOCKET, name, &t, &n));
	fact("%s %ld.%06ld: %s, then %ld.%06ld, %u bytes", name == SO_RCVTIMEO ? "receive" : "send", sec, usec, ename(e), (long)t.tv_sec, (long)t.tv_usec, n);
}
#define start() (began = now_ns(CLOCK_MONOTONIC))
static void waited(int ms) { fact("  waited %s", now_ns(CLOCK_MONOTONIC) - began >= ms * 1000000LL ? "long enough" : "too short"); }
#define limit(s, name, ms) must(setsockopt(s, SOL_SOCKET, name, &(struct timeval){ms / 1000, ms % 1000 * 1000}, sizeof(struct timeval)))
static char big[1 << 20];

int main(void) {
	signal(SIGPIPE, SIG_IGN);
	int l = listener(1), c, d, u = must(socket(AF_INET, SOCK_DGRAM, 0)), x[2];
	for (int i = 0; i < 2; i++) {
		int name = i ? SO_SNDTIMEO : SO_RCVTIMEO;
		value(u, name, 0, 0), value(u, name, 1, 500000), value(u, name, 0, 999999), value(u, name, 0, 4000), value(u, name, 3, 1000000), value(u, name, 3, -1), value(u, name, -1, 0), value(u, name, 100000000, 1), value(u, name, 0, 0);
	}
	struct timeval t = {1, 0};
	socklen_t n = 8;
	show(setsockopt(u, SOL_SOCKET, SO_RCVTIMEO, &t, 8)), show(setsockopt(u, SOL_SOCKET, SO_RCVTIMEO, &t, 15)), show(setsockopt(u, SOL_SOCKET, SO_RCVTIMEO, &t, 24)), show(getsockopt(u, SOL_SOCKET, SO_RCVTIMEO, &t, &n)), show(n);
	char b[16];
	struct sockaddr_in a = in4(LO, 0);
	must(bind(u, SA(a))), limit(u, SO_RCVTIMEO, 30), start(), show(recv(u, b, 16, 0)), waited(29), start(), show(read(u, b, 16)), waited(29);
	struct msghdr m = {0};
	show(recvmsg(u, &m, 0)), show(recv(u, b, 16, MSG_DONTWAIT));
	conn(l, &c, &d), limit(d, SO_RCVTIMEO, 30), start(), show(recv(d, b, 16, 0)), waited(29), show(readv(d, &(struct iovec){b, 16}, 1));
	must(write(c, "abc", 3)), start(), show(recv(d, b, 16, MSG_WAITALL)), waited(29), show(recv(d, b, 16, MSG_WAITALL));
	limit(c, SO_SNDTIMEO, 30);
	int64_t sent = 0;
	long k;
	start();
	while ((k = send(c, big, sizeof big, 0)) > 0) sent += k;
	fact("full: %s, something was sent before: %d", ename(errno), sent > 0), waited(29);
	limit(l, SO_RCVTIMEO, 30), start(), show(accept(l, NULL, NULL)), waited(29), show(accept4(l, NULL, NULL, SOCK_CLOEXEC));
	conn(l, &c, &d), fact("the accepted has %d", ({ n = sizeof t; must(getsockopt(d, SOL_SOCKET, SO_RCVTIMEO, &t, &n)); (int)(t.tv_usec > 0); }));

	on(SIGALRM, handler, SA_RESTART); // a call with a time-out is not restarted (signal(7))
	struct itimerval it = {{0, 20000}, {0, 20000}};
	limit(d, SO_RCVTIMEO, 20000), limit(u, SO_RCVTIMEO, 20000), limit(l, SO_RCVTIMEO, 20000), must(setitimer(ITIMER_REAL, &it, NULL));
	show(recv(d, b, 16, 0)), show(recv(u, b, 16, 0)), show(accept(l, NULL, NULL)), show(recvmsg(u, &m, 0)), must(write(c, "12", 2)), show(recv(d, b, 16, MSG_WAITALL));
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, x)), limit(x[0], SO_RCVTIMEO, 20000), show(recv(x[0], b, 16, 0)), it = (struct itimerval){0}, must(setitimer(ITIMER_REAL, &it, NULL));
	limit(x[0], SO_RCVTIMEO, 30), start(), show(recv(x[0], b, 16, 0)), waited(29), limit(x[0], SO_SNDTIMEO, 30);
	while ((k = send(x[0], big, 65536, 0)) == 65536) ;
	fact("the last is short: %d", k >= 0), show(send(x[0], big, 65536, 0));
	must(socketpair(AF_UNIX, SOCK_DGRAM, 0, x)), limit(x[0], SO_SNDTIMEO, 30), start();
	while ((k = send(x[0], big, 1000, 0)) == 1000) ;
	fact("datagrams: %s", ename(errno)), waited(29);

	int full = listener(0), s; // the second connection does not find room
	a = in4(LO, port(full));
	for (int i = 0; i < 3; i++) {
		s = must(socket(AF_INET, SOCK_STREAM, 0)), limit(s, SO_SNDTIMEO, 100);
		fact("connection %d: %s", i, ename(err(connect(s, SA(a)))));
	}
	events("one that timed out", s), show(opt(s, SOL_SOCKET, SO_ERROR)), fact("again: %s", ename(err(connect(s, SA(a)))));
	return 0;
}
