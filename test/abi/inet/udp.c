// UDP over the loopback: datagrams, truncation, connect, errors from ICMP, broadcast permission, several receivers.
#include "../oracle.h"
#include <arpa/inet.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#define SA(a) (struct sockaddr *)&(a), sizeof(a)

int main(void) {
	int a = must(socket(AF_INET, SOCK_DGRAM, 0)), b = must(socket(AF_INET, SOCK_DGRAM, 0)), n, one = 1;
	struct sockaddr_in na = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}, nb = na, from;
	socklen_t len = sizeof na;
	char buf[64] = {0};
	must(bind(a, SA(na))), must(getsockname(a, (struct sockaddr *)&na, &len)), must(bind(b, SA(nb))), must(getsockname(b, (struct sockaddr *)&nb, &len));
	show(recv(a, buf, 64, MSG_DONTWAIT)), show(send(b, "x", 1, 0)), show(sendto(b, "first", 5, 0, SA(na))), show(sendto(b, "", 0, 0, SA(na))), show(sendto(b, "third one", 9, 0, SA(na)));
	show(ioctl(a, FIONREAD, &n)), show(n), show(recvfrom(a, buf, 64, 0, (struct sockaddr *)&from, &len)), fact("%s", buf), yes(from.sin_port == nb.sin_port && len == 16);
	show(recv(a, buf, 64, 0)), show(recv(a, buf, 3, MSG_TRUNC | MSG_PEEK)), show(recv(a, buf, 3, 0)), show(recv(a, buf, 64, MSG_DONTWAIT));
	show(connect(b, SA(na))), show(send(b, "c", 1, 0)), show(sendto(b, "d", 1, 0, SA(nb))), show(recv(b, buf, 64, MSG_DONTWAIT)), show(recv(a, buf, 64, 0)); // sent to itself, filtered by connect
	int c = must(socket(AF_INET, SOCK_DGRAM, 0));
	show(sendto(c, "z", 1, 0, SA(nb))), show(recv(b, buf, 64, MSG_DONTWAIT)); // b listens to a only
	struct sockaddr un = {.sa_family = AF_UNSPEC};
	show(connect(b, &un, sizeof un)), show(send(b, "x", 1, 0));
	must(close(a)), must(connect(b, SA(na))), show(send(b, "x", 1, 0));
	struct pollfd p = {b, POLLIN};
	must(poll(&p, 1, 5000)), fact("poll %#x", p.revents), show(recv(b, buf, 64, MSG_DONTWAIT)), show(send(b, "x", 1, 0)), must(poll(&p, 1, 5000)), len = 4, must(getsockopt(b, SOL_SOCKET, SO_ERROR, &n, &len)), fact("%s", ename(n));
	static char big[70000];
	show(send(b, big, 65508, 0)), show(send(b, big, 70000, 0)), show(send(b, big, 1 << 20, 0) < 0);
	struct sockaddr_in bc = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_BROADCAST)};
	int e = err(sendto(c, "x", 1, 0, SA(bc)));
	fact("broadcast: %s", e == EACCES || e == ENETUNREACH ? "refused" : ename(e));
	int r1 = must(socket(AF_INET, SOCK_DGRAM, 0)), r2 = must(socket(AF_INET, SOCK_DGRAM, 0));
	na.sin_port = 0, must(bind(r1, SA(na))), len = sizeof na, must(getsockname(r1, (struct sockaddr *)&na, &len)), show(bind(r2, SA(na))), must(close(r1)), r1 = must(socket(AF_INET, SOCK_DGRAM, 0)), must(setsockopt(r1, SOL_SOCKET, SO_REUSEADDR, &one, 4)), must(setsockopt(r2, SOL_SOCKET, SO_REUSEADDR, &one, 4)), show(bind(r1, SA(na))), show(bind(r2, SA(na)));
	show(shutdown(c, SHUT_RD)), show(listen(r1, 1)), show(accept(r1, NULL, NULL)), show(setsockopt(c, SOL_SOCKET, SO_BROADCAST, &one, 4)), show(sendto(c, "x", 1, MSG_OOB, SA(na)));
	quiet(spawn(must(setuid(1000)); na.sin_port = htons(80); show(bind(must(socket(AF_INET, SOCK_DGRAM, 0)), SA(na))); show(socket(AF_INET, SOCK_RAW, 1))));
	return 0;
}
