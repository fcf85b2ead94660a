// Interfaces by ioctl: SIOCGIFCONF, addresses, masks; setting them in a new namespace.
#include "net.h"
#include <net/if.h>
#undef ifc_req
#define ifc_req ifc_ifcu.ifcu_req

int main(void) {
	must(unshare(CLONE_NEWNET));
	int s = must(socket(AF_INET, SOCK_DGRAM, 0));
	struct ifreq r[4], q = {.ifr_name = "lo"};
	struct ifconf c = {.ifc_len = sizeof r, .ifc_req = r};
	show(ioctl(s, SIOCGIFCONF, &c)), show(c.ifc_len), show(ioctl(s, SIOCGIFADDR, &q)), show(ioctl(s, SIOCGIFNETMASK, &q)), show(ioctl(s, SIOCGIFHWADDR, &q)), fact("type %d", q.ifr_hwaddr.sa_family);
	q.ifr_flags = IFF_UP, show(ioctl(s, SIOCSIFFLAGS, &q)), c.ifc_len = sizeof r, show(ioctl(s, SIOCGIFCONF, &c)), show(c.ifc_len == sizeof *r), fact("%s %s", r[0].ifr_name, inet_ntoa(((struct sockaddr_in *)&r[0].ifr_addr)->sin_addr)), c.ifc_req = NULL, show(ioctl(s, SIOCGIFCONF, &c)), show(c.ifc_len == sizeof *r), c = (struct ifconf){.ifc_len = 10, .ifc_req = r}, show(ioctl(s, SIOCGIFCONF, &c)), show(c.ifc_len);
	show(ioctl(s, SIOCGIFNETMASK, &q)), fact("%s", inet_ntoa(((struct sockaddr_in *)&q.ifr_addr)->sin_addr)), show(ioctl(s, SIOCGIFBRDADDR, &q)), fact("%s", inet_ntoa(((struct sockaddr_in *)&q.ifr_addr)->sin_addr)), show(ioctl(s, SIOCGIFMETRIC, &q)), show(q.ifr_metric), show(ioctl(s, SIOCGIFTXQLEN, &q)), show(q.ifr_qlen);
	q.ifr_mtu = 1500, show(ioctl(s, SIOCSIFMTU, &q)), show(ioctl(s, SIOCGIFMTU, &q)), show(q.ifr_mtu);
	int u = must(socket(AF_INET6, SOCK_DGRAM, 0));
	show(ioctl(u, SIOCGIFADDR, &q)), show(ioctl(u, SIOCGIFINDEX, &q)), show(q.ifr_ifindex);
	strcpy(q.ifr_name, "lo:1"), show(ioctl(s, SIOCGIFINDEX, &q)), strcpy(q.ifr_name, "eth7"), show(ioctl(s, SIOCGIFADDR, &q));
	char *t = slurp("/proc/net/tcp");
	yes(t && strstr(t, "local_address"));
	int l = listener(7), cl, d;
	conn(l, &cl, &d);
	char want[64];
	t = slurp("/proc/net/tcp"), snprintf(want, 64, " 0100007F:%04X 00000000:0000 0A ", port(l)), yes(strstr(t, want)), snprintf(want, 64, " 0100007F:%04X 0100007F:%04X 01 ", port(cl), port(l)), yes(strstr(t, want));
	struct sockaddr_in a = in4(LO, 0);
	must(bind(s, SA(a))), t = slurp("/proc/net/udp"), snprintf(want, 64, " 0100007F:%04X 00000000:0000 07 ", port(s)), yes(strstr(t, want));
	struct sockaddr_in6 a6 = in6("::1", 0);
	int l6 = must(socket(AF_INET6, SOCK_STREAM, 0));
	must(bind(l6, SA(a6))), must(listen(l6, 1)), t = slurp("/proc/net/tcp6"), snprintf(want, 64, " 00000000000000000000000001000000:%04X ", port(l6)), yes(strstr(t, want)), t = slurp("/proc/net/if_inet6"), yes(t && strstr(t, "00000000000000000000000000000001 01 80 10 80       lo"));
	return 0;
}
