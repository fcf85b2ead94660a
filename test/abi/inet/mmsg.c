// sendmmsg(2) and recvmmsg(2): counts, lengths, errors in the middle, time-outs, MSG_WAITFORONE, vectors, names.
#include "net.h"
#define N 6
static char buf[N][16];
static struct iovec vec[N];
static struct mmsghdr m[N];
static struct sockaddr_in name[N];
static void fresh(int n) {
	memset(m, 0, sizeof m), memset(buf, 0, sizeof buf);
	for (int i = 0; i < N; i++) vec[i] = (struct iovec){buf[i], n}, m[i].msg_hdr.msg_iov = &vec[i], m[i].msg_hdr.msg_iovlen = 1, m[i].msg_len = 77;
}
static void got(const char *what, int n) {
	int e = errno;
	fact("%s: %d %s", what, n, n < 0 ? ename(e) : "");
	for (int i = 0; i < N && n >= 0; i++)
		if (m[i].msg_len != 77) fact("  %d: %u \"%.16s\" flags %#x name %u", i, m[i].msg_len, buf[i], m[i].msg_hdr.msg_flags, m[i].msg_hdr.msg_namelen);
}
#define RECV(s, n, flags, t) (fresh(8), got("recvmmsg " #n " " #flags " " #t, recvmmsg(s, m, n, flags, t)))
static int64_t began;

int main(void) {
	int r = must(socket(AF_INET, SOCK_DGRAM, 0)), s = must(socket(AF_INET, SOCK_DGRAM, 0)), x[2];
	struct sockaddr_in a = in4(LO, 0), bad = in4(LO, 0);
	must(bind(r, SA(a))), a = in4(LO, port(r)), must(connect(s, SA(a)));
	fresh(4);
	for (int i = 0; i < 4; i++) sprintf(buf[i], "m%d", i), vec[i].iov_len = i + 1;
	got("send", sendmmsg(s, m, 4, 0)), RECV(r, 6, MSG_DONTWAIT, NULL), RECV(r, 2, MSG_DONTWAIT, NULL);
	fresh(4), m[2].msg_hdr.msg_name = &bad, m[2].msg_hdr.msg_namelen = 16, got("the third cannot be sent", sendmmsg(s, m, 4, 0)), got("it alone", sendmmsg(s, m + 2, 1, 0)), RECV(r, 1, MSG_DONTWAIT, NULL), RECV(r, 6, MSG_WAITFORONE, NULL);
	fresh(4), vec[1].iov_base = (void *)8, got("the second has no memory", sendmmsg(s, m, 3, 0)), RECV(r, 6, MSG_WAITFORONE, NULL);
	fresh(8), must(send(s, "abc", 3, 0)), must(send(s, "def", 3, 0)), vec[1].iov_base = (void *)8, got("receive without memory", recvmmsg(r, m, 3, MSG_DONTWAIT, NULL)), RECV(r, 1, MSG_DONTWAIT, NULL);
	struct timespec t = {0, 30000000}, zero = {0}, wrong = {0, 1000000000}, neg = {-1, 0}, hour = {3600, 0};
	RECV(r, 2, 0, &wrong), RECV(r, 2, 0, &neg), must(send(s, "one", 3, 0)), must(send(s, "two", 3, 0)), RECV(r, 6, 0, &zero), RECV(r, 6, MSG_DONTWAIT, &t);
	must(send(s, "one", 3, 0)), must(send(s, "two", 3, 0)), RECV(r, 2, 0, &hour), yes(hour.tv_sec < 3600 && hour.tv_sec > 3500);
	struct timeval lim = {0, 30000};
	must(setsockopt(r, SOL_SOCKET, SO_RCVTIMEO, &lim, sizeof lim)), must(send(s, "one", 3, 0)), began = now_ns(CLOCK_MONOTONIC), RECV(r, 3, 0, NULL), yes(now_ns(CLOCK_MONOTONIC) - began >= 29000000), RECV(r, 3, 0, NULL);
	must(send(s, "longer than eight", 17, 0)), RECV(r, 2, MSG_DONTWAIT | MSG_TRUNC, NULL), must(send(s, "", 0, 0)), RECV(r, 2, MSG_DONTWAIT, NULL);
	must(send(s, "peek", 4, 0)), RECV(r, 3, MSG_DONTWAIT | MSG_PEEK, NULL), RECV(r, 3, MSG_DONTWAIT, NULL);
	fresh(8);
	for (int i = 0; i < N; i++) m[i].msg_hdr.msg_name = &name[i], m[i].msg_hdr.msg_namelen = 16;
	must(send(s, "named", 5, 0)), got("names", recvmmsg(r, m, 2, MSG_DONTWAIT, NULL)), yes(ntohs(name[0].sin_port) == port(s));
	RECV(r, 0, 0, NULL), fresh(1), got("none sent", sendmmsg(s, m, 0, 0)), got("no vector", sendmmsg(s, NULL, 2, 0)), got("no vector", recvmmsg(r, NULL, 2, MSG_DONTWAIT, NULL)), got("bad fd", sendmmsg(999, m, 1, 0)), got("no socket", recvmmsg(0, m, 1, 0, NULL));
	fresh(1), must(sendmmsg(s, m, 2, MSG_DONTWAIT)), got("compat flag", sendmmsg(s, m, 1, 0x80000000)), RECV(r, 6, MSG_DONTWAIT, NULL);
	must(close(r)), fresh(1), must(send(s, "x", 1, 0)), until(s, POLLERR), got("an error waits", sendmmsg(s, m, 3, 0)), must(send(s, "x", 1, 0)), until(s, POLLERR), RECV(s, 2, 0, NULL), RECV(s, 2, MSG_DONTWAIT, NULL);
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, x)), fresh(3), got("a stream", sendmmsg(x[0], m, 3, 0)), RECV(x[1], 3, MSG_WAITFORONE, NULL), must(write(x[0], "12345678abc", 11)), must(close(x[0])), RECV(x[1], 4, 0, NULL);
	must(socketpair(AF_UNIX, SOCK_DGRAM, 0, x)), must(fcntl(x[0], F_SETFL, O_NONBLOCK)), fresh(3);
	int sent = 0, k;
	while ((k = sendmmsg(x[0], m, 6, 0)) > 0) sent += k;
	fact("until it is full: %s, %s", ename(errno), sent > 6 ? "many" : "few"), must(close(x[1])), got("gone", sendmmsg(x[0], m, 2, 0));
	return 0;
}
