// SO_TIMESTAMP, SO_TIMESTAMPNS, SO_TIMESTAMPING and SIOCGSTAMP: which control messages come, when, on datagrams and connections; what cannot be set.
#include "net.h"
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <linux/sockios.h>
static int64_t before;
static void get(const char *what, int s) {
	char b[16], ctl[512];
	struct iovec v = {b, 16};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof ctl};
	long n = recvmsg(s, &m, MSG_DONTWAIT);
	int64_t now = now_ns(CLOCK_REALTIME);
	fact("%s: %ld, flags %#x", what, n, n < 0 ? 0 : m.msg_flags);
	for (struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		struct timespec *t = (void *)CMSG_DATA(c);
		int64_t at = t->tv_sec * 1000000000LL + t->tv_nsec * (c->cmsg_type == SCM_TIMESTAMP ? 1000 : 1);
		fact("  %d/%d %zu bytes, %s", c->cmsg_level, c->cmsg_type, (size_t)c->cmsg_len, at + 1000 >= before && at <= now ? "between" : at ? "another time" : "no time");
		if (c->cmsg_type == SCM_TIMESTAMPING) fact("  the others %s", t[1].tv_sec | t[1].tv_nsec | t[2].tv_sec | t[2].tv_nsec ? "set" : "not");
	}
}
#define STAMP(s, v) fact("%s: %s, then %d", #v, ename(err(set(s, SOL_SOCKET, SO_TIMESTAMPING, v))), opt(s, SOL_SOCKET, SO_TIMESTAMPING))
#define RX SOF_TIMESTAMPING_RX_SOFTWARE
#define SW SOF_TIMESTAMPING_SOFTWARE

// warm has stamps taken from now on: Linux begins a while after the first socket asks (netstamp_work).
static void warm(void) {
	int s = must(socket(AF_INET, SOCK_DGRAM, 0));
	struct sockaddr_in a = in4(LO, 0);
	must(bind(s, SA(a))), a = in4(LO, port(s)), must(connect(s, SA(a))), must(set(s, SOL_SOCKET, SO_TIMESTAMPING, SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE));
	for (int i = 0; i < 10000; i++, usleep(500)) {
		char b[8], ctl[128];
		struct iovec v = {b, 8};
		struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof ctl};
		must(send(s, "x", 1, 0)), must(recvmsg(s, &m, 0));
		if (m.msg_controllen) return; // s stays open
	}
}

int main(void) {
	warm();
	int r = must(socket(AF_INET, SOCK_DGRAM, 0)), s = must(socket(AF_INET, SOCK_DGRAM, 0));
	struct sockaddr_in a = in4(LO, 0);
	struct timeval tv;
	struct timespec ts;
	must(bind(r, SA(a))), a = in4(LO, port(r)), must(connect(s, SA(a)));
	show(ioctl(r, SIOCGSTAMP, &tv));
#define SEND() (before = now_ns(CLOCK_REALTIME), must(send(s, "x", 1, 0)), until(r, POLLIN))
	SEND(), get("none", r), must(set(r, SOL_SOCKET, SO_TIMESTAMP, 1)), SEND(), get("SO_TIMESTAMP", r), must(set(r, SOL_SOCKET, SO_TIMESTAMPNS, 1)), fact("%d %d", opt(r, SOL_SOCKET, SO_TIMESTAMP), opt(r, SOL_SOCKET, SO_TIMESTAMPNS)), SEND(), get("SO_TIMESTAMPNS", r), must(set(r, SOL_SOCKET, SO_TIMESTAMP, 0)), fact("%d %d", opt(r, SOL_SOCKET, SO_TIMESTAMP), opt(r, SOL_SOCKET, SO_TIMESTAMPNS));
	STAMP(r, RX | SW), SEND(), get("RX and SOFTWARE", r), must(set(r, SOL_SOCKET, SO_TIMESTAMPNS, 1)), SEND(), get("both", r), must(set(r, SOL_SOCKET, SO_TIMESTAMPNS, 0)), STAMP(r, RX), SEND(), get("RX alone", r), STAMP(r, SW | SOF_TIMESTAMPING_RAW_HARDWARE | SOF_TIMESTAMPING_RX_HARDWARE | RX), SEND(), get("hardware, too", r), STAMP(r, 0), SEND(), get("off", r);
	STAMP(r, -1), STAMP(r, 1 << 25), STAMP(r, SOF_TIMESTAMPING_OPT_STATS), STAMP(r, SOF_TIMESTAMPING_OPT_ID), STAMP(r, 0);
	show(ioctl(r, SIOCGSTAMP, &tv)), yes(tv.tv_sec >= before / 1000000000 - 1), show(ioctl(r, SIOCGSTAMPNS, &ts)), yes(ts.tv_sec >= before / 1000000000 - 1), show(ioctl(r, SIOCGSTAMP, (void *)8));
	struct so_timestamping st = {RX | SW, 0}, got = {0};
	socklen_t n = sizeof got;
	show(setsockopt(r, SOL_SOCKET, SO_TIMESTAMPING, &st, sizeof st)), show(getsockopt(r, SOL_SOCKET, SO_TIMESTAMPING, &got, &n)), fact("%d %d, %u bytes", got.flags, got.bind_phc, n), SEND(), get("by the struct", r);
	must(send(s, "", 0, 0)), until(r, POLLIN), get("an empty datagram", r);

	int l = listener(3), c, d;
	conn(l, &c, &d), get("a connection with nothing", d), must(set(d, SOL_SOCKET, SO_TIMESTAMP, 1)), before = now_ns(CLOCK_REALTIME), must(write(c, "stream", 6)), until(d, POLLIN), get("SO_TIMESTAMP on TCP", d), must(set(d, SOL_SOCKET, SO_TIMESTAMPNS, 1)), before = now_ns(CLOCK_REALTIME), must(write(c, "stream", 6)), until(d, POLLIN), get("SO_TIMESTAMPNS on TCP", d), must(set(d, SOL_SOCKET, SO_TIMESTAMPNS, 0)), STAMP(d, RX | SW), before = now_ns(CLOCK_REALTIME), must(write(c, "stream", 6)), until(d, POLLIN), get("SO_TIMESTAMPING on TCP", d);
	show(set(l, SOL_SOCKET, SO_TIMESTAMPING, SOF_TIMESTAMPING_OPT_ID)), show(set(must(socket(AF_INET, SOCK_STREAM, 0)), SOL_SOCKET, SO_TIMESTAMPING, SOF_TIMESTAMPING_OPT_ID)), show(set(d, SOL_SOCKET, SO_TIMESTAMPING, SOF_TIMESTAMPING_OPT_ID)), show(set(d, SOL_SOCKET, SO_TIMESTAMPING, 1 << 16 /* OPT_ID_TCP alone */));
	int x[2];
	must(socketpair(AF_UNIX, SOCK_DGRAM, 0, x)), must(set(x[1], SOL_SOCKET, SO_TIMESTAMP, 1)), before = now_ns(CLOCK_REALTIME), must(write(x[0], "unix", 4)), get("unix", x[1]), must(set(x[1], SOL_SOCKET, SO_TIMESTAMPNS, 1)), before = now_ns(CLOCK_REALTIME), must(write(x[0], "unix", 4)), get("unix, NS", x[1]);
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, x)), must(set(x[1], SOL_SOCKET, SO_TIMESTAMP, 1)), must(write(x[0], "unix", 4)), get("a unix stream", x[1]);
	int p = socket(AF_INET6, SOCK_DGRAM, 0);
	struct sockaddr_in6 a6 = in6("::1", 0);
	must(bind(p, SA(a6))), a6 = in6("::1", port(p)), must(connect(p, SA(a6))), must(set(p, SOL_SOCKET, SO_TIMESTAMPNS, 1)), must(set(p, SOL_IPV6, IPV6_RECVPKTINFO, 1)), before = now_ns(CLOCK_REALTIME), must(send(p, "x", 1, 0)), get("v6 with PKTINFO", p);
	return 0;
}
