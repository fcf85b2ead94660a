// How many bytes getsockopt(2) writes and tells for every room, and which lengths setsockopt(2) takes, over options of all levels of TCP, UDP and unix sockets.
#include "net.h"
#include <netinet/in.h>
static const struct { const char *name; int level, o, value; } all[] = {
	{"REUSEADDR", SOL_SOCKET, SO_REUSEADDR, 1}, {"KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, 1}, {"OOBINLINE", SOL_SOCKET, SO_OOBINLINE, 1}, {"RCVLOWAT", SOL_SOCKET, SO_RCVLOWAT, 2}, {"TIMESTAMP", SOL_SOCKET, SO_TIMESTAMP, 1},
	{"ERROR", SOL_SOCKET, SO_ERROR, 0}, {"DOMAIN", SOL_SOCKET, SO_DOMAIN, 0}, {"ACCEPTCONN", SOL_SOCKET, SO_ACCEPTCONN, 0}, {"IP_TTL", SOL_IP, IP_TTL, 9}, {"IP_TOS", SOL_IP, IP_TOS, 8}, {"IP_MTU_DISCOVER", SOL_IP, IP_MTU_DISCOVER, 1}, {"IP_FREEBIND", SOL_IP, IP_FREEBIND, 1},
	{"TCP_NODELAY", SOL_TCP, TCP_NODELAY, 1}, {"TCP_KEEPIDLE", SOL_TCP, TCP_KEEPIDLE, 600}, {"TCP_USER_TIMEOUT", SOL_TCP, TCP_USER_TIMEOUT, 700}, {"UDP_CORK", SOL_UDP, UDP_CORK, 1}, {"UDP_SEGMENT", SOL_UDP, UDP_SEGMENT, 300},
};
static void get(int s, int level, int o) {
	char line[256] = "";
	for (int room = 0; room <= 9; room++) {
		unsigned char b[16];
		memset(b, 0xee, sizeof b);
		socklen_t n = room;
		int e = err(getsockopt(s, level, o, b, &n)), wrote = sizeof b;
		while (wrote && b[wrote - 1] == 0xee) wrote--;
		if (e) snprintf(line + strlen(line), 24, " %s", ename(e));
		else snprintf(line + strlen(line), 24, " %u/%d", n, wrote);
	}
	fact("    get from 0 to 9:%s", line);
}
static void put(int s, int level, int o, int value) {
	char line[256] = "";
	for (int n = -1; n <= 8; n++) {
		int v[4] = {value};
		snprintf(line + strlen(line), 24, " %s", ename(err(setsockopt(s, level, o, v, n))));
	}
	fact("    set from -1 to 8:%s", line);
}

int main(void) {
	static const struct { const char *name; int family, type; } kinds[] = {{"tcp", AF_INET, SOCK_STREAM}, {"tcp6", AF_INET6, SOCK_STREAM}, {"udp", AF_INET, SOCK_DGRAM}, {"udp6", AF_INET6, SOCK_DGRAM}, {"unix", AF_UNIX, SOCK_STREAM}, {"unix datagrams", AF_UNIX, SOCK_DGRAM}};
	for (unsigned k = 0; k < COUNT(kinds); k++) {
		fact("%s", kinds[k].name);
		int s = must(socket(kinds[k].family, kinds[k].type, 0));
		for (unsigned i = 0; i < COUNT(all); i++) fact("  %s", all[i].name), get(s, all[i].level, all[i].o), put(s, all[i].level, all[i].o, all[i].value), get(s, all[i].level, all[i].o);
		struct linger l = {1, 3};
		struct timeval t = {1, 0};
		for (int n = 0; n <= 24; n += 4) fact("  linger of %d: %s, a time of %d: %s", n, ename(err(setsockopt(s, SOL_SOCKET, SO_LINGER, n <= 8 ? (void *)&l : (void *)(struct linger[3]){{1, 3}}, n))), n, ename(err(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, n <= 16 ? (void *)&t : (void *)(struct timeval[2]){{1, 0}}, n))));
		get(s, SOL_SOCKET, SO_LINGER), get(s, SOL_SOCKET, SO_RCVTIMEO), l.l_linger = -1, show(setsockopt(s, SOL_SOCKET, SO_LINGER, &l, sizeof l)), l.l_onoff = 0, l.l_linger = 7, show(setsockopt(s, SOL_SOCKET, SO_LINGER, &l, sizeof l));
		show(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, (void *)8, 4)), show(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, (void *)8, 0)), show(getsockopt(s, SOL_SOCKET, SO_TYPE, (void *)8, &(socklen_t){4})), show(getsockopt(s, SOL_SOCKET, SO_TYPE, (void *)8, &(socklen_t){0})), show(getsockopt(s, SOL_SOCKET, SO_TYPE, &l, (void *)8)), close(s);
	}
	return 0;
}
