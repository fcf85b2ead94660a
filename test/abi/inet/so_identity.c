// What a socket says it is: SO_TYPE, SO_DOMAIN, SO_PROTOCOL, SO_COOKIE, SO_ACCEPTCONN, SO_PEERCRED, SO_NETNS_COOKIE, SO_MEMINFO, SO_BUSY_POLL, SO_PRIORITY, SO_MARK; what cannot be set.
#include "net.h"
#include <linux/sockios.h>
static void get(int s, const char *name, int o, int room) {
	unsigned char b[256];
	socklen_t n = room;
	long e = getsockopt(s, SOL_SOCKET, o, b, &n);
	fact("  %s, room %d: %s, %u", name, room, e ? ename(errno) : "ok", n);
}
#define GET(o, room) get(s, #o, o, room)
#define SET(o, v) fact("  set %s %d: %s, %d", #o, v, err(set(s, SOL_SOCKET, o, v)) ? ename(errno) : "ok", opt(s, SOL_SOCKET, o))
static uint64_t cookie(int s) {
	uint64_t v = 0;
	socklen_t n = 8;
	must(getsockopt(s, SOL_SOCKET, SO_COOKIE, &v, &n));
	return v;
}

int main(void) {
	static const struct { int fam, type, proto; } all[] = {{AF_INET, SOCK_STREAM, 0}, {AF_INET6, SOCK_DGRAM, IPPROTO_UDP}, {AF_INET, SOCK_DGRAM, 0}, {AF_UNIX, SOCK_STREAM, 0}, {AF_UNIX, SOCK_SEQPACKET, 0}, {AF_NETLINK, SOCK_RAW, 0}};
	int s, c, d, l = listener(2), other = must(socket(AF_INET, SOCK_DGRAM, 0));
	for (unsigned i = 0; i < COUNT(all); i++) {
		s = must(socket(all[i].fam, all[i].type, all[i].proto));
		fact("family %d: type %d domain %d protocol %d accepts %d", all[i].fam, opt(s, SOL_SOCKET, SO_TYPE), opt(s, SOL_SOCKET, SO_DOMAIN), opt(s, SOL_SOCKET, SO_PROTOCOL), opt(s, SOL_SOCKET, SO_ACCEPTCONN));
		yes(cookie(s) != 0 && cookie(s) == cookie(s) && cookie(s) != cookie(other));
		GET(SO_COOKIE, 8), GET(SO_COOKIE, 4), GET(SO_TYPE, 2), GET(SO_TYPE, 0), GET(SO_TYPE, 8), GET(SO_NETNS_COOKIE, 8), GET(SO_NETNS_COOKIE, 4), GET(SO_MEMINFO, 64), GET(SO_MEMINFO, 8), GET(SO_PEERCRED, 12), GET(SO_PEERCRED, 4), GET(SO_PEERNAME, 32), GET(SO_PEERGROUPS, 0), GET(SO_INCOMING_NAPI_ID, 4), GET(SO_LINGER, 8), GET(SO_LINGER, 3), GET(SO_BUSY_POLL_BUDGET, 4), GET(SO_SNDLOWAT, 4), GET(999, 4);
		SET(SO_TYPE, 1), SET(SO_PROTOCOL, 1), SET(SO_DOMAIN, 1), SET(SO_ACCEPTCONN, 1), SET(SO_ERROR, 1), SET(SO_PEERCRED, 1), SET(SO_BUSY_POLL, 50), SET(SO_BUSY_POLL, -1), SET(SO_PREFER_BUSY_POLL, 1), SET(SO_BUSY_POLL_BUDGET, 8), SET(SO_PRIORITY, 5), SET(SO_PRIORITY, 7), SET(SO_PRIORITY, -1), SET(SO_MARK, 3), SET(SO_DEBUG, 1), SET(SO_NO_CHECK, 1), SET(SO_INCOMING_CPU, 0), SET(SO_INCOMING_CPU, -1), SET(SO_BROADCAST, 1), SET(SO_DONTROUTE, 7), SET(SO_SELECT_ERR_QUEUE, 1), SET(SO_RXQ_OVFL, 1), SET(SO_BUF_LOCK, 3), SET(SO_BUF_LOCK, 4), SET(SO_BSDCOMPAT, 1), SET(999, 1);
		close(s);
	}
	fact("a listener accepts %d", opt(l, SOL_SOCKET, SO_ACCEPTCONN)), conn(l, &c, &d), yes(cookie(c) != cookie(d) && cookie(d) != cookie(l)), s = c, GET(SO_PEERNAME, 16), GET(SO_PEERNAME, 64), GET(SO_PEERNAME, 4), GET(SO_PEERCRED, 12);
	int v = 0;
	socklen_t n = -1;
	SET(SO_TXREHASH, 5), SET(SO_TXREHASH, -2), SET(SO_TXREHASH, 0), GET(SO_MAX_PACING_RATE, 8), GET(SO_MAX_PACING_RATE, 4), show(getsockopt(s, SOL_SOCKET, SO_TYPE, &v, &n)), show(getsockopt(s, SOL_SOCKET, SO_TYPE, &v, NULL)), n = 4, show(getsockopt(s, SOL_SOCKET, SO_TYPE, NULL, &n)), show(setsockopt(s, SOL_SOCKET, SO_KEEPALIVE, NULL, 4)), show(setsockopt(s, SOL_SOCKET, SO_KEEPALIVE, &v, -1)), show(setsockopt(s, SOL_SOCKET, SO_KEEPALIVE, &v, 0)), show(setsockopt(s, SOL_SOCKET, SO_KEEPALIVE, &v, 100)), show(setsockopt(0, SOL_SOCKET, SO_KEEPALIVE, &v, 4)), show(getsockopt(999, SOL_SOCKET, SO_TYPE, &v, &n)), show(setsockopt(s, 12345, 1, &v, 4)), show(getsockopt(s, 12345, 1, &v, &n)), show(setsockopt(s, -1, 1, &v, 4));
	quiet(spawn(must(setuid(1000)); s = must(socket(AF_INET, SOCK_DGRAM, 0)); SET(SO_PRIORITY, 6); SET(SO_PRIORITY, 7); SET(SO_MARK, 1); SET(SO_DEBUG, 1); SET(SO_BUSY_POLL, 50); SET(SO_SNDBUFFORCE, 4096); SET(SO_BUSY_POLL_BUDGET, 100); SET(SO_PREFER_BUSY_POLL, 1)));
	return 0;
}
