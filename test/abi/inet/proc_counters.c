// What /proc/net/snmp, snmp6, netstat, igmp, igmp6, mcfilter and protocols show of what a program does on the loopback.
#include "net.h"
#include <net/if.h>
#include <netinet/ip_icmp.h>

// get is a count of a file that has rows of names and of counts, or a name and a count in a line; -1 for none.
static long get(const char *file, const char *row, const char *name) {
	static char a[8192], b[8192];
	char path[50];
	long v = -1;
	snprintf(path, sizeof path, "/proc/net/%s", file);
	FILE *f = fopen(path, "r");
	while (f && fgets(a, sizeof a, f)) {
		char *x, *y, *s, *t;
		if (!row) {
			if ((x = strtok_r(a, " \t\n", &s)) && !strcmp(x, name))
				v = atol(strtok_r(NULL, " \t\n", &s));
			continue;
		}
		if (!fgets(b, sizeof b, f) || strncmp(a, row, strlen(row)))
			continue;
		for (x = strtok_r(a, " \n", &s), y = strtok_r(b, " \n", &t); x && y; x = strtok_r(NULL, " \n", &s), y = strtok_r(NULL, " \n", &t))
			if (!strcmp(x, name))
				v = atol(y);
	}
	if (f)
		fclose(f);
	return v;
}
static const char *const names[][3] = {
	{"snmp", "Ip:", "InReceives"}, {"snmp", "Ip:", "InDelivers"}, {"snmp", "Ip:", "OutRequests"}, {"snmp", "Ip:", "ReasmReqds"}, {"snmp", "Ip:", "ReasmOKs"}, {"snmp", "Ip:", "FragOKs"}, {"snmp", "Ip:", "FragCreates"},
	{"snmp", "Icmp:", "InMsgs"}, {"snmp", "Icmp:", "InDestUnreachs"}, {"snmp", "Icmp:", "InEchos"}, {"snmp", "Icmp:", "OutMsgs"}, {"snmp", "Icmp:", "OutDestUnreachs"}, {"snmp", "Icmp:", "OutEchos"}, {"snmp", "Icmp:", "OutEchoReps"},
	{"snmp", "IcmpMsg:", "InType3"}, {"snmp", "IcmpMsg:", "OutType8"}, {"snmp", "Udp:", "InDatagrams"}, {"snmp", "Udp:", "NoPorts"}, {"snmp", "Udp:", "OutDatagrams"}, {"snmp", "Udp:", "RcvbufErrors"}, {"snmp", "Udp:", "InErrors"},
	{"snmp", "Tcp:", "MaxConn"}, {"snmp", "Tcp:", "ActiveOpens"}, {"snmp", "Tcp:", "AttemptFails"}, {"snmp", "Tcp:", "InSegs"}, {"snmp", "Tcp:", "OutSegs"}, {"snmp", "Tcp:", "OutRsts"},
	{"snmp6", NULL, "Ip6InReceives"}, {"snmp6", NULL, "Ip6InDelivers"}, {"snmp6", NULL, "Ip6OutRequests"}, {"snmp6", NULL, "Icmp6InMsgs"}, {"snmp6", NULL, "Icmp6InDestUnreachs"}, {"snmp6", NULL, "Icmp6OutDestUnreachs"}, {"snmp6", NULL, "Icmp6OutType1"},
	{"snmp6", NULL, "Udp6InDatagrams"}, {"snmp6", NULL, "Udp6NoPorts"}, {"snmp6", NULL, "Udp6OutDatagrams"}, {"netstat", "TcpExt:", "TCPMinTTLDrop"}, {"netstat", "IpExt:", "InCEPkts"}};
static long before[COUNT(names)];
static void changes(const char *what) {
	fact("%s", what);
	for (unsigned i = 0; i < COUNT(names); i++) {
		long v = get(names[i][0], names[i][1], names[i][2]);
		if (v != before[i])
			fact("  %s %s: %ld to %ld", names[i][0], names[i][2], before[i], v);
		before[i] = v;
	}
}
static void lines(const char *file) {
	char line[300], path[50];
	snprintf(path, sizeof path, "/proc/net/%s", file);
	FILE *f = fopen(path, "r");
	for (fact("%s", file); f && fgets(line, sizeof line, f);)
		if (strcmp(file, "protocols") || !strncmp(line, "UDP", 3))
			line[!strcmp(file, "protocols") ? 24 : 200] = 0, fact("  %s", strcmp(file, "protocols") ? strtok(line, "\n") : line + 14);
	fclose(f);
}
static char big[70000];
static void inside(void) {
	must(unshare(CLONE_NEWNET));
	struct ifreq up = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int u = must(socket(AF_INET, SOCK_DGRAM, 0)), v = must(socket(AF_INET, SOCK_DGRAM, 0)), u6 = must(socket(AF_INET6, SOCK_DGRAM, 0)), v6 = must(socket(AF_INET6, SOCK_DGRAM, 0));
	must(ioctl(u, SIOCSIFFLAGS, &up)), changes("at first");
	struct sockaddr_in a = in4(LO, 0), none = in4(LO, 9);
	struct sockaddr_in6 a6 = in6("::1", 0), none6 = in6("::1", 9);
	must(bind(u, SA(a))), must(bind(u6, SA(a6))), a = in4(LO, port(u)), a6 = in6("::1", port(u6));
	for (int i = 0; i < 3; i++)
		must(sendto(v, "x", 1, 0, SA(a))), must(recv(u, big, 9, 0)); // from then on they are counted
	changes("three datagrams"), must(sendto(v6, "x", 1, 0, SA(a6))), must(recv(u6, big, 9, 0)), changes("one of IPv6");
	must(sendto(v, "x", 1, 0, SA(none))), changes("to nobody"), must(sendto(v6, "x", 1, 0, SA(none6))), changes("to nobody, IPv6");
	must(set(u, SOL_SOCKET, SO_RCVBUF, 1)), must(sendto(v, big, 60000, 0, SA(a))), must(sendto(v, big, 60000, 0, SA(a))), recv(u, big, 9, MSG_DONTWAIT), changes("no room"), must(set(u, SOL_SOCKET, SO_RCVBUF, 200000));
	int raw = must(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	must(sendto(raw, &(struct icmphdr){.type = ICMP_ECHO, .checksum = htons(0xf7ff)}, 8, 0, SA(none))), changes("an echo");
	int c = must(socket(AF_INET, SOCK_STREAM, 0));
	show(connect(c, SA(none))), changes("a connection refused");
	up.ifr_mtu = 1500, must(ioctl(u, SIOCSIFMTU, &up)), must(sendto(v, big, 3000, 0, SA(a))), recv(u, big, 60000, MSG_DONTWAIT), changes("in pieces");
	lines("protocols"), lines("igmp"), lines("igmp6"), lines("mcfilter"), lines("mcfilter6");
	struct ip_mreqn m = {.imr_multiaddr.s_addr = htonl(0xe0010203), .imr_ifindex = 1};
	struct ip_mreq_source s = {.imr_multiaddr.s_addr = htonl(0xe8010203), .imr_interface.s_addr = htonl(LO), .imr_sourceaddr.s_addr = htonl(LO)};
	struct ipv6_mreq m6 = {in6("ff02::123", 0).sin6_addr, 1};
	must(setsockopt(u, SOL_IP, IP_ADD_MEMBERSHIP, &m, sizeof m)), must(setsockopt(v, SOL_IP, IP_ADD_MEMBERSHIP, &m, sizeof m)), must(setsockopt(v, SOL_IP, IP_ADD_SOURCE_MEMBERSHIP, &s, sizeof s)), must(setsockopt(u6, SOL_IPV6, IPV6_ADD_MEMBERSHIP, &m6, sizeof m6));
	lines("igmp"), lines("igmp6"), lines("mcfilter");
}
int main(void) {
	quiet(spawn(inside()));
	return 0;
}
