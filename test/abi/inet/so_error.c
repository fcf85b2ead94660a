// The error a socket notes: told once, by whichever call comes first; SIGPIPE and who raises it; what is left to read after a reset.
#include "net.h"
static volatile sig_atomic_t pipes;
static void onpipe(int s) { (void)s, pipes++; }
static void sigs(const char *what) { fact("  %s: %d SIGPIPE", what, pipes), pipes = 0; }
static int l;
// reset makes a connection that the peer has reset, with bytes before it if any.
static int reset(const char *before) {
	int c, d;
	struct linger g = {1, 0};
	conn(l, &c, &d);
	if (*before) must(write(d, before, strlen(before))), until(c, POLLIN);
	must(setsockopt(d, SOL_SOCKET, SO_LINGER, &g, sizeof g)), must(close(d)), until(c, POLLERR);
	return c;
}
static int refused(void) { // a datagram socket with ECONNREFUSED waiting
	int r = must(socket(AF_INET, SOCK_DGRAM, 0)), s = must(socket(AF_INET, SOCK_DGRAM, 0));
	struct sockaddr_in a = in4(LO, 0);
	must(bind(r, SA(a))), a = in4(LO, port(r)), must(connect(s, SA(a))), must(close(r)), must(send(s, "x", 1, 0)), until(s, POLLERR);
	return s;
}

int main(void) {
	on(SIGPIPE, onpipe, SA_RESTART), l = listener(5);
	char b[64];
	int s, x[2];
	socklen_t n = 16;
	s = reset(""), events("reset", s), show(read(s, b, 16)), events("told", s), show(read(s, b, 16)), show(write(s, "x", 1)), sigs("write after a read");
	s = reset(""), show(write(s, "x", 1)), sigs("the first write"), show(write(s, "x", 1)), sigs("the second"), show(send(s, "x", 1, MSG_NOSIGNAL)), sigs("MSG_NOSIGNAL"), show(read(s, b, 16));
	s = reset(""), show(opt(s, SOL_SOCKET, SO_ERROR)), show(opt(s, SOL_SOCKET, SO_ERROR)), events("by SO_ERROR", s), show(read(s, b, 16)), show(recv(s, b, 16, MSG_PEEK));
	s = reset("kept"), events("with data", s), show(recv(s, b, 2, 0)), show(recv(s, b, 16, MSG_PEEK)), show(recv(s, b, 16, 0)), show(recv(s, b, 16, 0)), show(recv(s, b, 16, 0));
	s = reset("kept"), show(recv(s, b, 16, MSG_WAITALL)), show(recv(s, b, 16, MSG_WAITALL)), show(recv(s, b, 16, MSG_WAITALL));
	s = reset("kept"), show(write(s, "x", 1)), sigs("write with data unread"), show(read(s, b, 16)), show(read(s, b, 16));
	s = reset(""), show(recv(s, b, 0, 0)), show(recv(s, b, 16, MSG_PEEK)), show(recv(s, b, 16, 0)), show(getpeername(s, (void *)b, &n)), show(shutdown(s, SHUT_WR)), show(ioctl(s, FIONREAD, &(int){0}) == 0);
	s = reset(""), show(recv(s, b, 16, MSG_ERRQUEUE)), show(recv(s, b, 16, MSG_OOB)), show(recv(s, b, 16, 0));
	s = refused(), events("refused", s), show(recv(s, b, 16, 0)), events("told", s), show(recv(s, b, 16, MSG_DONTWAIT));
	s = refused(), show(send(s, "x", 1, 0)), show(send(s, "x", 1, 0)), until(s, POLLERR), show(opt(s, SOL_SOCKET, SO_ERROR)), show(opt(s, SOL_SOCKET, SO_ERROR));
	s = refused(), show(recv(s, b, 16, MSG_PEEK | MSG_DONTWAIT)), show(recv(s, b, 16, MSG_PEEK | MSG_DONTWAIT)), sigs("datagrams");
	s = refused(), show(connect(s, (struct sockaddr *)&(struct sockaddr){AF_UNSPEC}, 16)), show(opt(s, SOL_SOCKET, SO_ERROR));
	s = refused(), show(shutdown(s, SHUT_RDWR)), show(recv(s, b, 16, 0)), show(recv(s, b, 16, 0)), show(send(s, "x", 1, 0)), sigs("shut datagrams");
	s = must(socket(AF_INET, SOCK_STREAM, 0)), show(send(s, "x", 1, 0)), sigs("never connected"), show(recv(s, b, 16, 0)), show(write(l, "x", 1)), sigs("a listener"), show(read(l, b, 16));
	int c, d;
	conn(l, &c, &d), must(shutdown(c, SHUT_WR)), show(write(c, "x", 1)), sigs("after shutdown"), show(send(c, "", 0, 0)), sigs("of nothing"), show(write(c, "", 0)), sigs("write of nothing");
	conn(l, &c, &d), must(close(d)), until(c, POLLRDHUP), show(write(c, "x", 1)), until(c, POLLERR | POLLHUP), events("written to a closed one", c), show(write(c, "x", 1)), sigs("the second"), show(read(c, b, 16)), show(opt(c, SOL_SOCKET, SO_ERROR));
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, x)), must(close(x[1])), show(write(x[0], "x", 1)), sigs("a pair"), show(sendto(x[0], "x", 1, MSG_NOSIGNAL, NULL, 0)), sigs("quietly"), show(opt(x[0], SOL_SOCKET, SO_ERROR));
	must(socketpair(AF_UNIX, SOCK_DGRAM, 0, x)), must(close(x[1])), show(write(x[0], "x", 1)), sigs("a pair of datagrams"), show(write(x[0], "x", 1)), sigs("again"), must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, x)), must(close(x[1])), show(write(x[0], "x", 1)), sigs("a pair of packets");
	show(setsockopt(s, SOL_SOCKET, SO_ERROR, b, 4)), n = 2, show(getsockopt(s, SOL_SOCKET, SO_ERROR, b, &n)), show(n);
	return 0;
}
