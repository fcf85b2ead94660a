// MSG_ZEROCOPY: SO_ZEROCOPY of several sockets, completions in the error queue of TCP and UDP, what they say and when they
// are one.
#include "net.h"
#include <linux/errqueue.h>

#ifndef SO_ZEROCOPY
#define SO_ZEROCOPY 60
#endif
#ifndef MSG_ZEROCOPY
#define MSG_ZEROCOPY 0x4000000
#endif
#ifndef SO_EE_ORIGIN_ZEROCOPY
#define SO_EE_ORIGIN_ZEROCOPY 5
#endif
static char big[200000];
// done takes entries until the call of a number is done, and prints their form.
static void done(int s, unsigned last) {
	unsigned at = 0, form = 0, n = 0;
	do {
		char c[200], d[10];
		struct sockaddr_in6 a;
		struct iovec v = {d, sizeof d};
		struct msghdr m = {&a, sizeof a, &v, 1, c, sizeof c, 0};
		struct pollfd p = {s, 0};
		must(poll(&p, 1, 10000) == 1 && p.revents & POLLERR ? 0 : -1);
		long got = recvmsg(s, &m, MSG_ERRQUEUE);
		if (got < 0 && errno == EAGAIN) continue;
		must(got);
		struct cmsghdr *h = CMSG_FIRSTHDR(&m);
		struct sock_extended_err *e = (void *)CMSG_DATA(h);
		if (!n++) fact("%ld bytes, name of %u, flags %x, level %d type %d len %zu; errno %u origin %u type %u code %u, from %u", got, m.msg_namelen, m.msg_flags, h->cmsg_level, h->cmsg_type, h->cmsg_len, e->ee_errno, e->ee_origin, e->ee_type, e->ee_code, e->ee_info);
		form += e->ee_info != at, at = e->ee_data + 1;
		n -= n > 1;
	} while (at <= last);
	fact("up to %u, %s", at - 1, form > 1 ? "with gaps" : "in order");
	char d[10];
	show(recv(s, d, 10, MSG_ERRQUEUE | MSG_DONTWAIT));
}

int main(void) {
	const struct { const char *name; int family, type, proto; } all[] = {{"tcp", AF_INET, SOCK_STREAM, 0}, {"tcp6", AF_INET6, SOCK_STREAM, 0}, {"udp", AF_INET, SOCK_DGRAM, 0}, {"raw", AF_INET, SOCK_RAW, IPPROTO_UDP}, {"unix", AF_UNIX, SOCK_STREAM, 0}};
	for (unsigned i = 0; i < 5; i++) {
		int s = must(socket(all[i].family, all[i].type, all[i].proto));
		for (int v = -1; v < 3; v++)
			fact("%s %d: %s %d", all[i].name, v, ename(err(set(s, SOL_SOCKET, SO_ZEROCOPY, v))), opt(s, SOL_SOCKET, SO_ZEROCOPY));
	}
	int l = listener(3), c, d, x, y, n = 0;
	conn(l, &c, &d);
	show(send(c, "ignored", 7, MSG_ZEROCOPY)), events("without the option", c), show(recv(c, big, 1, MSG_ERRQUEUE));
	must(set(c, SOL_SOCKET, SO_ZEROCOPY, 1)), show(send(c, "first", 5, MSG_ZEROCOPY)), done(c, 0);
	show(send(c, "", 0, MSG_ZEROCOPY)), show(send(c, "plain", 5, 0)), show(recv(c, big, 1, MSG_ERRQUEUE));
	for (int i = 1; i <= 10; i++) must(send(c, big, 1000, MSG_ZEROCOPY));
	while (n < 10017) n += must(read(d, big, sizeof big));
	done(c, 10), show(n), show(opt(c, SOL_SOCKET, SO_ERROR));
	if (!must(fork())) {
		for (n = 0; n < 400000;) n += must(read(d, big, sizeof big));
		return 0;
	}
	show(send(c, big, sizeof big, MSG_ZEROCOPY)), show(send(c, big, sizeof big, MSG_ZEROCOPY)), done(c, 12), wait(NULL);
	must(set(c, SOL_SOCKET, SO_ZEROCOPY, 0)), show(send(c, "ignored", 7, MSG_ZEROCOPY)), show(recv(c, big, 1, MSG_ERRQUEUE));
	struct sockaddr_in a = in4(LO, 0);
	x = must(socket(AF_INET, SOCK_DGRAM, 0)), y = must(socket(AF_INET, SOCK_DGRAM, 0)), must(bind(y, SA(a))), a.sin_port = htons(port(y)), must(connect(x, SA(a)));
	must(set(x, SOL_SOCKET, SO_ZEROCOPY, 1)), show(send(x, "one", 3, MSG_ZEROCOPY)), show(send(x, "two", 3, MSG_ZEROCOPY)), show(read(y, big, 9)), show(read(y, big, 9)), done(x, 1);
	show(send(x, big, 70000, MSG_ZEROCOPY)), show(recv(x, big, 1, MSG_ERRQUEUE)), show(send(x, "", 0, MSG_ZEROCOPY)), show(recv(x, big, 1, MSG_ERRQUEUE));
	return 0;
}
