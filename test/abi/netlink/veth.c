// Veth: a pair, names and numbers, carrier, a move into another namespace, packets between, the end with the namespace.
#include "nl.h"
#include <poll.h>
static void flags(const char *name) {
	struct ifreq r = {0};
	strcpy(r.ifr_name, name);
	int s = must(socket(AF_INET, SOCK_DGRAM, 0));
	if (ioctl(s, SIOCGIFFLAGS, &r))
		fact("%s: %s", name, ename(errno));
	else
		fact("%s: up %d index %d", name, !!(r.ifr_flags & IFF_UP), if_nametoindex(name) < 4 ? if_nametoindex(name) : -1);
	close(s);
}
static struct sockaddr_in at(const char *ip) { return (struct sockaddr_in){AF_INET, htons(7), {inet_addr(ip)}}; }
int main(void) {
	int go[2], ready[2];
	char c;
	alone();
	show(mklink("veth", "a", "b", 0)), show(mklink("veth", "a", "x", 0)), show(mklink("veth", "x", "a", 0)), show(mklink("veth", "y", "y", 0));
	show(mklink("veth", "a/b", "x", 0)), show(mklink("veth", "0123456789abcdef", "x", 0)), show(mklink("nosuch", "x", NULL, 0));
	flags("a"), flags("b"), flags("x");
	show(up("a")), flags("a"), show(up("b")), flags("a"), flags("b");
	show(address(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, "a", "10.1.0.1", 24)), show(address(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, "a", "10.1.0.1", 24));
	show(address(RTM_DELADDR, 0, "a", "10.1.0.2", 24)), show(address(RTM_NEWADDR, NLM_F_CREATE, "a", "10.1.0.3", 33));
	must(pipe(go)), must(pipe(ready));
	pid_t pid = fork();
	if (pid == 0) {
		alone();
		must(write(ready[1], "", 1)), must(read(go[0], &c, 1));
		flags("b"), show(up("b")), show(address(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, "b", "10.1.0.2", 24)), flags("b");
		int s = must(socket(AF_INET, SOCK_DGRAM, 0)), l = must(socket(AF_INET, SOCK_STREAM, 0)), n;
		struct sockaddr_in any = at("10.1.0.2"), from;
		socklen_t size = sizeof from;
		must(bind(s, (void *)&any, sizeof any)), must(bind(l, (void *)&any, sizeof any)), must(listen(l, 1)), must(write(ready[1], "", 1));
		char buf[3000];
		n = must(recvfrom(s, buf, sizeof buf, 0, (void *)&from, &size));
		fact("%d bytes from %s", n, inet_ntoa(from.sin_addr)), must(sendto(s, buf, n, 0, (void *)&from, size));
		int d = must(accept(l, NULL, NULL)), all = 0;
		while ((n = must(read(d, buf, sizeof buf))) > 0)
			all += n;
		fact("%d bytes by TCP", all), close(d), must(write(ready[1], "", 1)), must(read(go[0], &c, 1));
		return 0;
	}
	must(read(ready[0], &c, 1));
	linkmsg(RTM_NEWLINK, 0, if_nametoindex("b"), 0), put32(IFLA_NET_NS_PID, pid), show(done()), flags("b"), flags("a");
	must(write(go[1], "", 1)), must(read(ready[0], &c, 1));
	int s = must(socket(AF_INET, SOCK_DGRAM, 0)), t = must(socket(AF_INET, SOCK_STREAM, 0));
	struct sockaddr_in to = at("10.1.0.2"), no = at("10.1.0.2");
	static char buf[100000];
	must(sendto(s, buf, 2500, 0, (void *)&to, sizeof to)), show((int)recv(s, buf, sizeof buf, 0));
	must(connect(t, (void *)&to, sizeof to)), show((int)write(t, buf, sizeof buf)), close(t), must(read(ready[0], &c, 1));
	no.sin_port = htons(9), t = must(socket(AF_INET, SOCK_STREAM, 0)), show(connect(t, (void *)&no, sizeof no));
	show(connect(s, (void *)&no, sizeof no)), must(write(s, "x", 1)), show((int)read(s, buf, 1));
	linkmsg(RTM_SETLINK, 0, if_nametoindex("a"), 0), puts_(IFLA_IFNAME, "c"), show(done()), flags("a"), flags("c");
	must(write(go[1], "", 1)), must(waitpid(pid, NULL, 0));
	for (int i = 0; i < 1000 && if_nametoindex("c"); i++)
		usleep(10000);
	flags("c");
	linkmsg(RTM_DELLINK, 0, 1, 0), show(done()), linkmsg(RTM_DELLINK, 0, 77, 0), show(done());
	show(mklink("veth", "d", "e", 0)), flags("d"), linkmsg(RTM_DELLINK, 0, if_nametoindex("e"), 0), show(done()), flags("d");
	return 0;
}
