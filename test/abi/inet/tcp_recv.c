// Receiving: peeks, MSG_WAITALL, MSG_TRUNC, time-outs, SO_RCVLOWAT, vectors, lengths of queues.
#include "net.h"
#include <linux/sockios.h>
#include <sys/uio.h>

int main(void) {
	int l = listener(5), c, d, n;
	char b[64] = {0}, b2[4] = {0};
	conn(l, &c, &d);
	must(write(c, "hello world", 11)), show(recv(d, b, 5, MSG_PEEK)), show(recv(d, b, 64, MSG_PEEK)), fact("%s", b), show(ioctl(d, FIONREAD, &n)), show(n), show(recv(d, b, 6, MSG_TRUNC)), memset(b, 0, 64), show(recv(d, b, 64, 0)), fact("%s", b), show(recv(d, b, 64, MSG_DONTWAIT)), show(recv(d, NULL, 0, MSG_DONTWAIT));
	pid_t p = spawn(usleep(3000); must(write(c, "ab", 2)); usleep(3000); must(write(c, "cd", 2)));
	memset(b, 0, 64), show(recv(d, b, 4, MSG_WAITALL)), fact("%s", b), quiet(p);
	p = spawn(close(d); must(write(c, "xyz", 3)); must(shutdown(c, SHUT_WR)));
	memset(b, 0, 64), show(recv(d, b, 10, MSG_WAITALL)), fact("%s", b), quiet(p), show(recv(d, b, 10, MSG_WAITALL)), must(close(c)), must(close(d)), conn(l, &c, &d);
	must(setsockopt(d, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){0, 30000}, sizeof(struct timeval))), show(recv(d, b, 4, 0)), must(write(c, "q", 1)), show(recv(d, b, 4, MSG_WAITALL)), must(setsockopt(d, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){0, 0}, sizeof(struct timeval)));
	must(set(d, SOL_SOCKET, SO_RCVLOWAT, 3)), must(write(c, "1", 1)), usleep(2000), events("one of three", d), must(write(c, "23", 2)), until(d, POLLIN), events("three", d), show(recv(d, b, 64, 0)), must(set(d, SOL_SOCKET, SO_RCVLOWAT, 1));
	struct iovec v[2] = {{b2, 3}, {b, 64}};
	struct msghdr m = {.msg_iov = v, .msg_iovlen = 2, .msg_name = b, .msg_namelen = 16, .msg_flags = 99};
	memset(b, 0, 64), must(writev(c, (struct iovec[]){{"one", 3}, {"two", 3}}, 2)), show(recvmsg(d, &m, 0)), fact("%s %s %u %#x", b2, b, m.msg_namelen, m.msg_flags);
	show(ioctl(c, SIOCOUTQ, &n)), show(n), show(ioctl(l, FIONREAD, &n)), show(sendto(c, "to", 2, 0, SA(((struct sockaddr_in){.sin_family = AF_INET})))), show(recv(d, b, 64, 0));
	must(write(c, "zzz", 3)), show(recv(d, (char *)8, 3, 0)), show(recv(d, b, 64, 0)), show(send(c, (char *)8, 3, 0)), show(send(c, b, 0, 0)), show(recv(d, b, 8, MSG_ERRQUEUE)), show(recv(l, b, 1, 0)), show(read(l, b, 1));
	must(set(d, SOL_TCP, TCP_INQ, 1)), must(write(c, "abcdef", 6));
	char ctl[64];
	struct iovec w = {b, 2};
	m = (struct msghdr){.msg_iov = &w, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof ctl}, show(recvmsg(d, &m, 0)), fact("level %d type %d: %d", CMSG_FIRSTHDR(&m)->cmsg_level, CMSG_FIRSTHDR(&m)->cmsg_type, *(int *)CMSG_DATA(CMSG_FIRSTHDR(&m)));
	return 0;
}
