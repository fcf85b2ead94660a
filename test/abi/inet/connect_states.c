// connect(2), listen(2) and accept(2) in the wrong states and with the wrong arguments; oneself as the peer; AF_UNSPEC and a second try.
#include "net.h"
static void try(const char *what, long v) { fact("%s: %s", what, v < 0 ? ename(errno) : "ok"); }
#define NEW(fam, type) must(socket(fam, type, 0))
#define unspec(s) connect(s, (struct sockaddr *)&(struct sockaddr){AF_UNSPEC}, 16)

int main(void) {
	signal(SIGPIPE, SIG_IGN);
	int l = listener(5), c, d, s, v;
	char b[16];
	struct sockaddr_in a = in4(LO, port(l)), gone = in4(LO, 1), any = in4(0, port(l)), group = in4(0xe0000001, 7), bcast = in4(0xffffffff, 7), none = in4(LO, 0);
	struct sockaddr_in6 six = in6("::1", port(l));
	conn(l, &c, &d);
	try("connect a connected one", connect(c, SA(a))), try("an accepted one", connect(d, SA(a))), try("a listener", connect(l, SA(a))), try("listen when connected", listen(c, 1)), try("bind when connected", bind(c, SA(none))), try("accept of a connected one", accept(c, NULL, NULL));
	try("accept of a fresh one", accept(NEW(AF_INET, SOCK_STREAM), NULL, NULL)), try("of datagrams", accept(NEW(AF_INET, SOCK_DGRAM), NULL, NULL)), try("of a pipe", accept(gate_new().fd[0], NULL, NULL)), try("of nothing", accept(999, NULL, NULL));
	try("listen of datagrams", listen(NEW(AF_INET, SOCK_DGRAM), 1)), try("listen of a pipe", listen(gate_new().fd[0], 1)), try("listen below 0", listen(NEW(AF_INET, SOCK_STREAM), -1)), try("listen again", listen(l, 9));
	must(shutdown(c, SHUT_RDWR)), must(shutdown(d, SHUT_RDWR)), usleep(3000), try("connect after both ends", connect(c, SA(a))), try("listen after that", listen(d, 1)), close(c), close(d);
	s = NEW(AF_INET, SOCK_STREAM), try("refused", connect(s, SA(gone))), events("after", s), try("the same again", connect(s, SA(gone))), try("then to the listener", connect(s, SA(a))), try("send", send(s, "x", 1, 0)), d = must(accept(l, NULL, NULL)), try("arrives", recv(d, b, 16, 0));
	try("unspec", unspec(s)), try("peer reads", recv(d, b, 16, 0)), events("disconnected", s), show(opt(s, SOL_SOCKET, SO_ERROR)), try("send", send(s, "x", 1, 0)), try("recv", recv(s, b, 16, 0)), try("connect again", connect(s, SA(a))), close(d), d = must(accept(l, NULL, NULL)), try("send", send(s, "x", 1, 0)), try("arrives", recv(d, b, 16, 0)), close(s), close(d);
	try("unspec of a fresh one", unspec(NEW(AF_INET, SOCK_STREAM))), s = listener(1), try("unspec of a listener", unspec(s)), try("accept", accept(s, NULL, NULL)), show(opt(s, SOL_SOCKET, SO_ACCEPTCONN)), try("listen once more", listen(s, 1));
	try("to any", connect(NEW(AF_INET, SOCK_STREAM), SA(any))), try("to a group", connect(NEW(AF_INET, SOCK_STREAM), SA(group))), try("to a broadcast", connect(NEW(AF_INET, SOCK_STREAM), SA(bcast))), try("to port 0", connect(NEW(AF_INET, SOCK_STREAM), SA(none))), try("of the other version", connect(NEW(AF_INET, SOCK_STREAM), SA(six))), try("the other way", connect(NEW(AF_INET6, SOCK_STREAM), SA(a))), try("nobody listens on v6", connect(NEW(AF_INET6, SOCK_STREAM), SA(six)));
	try("too short", connect(NEW(AF_INET, SOCK_STREAM), (void *)&a, 15)), try("longer", connect(NEW(AF_INET, SOCK_STREAM), (void *)&a, 100)), try("too long", connect(NEW(AF_INET, SOCK_STREAM), (void *)&a, 129)), try("length below 0", connect(NEW(AF_INET, SOCK_STREAM), (void *)&a, -1)), try("no memory", connect(NEW(AF_INET, SOCK_STREAM), (void *)8, 16)), a.sin_family = 77, try("unknown family", connect(NEW(AF_INET, SOCK_STREAM), SA(a))), a.sin_family = AF_INET;

	s = NEW(AF_INET, SOCK_STREAM), must(bind(s, SA(none))), none = in4(LO, port(s)), try("to oneself", connect(s, SA(none))), fact("state %d", tcpstate(s)), try("write", write(s, "self", 4)), try("read", recv(s, b, 16, 0)), must(shutdown(s, SHUT_WR)), try("the end", recv(s, b, 16, 0)), events("after it", s), close(s);

	s = must(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)), v = connect(s, SA(gone)), fact("not waiting: %s", v && errno != EINPROGRESS ? ename(errno) : "in progress"), until(s, POLLOUT), events("refused", s), show(opt(s, SOL_SOCKET, SO_ERROR)), events("taken", s), show(opt(s, SOL_SOCKET, SO_ERROR)), try("connect tells", connect(s, SA(gone)) && errno == EINPROGRESS ? 0 : -1);
	s = must(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)), connect(s, SA(a)), until(s, POLLOUT), try("connect when it is done", connect(s, SA(a))), try("once more", connect(s, SA(a)));
	s = must(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)), connect(s, SA(gone)), until(s, POLLOUT), try("write tells", send(s, "x", 1, 0)), try("write again", send(s, "x", 1, 0)), try("read", recv(s, b, 16, 0));
	s = must(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)), connect(s, SA(gone)), until(s, POLLOUT), try("read tells", recv(s, b, 16, 0)), try("read again", recv(s, b, 16, 0)), try("and connect", connect(s, SA(a)) && errno == EINPROGRESS ? 0 : connect(s, SA(a)));
	try("accept4 with flags that are not", accept4(l, NULL, NULL, 1)), must(fcntl(l, F_SETFL, O_NONBLOCK));
	while ((d = accept4(l, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) fact("flags %d %d", fcntl(d, F_GETFL) & O_NONBLOCK ? 1 : 0, fcntl(d, F_GETFD)), close(d);
	try("nothing waits", -1), fact("types: %s", ename(err(socket(AF_INET, SOCK_STREAM | 0x100, 0)))), fact("flags of a listener's: %s", fcntl(l, F_GETFL) & O_NONBLOCK ? "nonblock" : "none");
	return 0;
}
