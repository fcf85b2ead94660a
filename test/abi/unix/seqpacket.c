// Unix seqpacket sockets: connected, with boundaries; ends of files; MSG_EOR.
#include "../oracle.h"
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

int main(void) {
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "s"};
	int s = must(socket(AF_UNIX, SOCK_SEQPACKET, 0)), c = must(socket(AF_UNIX, SOCK_SEQPACKET, 0));
	char buf[64];
	must(bind(s, (struct sockaddr *)&a, sizeof a)), must(listen(s, 3));
	show(send(c, "x", 1, MSG_NOSIGNAL));
	show(recv(c, buf, 1, 0));
	show(connect(c, (struct sockaddr *)&a, sizeof a));
	int d = must(accept(s, NULL, NULL));
	show(send(c, "first", 5, MSG_EOR));
	show(send(c, "", 0, 0));
	show(send(c, "third", 5, 0));
	show(sendto(c, "x", 1, 0, (struct sockaddr *)&a, sizeof a));
	struct iovec v = {buf, 3};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	show(recvmsg(d, &m, 0));
	fact("flags %#x", m.msg_flags);
	show(recv(d, buf, 64, 0)); // an empty record: not the end
	show(read(d, buf, 2));
	show(recv(d, buf, 64, MSG_DONTWAIT));
	show(shutdown(c, SHUT_WR));
	show(recv(d, buf, 64, 0));
	show(send(c, "x", 1, MSG_NOSIGNAL));
	show(send(d, "back", 4, 0));
	show(recv(c, buf, 64, 0));
	int o = must(socket(AF_UNIX, SOCK_STREAM, 0));
	show(connect(o, (struct sockaddr *)&a, sizeof a));
	close(c);
	struct pollfd p = {d, POLLIN | POLLOUT | POLLRDHUP};
	show(poll(&p, 1, 0));
	fact("%#x", p.revents);
	show(send(d, "x", 1, MSG_NOSIGNAL));
	int t[2], type;
	socklen_t n = sizeof type;
	must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, t));
	must(getsockopt(t[0], SOL_SOCKET, SO_TYPE, &type, &n));
	yes(type == SOCK_SEQPACKET);
	show(write(t[0], "abc", 3)), show(write(t[0], "def", 3));
	show(recv(t[1], buf, 64, MSG_PEEK)), show(recv(t[1], buf, 64, 0)), show(recv(t[1], buf, 64, 0));
	return 0;
}
