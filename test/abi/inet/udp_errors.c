// Errors of datagrams: refusals come back, IP_RECVERR and the error queue, MSG_ERRQUEUE, what poll shows.
#include "net.h"
#include <linux/errqueue.h>
static void queue(int s) {
	char b[64] = {0}, ctl[512], t[64];
	struct sockaddr_in6 name = {0};
	struct iovec v = {b, 64};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_name = &name, .msg_namelen = sizeof name, .msg_control = ctl, .msg_controllen = sizeof ctl};
	long n = recvmsg(s, &m, MSG_ERRQUEUE);
	if (n < 0) { fact("queue: %s", ename(errno)); return; }
	fact("queue: %ld \"%s\" flags %#x name %u family %d", n, b, m.msg_flags, m.msg_namelen, name.sin6_family);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		struct sock_extended_err *e = (void *)CMSG_DATA(c);
		struct sockaddr_in *o = (void *)SO_EE_OFFENDER(e);
		fact("  %d/%d %s origin %d type %d code %d info %u family %d %s", c->cmsg_level, c->cmsg_type, ename(e->ee_errno), e->ee_origin, e->ee_type, e->ee_code, e->ee_info, o->sin_family, o->sin_family == AF_INET ? inet_ntop(AF_INET, &o->sin_addr, t, 64) : "");
	}
}

int main(void) {
	int s = must(socket(AF_INET, SOCK_DGRAM, 0)), r = must(socket(AF_INET, SOCK_DGRAM, 0));
	struct sockaddr_in a = in4(LO, 0);
	char b[16];
	must(bind(r, SA(a)));
	struct sockaddr_in gone = in4(LO, port(r));
	must(close(r)), show(sendto(s, "a", 1, 0, SA(gone))), usleep(2000), show(sendto(s, "b", 1, 0, SA(gone))), events("not connected", s);
	must(connect(s, SA(gone))), show(send(s, "c", 1, 0)), until(s, POLLERR), events("connected", s), show(recv(s, b, 16, 0)), events("told", s), show(send(s, "d", 1, 0)), until(s, POLLERR), show(send(s, "e", 1, 0)), show(send(s, "f", 1, 0)), until(s, POLLERR), show(opt(s, SOL_SOCKET, SO_ERROR)), queue(s);
	s = must(socket(AF_INET, SOCK_DGRAM, 0)), show(opt(s, SOL_IP, IP_RECVERR)), must(set(s, SOL_IP, IP_RECVERR, 1)), show(sendto(s, "first", 5, 0, SA(gone))), until(s, POLLERR), events("queued", s), queue(s), events("empty", s), show(recv(s, b, 16, MSG_DONTWAIT)), queue(s);
	show(sendto(s, "one", 3, 0, SA(gone))), until(s, POLLERR), show(sendto(s, "two", 3, 0, SA(gone))), usleep(2000), queue(s), queue(s), queue(s);
	int s6 = must(socket(AF_INET6, SOCK_DGRAM, 0));
	struct sockaddr_in6 g6 = in6("::1", ntohs(gone.sin_port));
	must(set(s6, SOL_IPV6, IPV6_RECVERR, 1)), show(sendto(s6, "six", 3, 0, SA(g6))), until(s6, POLLERR), queue(s6);
	must(set(s, SOL_SOCKET, SO_SELECT_ERR_QUEUE, 1)), show(sendto(s, "x", 1, 0, SA(gone))), until(s, POLLERR), events("select", s);
	s = must(socket(AF_INET, SOCK_DGRAM, 0)), show(send(s, "x", 1, 0)), a = in4(LO, 0), show(sendto(s, "x", 1, 0, SA(a))), show(sendto(s, "x", 1, 0, (struct sockaddr *)&gone, 8)), gone.sin_family = AF_INET6, show(sendto(s, "x", 1, 0, SA(gone))), gone.sin_family = AF_UNIX, show(sendto(s, "x", 1, 0, SA(gone))), gone.sin_family = AF_UNSPEC, show(sendto(s, "x", 1, 0, SA(gone))), show(sendto(s, "x", 1, MSG_OOB, SA(gone)));
	show(getpeername(s, (struct sockaddr *)b, &(socklen_t){16})), show(listen(s, 1)), show(shutdown(s, SHUT_WR)), gone.sin_family = AF_INET, show(sendto(s, "x", 1, 0, SA(gone))), events("shut", s), show(shutdown(s, SHUT_RD)), events("both", s), show(recv(s, b, 16, 0)), show(recv(s, b, 16, MSG_DONTWAIT));
	return 0;
}
