// Flags of recv and send on streams: PEEK, WAITALL, DONTWAIT, TRUNC, OOB; SO_PEEK_OFF; sendmmsg, recvmmsg.
#include "../oracle.h"
#include <sys/ioctl.h>
#include <sys/socket.h>

int main(void) {
	int s[2], n, off;
	char b[16] = {0};
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	show(recv(s[1], b, 8, MSG_DONTWAIT));
	must(write(s[0], "abcdef", 6));
	show(recv(s[1], b, 3, MSG_PEEK)), show(recv(s[1], b, 3, MSG_PEEK));
	fact("%s", b);
	show(ioctl(s[1], FIONREAD, &n));
	show(n);
	show(ioctl(s[0], TIOCOUTQ, &n) == 0 && n > 0);
	must(write(s[0], "ghi", 3));
	memset(b, 0, 16);
	show(recv(s[1], b, 8, 0)); // over two writes
	fact("%s", b);
	show(recv(s[1], b, 8, MSG_TRUNC)); // no meaning for streams
	pid_t me = getpid(), pid = spawn(asleep(me); must(write(s[0], "12", 2)); asleep(me); must(write(s[0], "345", 3)));
	show(recv(s[1], b, 5, MSG_WAITALL));
	quiet(pid);
	must(write(s[0], "12", 2));
	show(recv(s[1], b, 5, MSG_WAITALL | MSG_DONTWAIT));
	off = 2;
	show(setsockopt(s[1], SOL_SOCKET, SO_PEEK_OFF, &off, sizeof off));
	must(write(s[0], "ABCDEF", 6));
	memset(b, 0, 16);
	show(recv(s[1], b, 2, MSG_PEEK)), show(recv(s[1], b + 2, 2, MSG_PEEK)); // moves on
	fact("%s", b);
	show(recv(s[1], b, 3, 0));
	off = 0;
	must(setsockopt(s[1], SOL_SOCKET, SO_PEEK_OFF, &off, sizeof off));
	memset(b, 0, 16);
	show(recv(s[1], b, 8, MSG_PEEK));
	fact("%s", b);
	show(recv(s[1], b, 8, 0));
	show(recv(s[1], b, 0, MSG_DONTWAIT));
	show(send(s[0], "x", 1, MSG_MORE | MSG_DONTROUTE | MSG_CONFIRM));
	show(recv(s[1], (void *)8, 1, 0)); // stays there
	show(recv(s[1], b, 1, MSG_DONTWAIT));
	show(send(s[0], (void *)8, 1, 0));
	show(recvfrom(0, b, 1, 0, NULL, NULL));
	show(recvfrom(999, b, 1, 0, NULL, NULL));
	struct iovec v[3] = {{"one", 3}, {"two", 3}, {"three", 5}};
	struct mmsghdr mm[3] = {{{.msg_iov = &v[0], .msg_iovlen = 1}}, {{.msg_iov = &v[1], .msg_iovlen = 1}}, {{.msg_iov = &v[2], .msg_iovlen = 1}}};
	int d[2];
	must(socketpair(AF_UNIX, SOCK_DGRAM, 0, d));
	show(sendmmsg(d[0], mm, 3, 0));
	fact("%u %u %u", mm[0].msg_len, mm[1].msg_len, mm[2].msg_len);
	char r[3][8] = {{0}};
	for (int i = 0; i < 3; i++)
		v[i] = (struct iovec){r[i], 8};
	show(recvmmsg(d[1], mm, 2, 0, NULL));
	fact("%s %s", r[0], r[1]);
	show(recvmmsg(d[1], mm, 3, MSG_DONTWAIT, NULL));
	fact("%s", r[0]);
	show(recvmmsg(d[1], mm, 3, MSG_DONTWAIT, NULL));
	mm[1].msg_hdr.msg_iov = (void *)8;
	show(sendmmsg(d[0], mm, 3, 0)); // up to the bad one
	return 0;
}
