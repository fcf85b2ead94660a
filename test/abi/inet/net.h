// What the programs about sockets of the Internet share.
#include "../oracle.h"
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#define SA(a) (struct sockaddr *)&(a), sizeof(a)

UNUSED static struct sockaddr_in in4(uint32_t ip, int port) { return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(ip)}; }
UNUSED static struct sockaddr_in6 in6(const char *ip, int port) {
	struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	must(inet_pton(AF_INET6, ip, &a.sin6_addr) == 1 ? 0 : -1);
	return a;
}
#define LO 0x7f000001
// port is the one a socket is bound to.
UNUSED static int port(int s) {
	struct sockaddr_in6 a;
	socklen_t n = sizeof a;
	must(getsockname(s, (struct sockaddr *)&a, &n));
	return ntohs(a.sin6_port);
}
// listener is a TCP socket that listens on 127.0.0.1.
UNUSED static int listener(int backlog) {
	int s = must(socket(AF_INET, SOCK_STREAM, 0));
	struct sockaddr_in a = in4(LO, 0);
	must(bind(s, SA(a))), must(listen(s, backlog));
	return s;
}
// conn connects to a listener; both ends.
UNUSED static void conn(int l, int *c, int *d) {
	struct sockaddr_in a = in4(LO, port(l));
	*c = must(socket(AF_INET, SOCK_STREAM, 0)), must(connect(*c, SA(a))), *d = must(accept(l, NULL, NULL));
}
// own_loopback goes to a namespace with nothing but a loopback, where nobody else has ports or sends anything.
UNUSED static void own_loopback(void) {
	struct { char name[16]; short flags; char rest[22]; } lo = {"lo", 1 /* IFF_UP */, ""};
	must(unshare(CLONE_NEWNET));
	int s = must(socket(AF_INET, SOCK_DGRAM, 0));
	must(ioctl(s, SIOCSIFFLAGS, &lo)), close(s);
}
// opt is an option's value; -1 and errno for none.
UNUSED static int opt(int s, int level, int name) {
	int v = 0;
	socklen_t n = sizeof v;
	return getsockopt(s, level, name, &v, &n) ? -1 : v;
}
#define set(s, level, name, value) setsockopt(s, level, name, &(int){value}, 4)
// events prints what poll shows.
UNUSED static void events(const char *what, int s) {
	struct pollfd p = {s, POLLIN | POLLOUT | POLLPRI | POLLRDHUP | POLLRDNORM | POLLWRNORM};
	must(poll(&p, 1, 0));
	fact("%s:%s%s%s%s%s%s", what, p.revents & POLLIN ? " in" : "", p.revents & POLLOUT ? " out" : "", p.revents & POLLPRI ? " pri" : "",
	     p.revents & POLLERR ? " err" : "", p.revents & POLLHUP ? " hup" : "", p.revents & POLLRDHUP ? " rdhup" : "");
}
// until waits for an event.
UNUSED static void until(int s, int event) {
	struct pollfd p = {s, event};
	must(poll(&p, 1, 10000) == 1 ? 0 : -1);
}
UNUSED static int tcpstate(int s) {
	struct tcp_info i;
	socklen_t n = sizeof i;
	must(getsockopt(s, SOL_TCP, TCP_INFO, &i, &n));
	return i.tcpi_state;
}
