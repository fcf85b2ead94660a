// Datagrams: MSG_MORE and UDP_CORK, UDP_SEGMENT, local names of connect and disconnect, full queues, lengths, sendmmsg.
#include "net.h"

int main(void) {
	int r = must(socket(AF_INET, SOCK_DGRAM, 0)), s = must(socket(AF_INET, SOCK_DGRAM, 0)), n;
	struct sockaddr_in a = in4(LO, 0), me;
	char b[64] = {0};
	static char big[70000];
	must(bind(r, SA(a))), a = in4(LO, port(r));
	show(sendto(s, "one ", 4, MSG_MORE, SA(a))), show(recv(r, b, 64, MSG_DONTWAIT)), show(sendto(s, "two", 3, 0, SA(a))), show(recv(r, b, 64, 0)), fact("%s", b);
	must(set(s, SOL_UDP, UDP_CORK, 1)), must(connect(s, SA(a))), show(send(s, "a", 1, 0)), show(send(s, "b", 1, 0)), show(recv(r, b, 64, MSG_DONTWAIT)), must(set(s, SOL_UDP, UDP_CORK, 0)), show(recv(r, b, 64, 0)), show(opt(s, SOL_UDP, UDP_CORK));
	must(set(s, SOL_UDP, UDP_SEGMENT, 10)), show(send(s, big, 25, 0)), show(recv(r, b, 64, 0)), show(recv(r, b, 64, 0)), show(recv(r, b, 64, 0)), show(recv(r, b, 64, MSG_DONTWAIT)), must(set(s, SOL_UDP, UDP_SEGMENT, 0)), show(set(s, SOL_UDP, UDP_SEGMENT, 70000)), show(set(s, SOL_UDP, 999, 1));
	socklen_t len = sizeof me;
	show(send(s, big, 65507, 0)), show(recv(r, b, 64, MSG_TRUNC)), show(send(s, big, 65508, 0)), show(send(s, "", 0, 0)), show(ioctl(r, FIONREAD, &n)), show(n), show(recv(r, b, 64, 0));
	int t = must(socket(AF_INET, SOCK_DGRAM, 0));
	must(getsockname(t, (struct sockaddr *)&me, &len)), fact("%#x %d", ntohl(me.sin_addr.s_addr), !!me.sin_port), must(connect(t, SA(a))), must(getsockname(t, (struct sockaddr *)&me, &len)), fact("%#x %d", ntohl(me.sin_addr.s_addr), !!me.sin_port), must(connect(t, (struct sockaddr *)&(struct sockaddr){AF_UNSPEC}, 16)), must(getsockname(t, (struct sockaddr *)&me, &len)), fact("%#x %d", ntohl(me.sin_addr.s_addr), !!me.sin_port);
	me = in4(0, 0), must(bind(t, SA(me))), must(connect(t, SA(a))), must(getsockname(t, (struct sockaddr *)&me, &len)), fact("%#x", ntohl(me.sin_addr.s_addr)), must(connect(t, (struct sockaddr *)&(struct sockaddr){AF_UNSPEC}, 16)), must(getsockname(t, (struct sockaddr *)&me, &len)), fact("%#x %d", ntohl(me.sin_addr.s_addr), !!me.sin_port), show(bind(t, SA(me)));
	me = in4(0, port(r)), show(connect(t, SA(me))), show(getpeername(t, (struct sockaddr *)&me, &len)), fact("%#x", ntohl(me.sin_addr.s_addr)), show(send(t, "any", 3, 0)), show(recv(r, b, 64, 0));
	must(set(r, SOL_SOCKET, SO_RCVBUF, 4000));
	for (n = 0; n < 100; n++)
		must(send(s, big, 1000, 0));
	for (n = 0; recv(r, b, 64, MSG_DONTWAIT) >= 0; n++)
		;
	fact("some %d, not all %d", n > 0, n < 100);
	struct mmsghdr m[3] = {{{.msg_iov = &(struct iovec){"x", 1}, .msg_iovlen = 1}}, {{.msg_iov = &(struct iovec){"yy", 2}, .msg_iovlen = 1}}, {{.msg_iov = &(struct iovec){big, 66000}, .msg_iovlen = 1}}};
	show(sendmmsg(s, m, 3, 0)), fact("%u %u", m[0].msg_len, m[1].msg_len), m[2].msg_hdr.msg_iov->iov_len = 8, m[0].msg_hdr.msg_iov->iov_base = m[1].msg_hdr.msg_iov->iov_base = big, show(recvmmsg(r, m, 3, MSG_DONTWAIT, NULL)), fact("%u %u", m[0].msg_len, m[1].msg_len);
	struct sockaddr_in bc = in4(0x7fffffff, port(r));
	show(sendto(t, "x", 1, 0, SA(bc))), must(set(t, SOL_SOCKET, SO_BROADCAST, 1)), show(sendto(t, "x", 1, 0, SA(bc)));
	must(set(r, SOL_SOCKET, SO_RCVTIMEO, 0) == -1 ? 0 : -1), must(setsockopt(r, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){0, 20000}, sizeof(struct timeval))), show(recv(r, b, 64, 0)), show(recv(r, b, 64, MSG_OOB | MSG_DONTWAIT));
	return 0;
}
