// How large a datagram may be: IP_MTU, IP_MTU_DISCOVER, IPV6_MTU, IPV6_DONTFRAG, IPV6_RECVPATHMTU, on the loopback and where it was made smaller.
#include "net.h"
#include <net/if.h>
static char big[70000];
static void mtu(int size) {
	struct ifreq r = {.ifr_name = "lo", .ifr_mtu = size};
	int s = must(socket(AF_INET, SOCK_DGRAM, 0));
	fact("lo with %d: %s", size, ename(err(ioctl(s, SIOCSIFMTU, &r)))), close(s);
}
static void sizes(const char *what, int s, int r, const int *all) {
	char line[400] = "";
	for (; *all; all++) {
		long n = send(s, big, *all, 0), e = errno, k = n < 0 || poll(&(struct pollfd){r, POLLIN}, 1, 100) < 1 ? 0 : recv(r, big, sizeof big, 0);
		snprintf(line + strlen(line), 60, " %d %s,", *all, n < 0 ? ename(e) : k == n ? "ok" : "lost");
	}
	fact("%s:%s", what, line);
}

int main(void) {
	quiet(spawn( // interfaces of a namespace of its own
		must(unshare(CLONE_NEWNET));
		struct ifreq up = {.ifr_name = "lo", .ifr_flags = IFF_UP};
		int r = must(socket(AF_INET, SOCK_DGRAM, 0)), s = must(socket(AF_INET, SOCK_DGRAM, 0)), r6 = must(socket(AF_INET6, SOCK_DGRAM, 0)), s6 = must(socket(AF_INET6, SOCK_DGRAM, 0)), v;
		must(ioctl(r, SIOCSIFFLAGS, &up));
		struct sockaddr_in a = in4(LO, 0);
		must(bind(r, SA(a))), a = in4(LO, port(r));
		struct sockaddr_in6 a6 = in6("::1", 0);
		must(bind(r6, SA(a6))), a6 = in6("::1", port(r6)), show(opt(s, SOL_IP, IP_MTU)), must(connect(s, SA(a))), must(connect(s6, SA(a6)));
		must(set(r, SOL_SOCKET, SO_RCVBUFFORCE, 1 << 20)), must(set(s, SOL_SOCKET, SO_SNDBUFFORCE, 1 << 20)), must(set(r6, SOL_SOCKET, SO_RCVBUFFORCE, 1 << 20)), must(set(s6, SOL_SOCKET, SO_SNDBUFFORCE, 1 << 20));
		for (int k = 0; k < 3; k++) {
			mtu((int[]){65536, 1500, 1280}[k]), v = must(socket(AF_INET, SOCK_DGRAM, 0)), must(connect(v, SA(a))), show(opt(v, SOL_IP, IP_MTU)), close(v), v = must(socket(AF_INET6, SOCK_DGRAM, 0)), must(connect(v, SA(a6))), show(opt(v, SOL_IPV6, IPV6_MTU)), close(v);
			for (int mode = 0; mode < 6; mode++) {
				fact("mode %d: %s %s", mode, ename(err(set(s, SOL_IP, IP_MTU_DISCOVER, mode))), ename(err(set(s6, SOL_IPV6, IPV6_MTU_DISCOVER, mode))));
				sizes("  v4", s, r, (int[]){1252, 1253, 1472, 1473, 9000, 65507, 0}), sizes("  v6", s6, r6, (int[]){1232, 1233, 1452, 1453, 9000, 65487, 65488, 65527, 0});
			}
			must(set(s6, SOL_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_WANT)), must(set(s, SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_WANT)), must(set(s6, SOL_IPV6, IPV6_DONTFRAG, 1)), sizes("dontfrag", s6, r6, (int[]){1232, 1233, 1452, 1453, 65527, 0}), must(set(s6, SOL_IPV6, IPV6_DONTFRAG, 0));
		}
		mtu(1500), show(set(s6, SOL_IPV6, IPV6_MTU, 1279)), show(set(s6, SOL_IPV6, IPV6_MTU, 1280)), sizes("own limit", s6, r6, (int[]){1232, 1233, 4000, 0}), must(set(s6, SOL_IPV6, IPV6_DONTFRAG, 1)), sizes("and dontfrag", s6, r6, (int[]){1232, 1233, 0})));
	return 0;
}
