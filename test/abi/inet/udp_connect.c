// Datagram sockets that connect, again, elsewhere, and no more: names, who is heard, what was queued before, ports that are kept.
#include "net.h"
static int bound(uint32_t ip) {
	int s = must(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
	struct sockaddr_in a = in4(ip, 0);
	must(bind(s, SA(a)));
	return s;
}
static void own(const char *what, int s) {
	struct sockaddr_in a = {0};
	socklen_t n = sizeof a;
	char t[32];
	must(getsockname(s, (void *)&a, &n));
	fact("%s: %s port %s, peer %s", what, inet_ntop(AF_INET, &a.sin_addr, t, 32), a.sin_port ? "some" : "none", ename(err(getpeername(s, (void *)&a, &n))));
}
static void hear(const char *what, int s) {
	char b[32] = "", all[128] = "";
	while (recv(s, b, 31, 0) >= 0) strcat(strcat(all, " "), b), memset(b, 0, 32);
	fact("%s hears:%s; %s", what, all, ename(errno));
}
static void say(int s, int to, const char *text) {
	struct sockaddr_in a = in4(LO, port(to));
	if (sendto(s, text, strlen(text), 0, SA(a)) < 0) fact("sendto: %s", ename(errno));
	usleep(1000);
}
static long peer(int s, int to) { struct sockaddr_in a = in4(LO, port(to)); return connect(s, SA(a)); }
#define unspec(s) connect(s, (struct sockaddr *)&(struct sockaddr){AF_UNSPEC}, 16)

int main(void) {
	int a = bound(LO), b = bound(LO), s = must(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)), any = bound(0);
	own("new", s), show(unspec(s)), own("nothing to undo", s), show(peer(s, a)), own("connected", s);
	int first = port(s);
	say(b, s, "foreign"), say(a, s, "friend"), hear("it", s);
	say(s, b, "elsewhere"), hear("b", b), show(send(s, "peer", 4, 0)), usleep(1000), hear("a", a);
	say(a, s, "queued"), show(peer(s, b)), yes(port(s) == first), own("to another", s), hear("it", s), say(a, s, "old"), say(b, s, "new"), hear("it", s);
	show(unspec(s)), own("no more", s), show(send(s, "x", 1, 0)), yes(port(s) == 0);
	show(peer(any, a)), own("bound to any, connected", any);
	int kept = port(any);
	show(unspec(any)), own("any, no more", any), yes(port(any) == kept), say(a, any, "heard"), say(b, any, "too"), hear("any", any);
	int both = bound(LO + 6);
	show(peer(both, a)), own("bound to one", both), show(unspec(both)), own("its address stays", both);
	struct sockaddr_in zero = in4(0, port(a)), none = in4(LO, 0), bcast = in4(0x7fffffff, 9), group = in4(0xe0000001, 9);
	s = must(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)), show(connect(s, SA(zero))), own("to any", s), must(getpeername(s, (void *)&none, &(socklen_t){16})), fact("peer %#x", ntohl(none.sin_addr.s_addr)), none = in4(LO, 0);
	s = must(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)), show(connect(s, SA(none))), own("to port 0", s), show(send(s, "x", 1, 0));
	s = must(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)), show(connect(s, SA(bcast))), must(set(s, SOL_SOCKET, SO_BROADCAST, 1)), show(connect(s, SA(bcast))), own("to a broadcast", s);
	s = must(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)), fact("to a group: %s", ename(err(connect(s, SA(group)))) );
	int d = bound(LO), self = port(d);
	none = in4(LO, self), show(connect(d, SA(none))), show(send(d, "echo", 4, 0)), usleep(1000), hear("oneself", d);
	show(sendto(d, "x", 1, 0, NULL, 0)), show(sendto(d, "x", 1, 0, NULL, 16)), show(sendto(d, "x", 1, 0, SA(none))), hear("oneself", d);
	must(shutdown(d, SHUT_RD)), show(recv(d, &(char){0}, 1, 0)), show(send(d, "x", 1, 0)), events("shut for reading", d), show(unspec(d)), events("disconnected", d), show(recv(d, &(char){0}, 1, 0)), show(peer(d, a)), events("connected again", d);
	int s6 = must(socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0));
	struct sockaddr_in6 m = in6("::ffff:127.0.0.1", port(a)), l6 = in6("::1", port(a));
	show(connect(s6, SA(m))), show(connect(s6, SA(l6))), show(connect(s6, SA(m))), show(connect(s6, SA(zero))), show(connect(s6, (struct sockaddr *)&l6, 16)), show(unspec(s6));
	return 0;
}
