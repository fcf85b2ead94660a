// Unix datagram sockets: boundaries, truncation, connect, senders' names, full queues, dead peers.
#include "../oracle.h"
#include <sys/socket.h>
#include <sys/un.h>
static struct sockaddr_un at(const char *path) {
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	strcpy(a.sun_path, path);
	return a;
}
#define SA(a) (struct sockaddr *)&(a), sizeof(a)

int main(void) {
	int a = must(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0)), b = must(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0));
	struct sockaddr_un na = at("a"), nb = at("b"), from;
	char buf[64] = {0};
	socklen_t n = sizeof from;
	must(bind(a, SA(na)));
	show(sendto(b, "one", 3, 0, SA(na)));
	show(recvfrom(a, buf, 64, 0, (struct sockaddr *)&from, &n));
	fact("no name: %d", n);
	must(bind(b, SA(nb)));
	must(sendto(b, "second", 6, 0, SA(na))), must(sendto(b, "", 0, 0, SA(na))), must(sendto(b, "third", 5, 0, SA(na)));
	n = sizeof from;
	show(recvfrom(a, buf, 3, 0, (struct sockaddr *)&from, &n)); // the rest is lost
	fact("%.3s from %s, %d", buf, from.sun_path, n);
	show(recv(a, buf, 64, 0)); // empty ones count
	show(recv(a, buf, 2, MSG_PEEK | MSG_TRUNC)); // the true length
	struct iovec v = {buf, 2};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	show(recvmsg(a, &m, 0));
	fact("flags %#x", m.msg_flags);
	show(recv(a, buf, 64, 0));
	show(send(b, "x", 1, 0)); // not connected
	show(connect(b, SA(na)));
	show(send(b, "x", 1, 0));
	show(sendto(b, "y", 1, 0, SA(na)));
	show(connect(a, SA(nb)));
	int c = must(socket(AF_UNIX, SOCK_DGRAM, 0));
	show(sendto(c, "z", 1, 0, SA(na))); // a listens to b only
	show(connect(c, SA(na)));
	show(send(b, buf, 1 << 20, 0)); // too big
	int sent = 0;
	while (send(b, buf, 10, 0) == 10)
		sent++;
	fact("full after more than ten: %d %s", sent > 10, ename(errno));
	struct sockaddr un = {.sa_family = AF_UNSPEC};
	show(connect(a, &un, sizeof un)); // no longer connected
	show(send(a, "x", 1, 0));
	close(a);
	show(send(b, "x", 1, 0));
	show(sendto(b, "x", 1, 0, SA(na)));
	must(unlink("a"));
	show(sendto(b, "x", 1, 0, SA(na)));
	show(listen(b, 1));
	show(accept(b, NULL, NULL));
	int p[2];
	must(socketpair(AF_UNIX, SOCK_DGRAM, 0, p));
	show(send(p[0], "q", 1, 0));
	close(p[0]);
	show(recv(p[1], buf, 64, 0)); // what was sent is there
	show(send(p[1], "q", 1, 0));
	show(recv(p[1], buf, 64, MSG_DONTWAIT));
	return 0;
}
