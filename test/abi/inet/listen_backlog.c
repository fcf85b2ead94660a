// Listening: the queue's bound, connections that wait for room, accept's addresses, several listeners of one port.
// slow: SYNs that find no room are sent again after a second
#include "net.h"
static long peer(int l) {
	struct sockaddr_in a = {0};
	socklen_t n = 8;
	int d = accept(l, (struct sockaddr *)&a, &n);
	fact("family %d length %u", a.sin_family, n);
	return d;
}

int main(void) {
	int l = must(socket(AF_INET, SOCK_STREAM, 0)), c[8], n;
	struct sockaddr_in a = in4(LO, 0);
	must(bind(l, SA(a))), show(accept(l, NULL, NULL)), show(listen(l, 2)), show(listen(l, 3)), show(listen(l, 2)), show(connect(l, SA(a))), a = in4(LO, port(l));
	for (n = 0; n < 5; n++)
		c[n] = must(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)), named("connect", connect(c[n], SA(a)));
	usleep(20000);
	for (n = 0; n < 5; n++)
		fact("%d: state %d", n, tcpstate(c[n]));
	struct tcp_info i;
	socklen_t len = sizeof i;
	must(getsockopt(l, SOL_TCP, TCP_INFO, &i, &len)), fact("queue %u of %u", i.tcpi_unacked, i.tcpi_sacked);
	for (n = 0; n < 3; n++)
		show(peer(l) >= 0);
	must(fcntl(l, F_SETFL, O_NONBLOCK));
	for (n = 0; n < 5; n++)
		until(c[n], POLLOUT);
	until(l, POLLIN), show(accept(l, NULL, NULL) >= 0), until(l, POLLIN), show(accept4(l, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC) >= 0), show(accept(l, NULL, NULL)), show(accept4(l, NULL, NULL, 1));
	must(fcntl(l, F_SETFL, 0)), must(setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){0, 20000}, sizeof(struct timeval))), show(accept(l, NULL, NULL)), c[0] = must(socket(AF_INET, SOCK_STREAM, 0)), must(connect(c[0], SA(a))), show(accept(l, (struct sockaddr *)8, &len)), show(accept(c[0], NULL, NULL)), show(listen(c[0], 1));
	int m[3], hits[3] = {0};
	m[0] = must(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)), must(set(m[0], SOL_SOCKET, SO_REUSEPORT, 1)), a = in4(LO, 0), must(bind(m[0], SA(a))), must(listen(m[0], 100)), a = in4(LO, port(m[0]));
	for (n = 1; n < 3; n++)
		m[n] = must(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)), must(set(m[n], SOL_SOCKET, SO_REUSEPORT, 1)), must(bind(m[n], SA(a))), must(listen(m[n], 100));
	for (n = 0; n < 60; n++)
		must(connect(must(socket(AF_INET, SOCK_STREAM, 0)), SA(a)));
	for (n = 0; n < 3; n++)
		while (accept(m[n], NULL, NULL) >= 0)
			hits[n]++;
	fact("all %d, each %d", hits[0] + hits[1] + hits[2], hits[0] && hits[1] && hits[2]);
	pid_t p = spawn(must(setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){0, 0}, sizeof(struct timeval))); show(accept(l, NULL, NULL)));
	asleep(p), n = shutdown(l, SHUT_RD), quiet(p), show(n);
	return 0;
}
