// SIOCINQ, SIOCOUTQ, SIOCOUTQNSD and SIOCATMARK in all states of TCP, UDP and unix sockets; ioctls that sockets do not know; FIONREAD of what was shut.
#include "net.h"
#include <linux/sockios.h>
#include <net/if.h>
static void q(const char *what, int s) {
	static const struct { const char *name; int cmd; } all[] = {{"in", SIOCINQ}, {"out", SIOCOUTQ}, {"unsent", SIOCOUTQNSD}, {"mark", SIOCATMARK}};
	char line[128] = "";
	for (unsigned i = 0; i < COUNT(all); i++) {
		int v = -7;
		long e = ioctl(s, all[i].cmd, &v);
		snprintf(line + strlen(line), 40, e ? " %s %s" : " %s %.0s%d", all[i].name, ename(errno), v);
	}
	fact("%s:%s", what, line);
}
static char big[1 << 16];

int main(void) {
	signal(SIGPIPE, SIG_IGN);
	int l = listener(3), c, d, x[2], u = must(socket(AF_INET, SOCK_DGRAM, 0)), v;
	char b[64];
	q("new", must(socket(AF_INET, SOCK_STREAM, 0))), q("listening", l), conn(l, &c, &d), q("connected", c);
	must(write(c, "12345", 5)), until(d, POLLIN), q("sender", c), q("receiver", d), must(read(d, b, 2)), q("two were read", d);
	must(send(c, "u", 1, MSG_OOB)), until(d, POLLPRI), must(write(c, "after", 5)), usleep(3000), q("urgent", d), must(read(d, b, 64)), q("read to the mark", d), must(recv(d, b, 1, MSG_OOB)), q("the byte taken", d), must(read(d, b, 64)), q("beyond", d);
	must(write(c, "end", 3)), must(shutdown(c, SHUT_WR)), until(d, POLLRDHUP), q("with the end", d), must(read(d, b, 64)), q("read", d), must(read(d, b, 64)), q("the end read", d), must(shutdown(d, SHUT_WR)), usleep(3000), q("both", c), q("closed", d), close(c), close(d);
	conn(l, &c, &d), must(write(c, "abc", 3)), until(d, POLLIN), must(shutdown(d, SHUT_RD)), q("shut for reading", d), close(c), close(d);
	conn(l, &c, &d), must(fcntl(c, F_SETFL, O_NONBLOCK));
	while (write(c, big, sizeof big) > 0) ;
	int out = 0, in = 0;
	must(ioctl(c, SIOCOUTQ, &out)), must(ioctl(d, SIOCINQ, &in)), fact("full: out %s, in %s", out > 0 ? "some" : "none", in > 0 ? "some" : "none");
	must(fcntl(d, F_SETFL, O_NONBLOCK));
	for (int quiet = 0; quiet < 40; quiet++, usleep(1000)) while (read(d, big, sizeof big) > 0) quiet = 0;
	q("all read", c), q("receiver", d);
	struct linger g = {1, 0};
	must(write(c, "abc", 3)), until(d, POLLIN), must(setsockopt(c, SOL_SOCKET, SO_LINGER, &g, sizeof g)), close(c), until(d, POLLERR), q("reset with data", d);

	struct sockaddr_in a = in4(LO, 0);
	q("datagrams, new", u), must(bind(u, SA(a))), a = in4(LO, port(u)), must(connect(u, SA(a))), must(send(u, "abc", 3, 0)), must(send(u, "defgh", 5, 0)), q("two queued", u), must(recv(u, b, 1, 0)), q("the second", u), must(recv(u, b, 64, 0)), must(send(u, "", 0, 0)), q("an empty one", u), must(shutdown(u, SHUT_RDWR)), q("shut", u);
	for (int type = SOCK_STREAM; type <= SOCK_SEQPACKET; type++) {
		if (socketpair(AF_UNIX, type, 0, x)) continue;
		fact("unix type %d", type), q("empty", x[0]), must(write(x[0], "abc", 3)), must(write(x[0], "defgh", 5)), q("receiver", x[1]), v = 0, must(ioctl(x[0], SIOCOUTQ, &v)), fact("out %s", v >= 8 ? "counted" : "nothing"), must(read(x[1], b, 2)), q("two were read", x[1]), must(shutdown(x[1], SHUT_RD)), q("shut", x[1]), close(x[0]), q("peer closed", x[1]), close(x[1]);
	}
	int ul = must(socket(AF_UNIX, SOCK_STREAM, 0));
	must(bind(ul, &(struct sockaddr){AF_UNIX}, 2)), must(listen(ul, 1)), q("unix, listening", ul);
	struct ifreq r = {.ifr_name = "lo"};
	int n = must(socket(AF_NETLINK, SOCK_RAW, 0));
	q("netlink", n), ok(ioctl(c = must(socket(AF_INET, SOCK_STREAM, 0)), SIOCGIFINDEX, &r)), ok(ioctl(n, SIOCGIFINDEX, &r)), ok(ioctl(ul, SIOCGIFFLAGS, &r)), ok(ioctl(ul, SIOCGIFADDR, &r)), ok(ioctl(n, SIOCGIFADDR, &r)), strcpy(r.ifr_name, "nowhere"), ok(ioctl(c, SIOCGIFINDEX, &r)), ok(ioctl(c, SIOCGIFADDR, &r)), ok(ioctl(c, SIOCGIFFLAGS, (void *)8)), ok(ioctl(c, 0x1234, &r)), ok(ioctl(ul, 0x1234, &r)), ok(ioctl(c, 0x5401 /* TCGETS */, &r)), ok(ioctl(c, SIOCINQ, (void *)8)), ok(ioctl(u, SIOCINQ, (void *)8)), ok(ioctl(u, SIOCATMARK, &v));
	return 0;
}
