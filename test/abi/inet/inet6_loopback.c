// The loopback's addresses and interface by ioctl and /proc; IPv6 or its absence; dual-stack sockets.
#include "../oracle.h"
#include <arpa/inet.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

int main(void) {
	int s = must(socket(AF_INET, SOCK_DGRAM, 0));
	struct ifreq r = {.ifr_name = "lo"};
	show(ioctl(s, SIOCGIFINDEX, &r)), show(r.ifr_ifindex), show(ioctl(s, SIOCGIFFLAGS, &r)), fact("up %d loopback %d running %d", !!(r.ifr_flags & IFF_UP), !!(r.ifr_flags & IFF_LOOPBACK), !!(r.ifr_flags & IFF_RUNNING));
	show(ioctl(s, SIOCGIFADDR, &r)), fact("%s", inet_ntoa(((struct sockaddr_in *)&r.ifr_addr)->sin_addr)), show(ioctl(s, SIOCGIFNETMASK, &r)), fact("%s", inet_ntoa(((struct sockaddr_in *)&r.ifr_addr)->sin_addr)), show(ioctl(s, SIOCGIFMTU, &r)), show(r.ifr_mtu);
	strcpy(r.ifr_name, "none"), show(ioctl(s, SIOCGIFINDEX, &r)), r.ifr_ifindex = 1, show(ioctl(s, SIOCGIFNAME, &r)), fact("%s", r.ifr_name), r.ifr_ifindex = 99, show(ioctl(s, SIOCGIFNAME, &r));
	show(if_nametoindex("lo"));
	quiet(spawn(must(setuid(1000)); strcpy(r.ifr_name, "lo"); r.ifr_flags = 0; show(ioctl(s, SIOCSIFFLAGS, &r))));
	quiet(spawn(must(unshare(CLONE_NEWNET)); s = must(socket(AF_INET, SOCK_DGRAM, 0)); strcpy(r.ifr_name, "lo"); must(ioctl(s, SIOCGIFFLAGS, &r)); fact("new namespace: up %d", !!(r.ifr_flags & IFF_UP));
		    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}; show(sendto(s, "x", 1, 0, (struct sockaddr *)&a, sizeof a));
		    r.ifr_flags |= IFF_UP; show(ioctl(s, SIOCSIFFLAGS, &r)); show(sendto(s, "x", 1, 0, (struct sockaddr *)&a, sizeof a))));
	char *t = slurp("/proc/net/dev");
	yes(t && strstr(t, "lo:"));
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f123456)}; // the whole of 127/8
	show(bind(must(socket(AF_INET, SOCK_DGRAM, 0)), (struct sockaddr *)&any, sizeof any));
	struct sockaddr_in out = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(0x08080808)};
	show(connect(must(socket(AF_INET, SOCK_STREAM, 0)), (struct sockaddr *)&out, sizeof out)), show(connect(must(socket(AF_INET, SOCK_DGRAM, 0)), (struct sockaddr *)&out, sizeof out));
	return 0;
}
