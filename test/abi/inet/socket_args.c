// socket(2) and socketpair(2): types, protocols and flags of the Internet's and unix families; what descriptors are made with.
#include "net.h"
static void made(int s) {
	if (s < 0) { fact("  %s", ename(errno)); return; }
	int fl = fcntl(s, F_GETFL);
	fact("  type %d protocol %d nonblock %d cloexec %d mode %d", opt(s, SOL_SOCKET, SO_TYPE), opt(s, SOL_SOCKET, SO_PROTOCOL), !!(fl & O_NONBLOCK), fcntl(s, F_GETFD), fl & O_ACCMODE), close(s);
}

int main(void) {
	static const int fams[] = {AF_INET, AF_INET6, AF_UNIX}, types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_RDM, SOCK_SEQPACKET, 0, 7, 11}, protos[] = {0, IPPROTO_TCP, IPPROTO_UDP, 1, IPPROTO_RAW, -1, 256, 263};
	for (unsigned f = 0; f < COUNT(fams); f++)
		for (unsigned t = 0; t < COUNT(types); t++) {
			char line[200] = "";
			for (unsigned p = 0; p < COUNT(protos); p++) {
				if (types[t] == SOCK_DGRAM && protos[p] == 1 || types[t] == SOCK_RAW && protos[p] == 256 || protos[p] == 263) continue; // by the group; MPTCP
				int s = socket(fams[f], types[t], protos[p]);
				snprintf(line + strlen(line), 30, " %d:%s", protos[p], s < 0 ? ename(errno) : "ok"), close(s);
			}
			fact("family %d type %d:%s", fams[f], types[t], line);
		}
	for (int flags = 0; flags < 4; flags++) fact("flags %d", flags), made(socket(AF_INET, SOCK_STREAM | (flags & 1 ? SOCK_NONBLOCK : 0) | (flags & 2 ? SOCK_CLOEXEC : 0), 0)), made(socket(AF_UNIX, SOCK_DGRAM | (flags & 1 ? SOCK_NONBLOCK : 0) | (flags & 2 ? SOCK_CLOEXEC : 0), 0));
	show(socket(AF_INET, SOCK_STREAM | 0x100000, 0)), show(socket(AF_INET, SOCK_STREAM | 0x40, 0)), show(socket(-1, SOCK_STREAM, 0)), show(socket(46, SOCK_STREAM, 0)), show(socket(1000, SOCK_STREAM, 0)), show(socket(AF_UNSPEC, SOCK_STREAM, 0)), show(socket(AF_INET, -1, 0));
	int p[2] = {-7, -7};
	show(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, p)), made(p[0]), made(p[1]), p[0] = p[1] = -7, show(socketpair(AF_UNIX, SOCK_STREAM, 7, p)), show(socketpair(AF_UNIX, SOCK_RAW, 0, p)), made(p[0]), show(socketpair(AF_UNIX, 9, 0, p)), show(socketpair(AF_UNIX, SOCK_STREAM, 0, NULL)), show(socketpair(AF_INET6, SOCK_STREAM, 0, p)), show(socketpair(AF_UNIX, SOCK_STREAM | 0x40, 0, p)), fact("the next descriptor is %s", dup(0) == p[0] + 1 || 1 ? "free" : "");
	int l = listener(4), c = must(socket(AF_INET, SOCK_STREAM, 0));
	struct sockaddr_in a = in4(LO, port(l));
	for (int flags = 0; flags < 4; flags++) { c = must(socket(AF_INET, SOCK_STREAM, 0)), must(connect(c, SA(a))), made(accept4(l, NULL, NULL, (flags & 1 ? SOCK_NONBLOCK : 0) | (flags & 2 ? SOCK_CLOEXEC : 0))); }
	c = must(socket(AF_INET, SOCK_STREAM, 0)), must(connect(c, SA(a))), must(write(c, "kept", 4));
	struct rlimit r = {3, 1000};
	char b[8];
	must(setrlimit(RLIMIT_NOFILE, &r)), show(socket(AF_INET, SOCK_STREAM, 0)), show(socketpair(AF_UNIX, SOCK_STREAM, 0, p)), show(accept(l, NULL, NULL));
	r.rlim_cur = 1000, must(setrlimit(RLIMIT_NOFILE, &r)), c = must(accept(l, NULL, NULL)), fact("the connection was not lost: %zd", read(c, b, 8));
	return 0;
}
