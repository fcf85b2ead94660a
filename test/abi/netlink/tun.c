// /dev/net/tun: what files of it answer before and after they have an interface, packets both ways, persistence, the end.
#include "nl.h"
#include <linux/if_tun.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/sysmacros.h>
static const char *device = "/dev/net/tun";
static int set(int f, const char *name, int flags) {
	struct ifreq r = {0};
	strcpy(r.ifr_name, name), r.ifr_flags = flags;
	if (ioctl(f, TUNSETIFF, &r))
		return -1;
	fact("%s with flags %#x", r.ifr_name, (unsigned short)r.ifr_flags);
	return 0;
}
static void get(int f) {
	struct ifreq r = {0};
	if (show(ioctl(f, TUNGETIFF, &r)) == 0)
		fact("%s with flags %#x", r.ifr_name, (unsigned short)r.ifr_flags);
}
static void events(int f) {
	struct pollfd p = {f, POLLIN | POLLOUT};
	must(poll(&p, 1, 0)), fact("events:%s%s%s", p.revents & POLLIN ? " in" : "", p.revents & POLLOUT ? " out" : "", p.revents & POLLERR ? " err" : "");
}
// next reads the next packet of IPv4 that goes to 10.9.0.2, which comes at p; its length.
static int next(int f, char *b, char **p, int before) {
	struct pollfd w = {f, POLLIN};
	for (;;) {
		must(poll(&w, 1, 10000) == 1 ? 0 : -1);
		int n = must(read(f, b, 3000));
		*p = b + before;
		if (**p >> 4 == 4 && ((struct iphdr *)*p)->daddr == inet_addr("10.9.0.2"))
			return n;
	}
}
int main(void) {
	static char b[4096];
	char *p;
	alone();
	if (access(device, R_OK | W_OK)) {
		char dir[] = "/dev/tunXXXXXX";
		must(mkdtemp(dir) ? 0 : -1), must(chdir(dir)), must(mknod("tun", S_IFCHR | 0600, makedev(10, 200))), device = "tun";
	}
	int f = must(open(device, O_RDWR | O_NONBLOCK)), g = must(open(device, O_RDWR)), h = must(open(device, O_RDWR | O_NONBLOCK));
	if (*device == 't')
		must(unlink("tun"));
	events(f), show(read(f, b, 100)), show(write(f, b, 100)), get(f), show(ioctl(f, TUNSETPERSIST, 1)), show(set(f, "", 0)), show(set(f, "lo", IFF_TUN)), show(set(f, "a/b", IFF_TUN));
	show(set(f, "t%d", IFF_TUN | IFF_NO_PI)), show(set(f, "u", IFF_TUN)), get(f), show(set(h, "t0", IFF_TAP | IFF_NO_PI)), show(set(h, "t0", IFF_TUN | IFF_NO_PI));
	show(set(h, "t0", IFF_TUN | IFF_NO_PI | IFF_MULTI_QUEUE)), events(f), show(read(f, b, 100)), b[0] = 0x45, show(write(f, b, 100)), show(write(f, "", 1)), show(write(f, b, 0));
	show(up("t0")), show(write(f, "x", 1)), show(write(f, b, 0)), show(lseek(f, 0, SEEK_SET)), show(ioctl(f, 0x54ff, b));
	must(address(RTM_NEWADDR, NLM_F_CREATE, "t0", "10.9.0.1", 24));
	int s = must(socket(AF_INET, SOCK_DGRAM, 0)), n;
	struct sockaddr_in a = {AF_INET, htons(5), {inet_addr("10.9.0.2")}};
	must(connect(s, (void *)&a, sizeof a)), must(send(s, "hello", 5, 0));
	n = next(f, b, &p, 0), fact("read %d bytes: '%.5s'", n, p + 28);
	struct iphdr *ip = (void *)p;
	struct udphdr *u = (void *)(ip + 1);
	int x = ip->saddr, y = u->source;
	ip->saddr = ip->daddr, ip->daddr = x, u->source = u->dest, u->dest = y, u->check = 0, p[28] = 'j';
	show(write(f, p, n)), must(recv(s, b, 100, 0)), fact("'%.5s'", b);
	must(send(s, "12345678", 8, 0)), must(poll(&(struct pollfd){f, POLLIN}, 1, 10000)), show(set(g, "p%d", IFF_TUN)), show(up("p0"));
	show(ioctl(f, TUNSETPERSIST, 1)), get(f), close(f);
	fact("still %d", if_nametoindex("t0") > 0), show(set(h, "t0", IFF_TUN | IFF_NO_PI)), show(ioctl(h, TUNSETPERSIST, 0)), get(h), close(h), fact("still %d", if_nametoindex("t0") > 0);
	must(address(RTM_NEWADDR, NLM_F_CREATE, "p0", "10.9.0.1", 24)), must(send(s, "info", 4, 0));
	n = next(g, b, &p, 4), fact("read %d bytes, flags %d protocol %#x: '%.4s'", n, b[0], ntohs(*(short *)(b + 2)), p + 28);
	linkmsg(RTM_DELLINK, 0, if_nametoindex("p0"), 0), show(done()), events(g), show(read(g, b, 10)), show(write(g, b, 10)), get(g), show(set(g, "q", IFF_TAP | IFF_MULTI_QUEUE));
	h = must(open(*device == 't' ? "/dev/null" : device, O_RDWR)), close(g), fact("still %d", if_nametoindex("q") > 0);
	return 0;
}
