// SO_PEEK_OFF of TCP, UDP and unix sockets: how far peeks have come, what reads do to it, its end.
#include "net.h"
static void pair(int kind, int *c, int *d) {
	if (kind == 0) { int l = listener(1); conn(l, c, d), close(l); return; }
	int s[2];
	if (kind == 1) {
		struct sockaddr_in a = in4(LO, 0);
		*c = must(socket(AF_INET, SOCK_DGRAM, 0)), *d = must(socket(AF_INET, SOCK_DGRAM, 0)), must(bind(*d, SA(a))), a = in4(LO, port(*d)), must(connect(*c, SA(a)));
		return;
	}
	must(socketpair(AF_UNIX, (int[]){SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}[kind - 2], 0, s)), *c = s[0], *d = s[1];
}
static void get(int s, int n, int flags) {
	char b[64] = {0};
	int k = recv(s, b, n, flags | MSG_DONTWAIT), e = errno;
	fact("  %s %d: %d \"%s\" %s, offset %d", flags & MSG_PEEK ? "peek" : "take", n, k, k > 0 ? b : "", k < 0 ? ename(e) : "", opt(s, SOL_SOCKET, SO_PEEK_OFF));
}

int main(void) {
	static const char *names[] = {"tcp", "udp", "unix stream", "unix dgram", "unix seqpacket"};
	for (int kind = 0; kind < 5; kind++) {
		int c, d;
		pair(kind, &c, &d);
		fact("%s: %d", names[kind], opt(d, SOL_SOCKET, SO_PEEK_OFF));
		must(write(c, "abcdefghij", 10)), until(d, POLLIN), get(d, 4, MSG_PEEK), get(d, 4, MSG_PEEK);
		show(set(d, SOL_SOCKET, SO_PEEK_OFF, 0)), get(d, 4, MSG_PEEK), get(d, 4, MSG_PEEK), get(d, 4, MSG_PEEK), get(d, 4, MSG_PEEK);
		get(d, 3, 0), get(d, 4, MSG_PEEK), show(set(d, SOL_SOCKET, SO_PEEK_OFF, 2)), get(d, 2, MSG_PEEK), get(d, 64, 0), get(d, 2, MSG_PEEK);
		must(write(c, "klmno", 5)), must(write(c, "pqrst", 5)), until(d, POLLIN), usleep(2000);
		show(set(d, SOL_SOCKET, SO_PEEK_OFF, 3)), get(d, 64, MSG_PEEK), get(d, 64, MSG_PEEK), get(d, 64, MSG_PEEK), get(d, 1, 0), get(d, 64, MSG_PEEK);
		show(set(d, SOL_SOCKET, SO_PEEK_OFF, -1)), get(d, 64, MSG_PEEK), show(set(d, SOL_SOCKET, SO_PEEK_OFF, -5)), get(d, 64, MSG_PEEK), get(d, 64, MSG_PEEK | MSG_TRUNC);
		show(set(d, SOL_SOCKET, SO_PEEK_OFF, 2)), get(d, 64, MSG_PEEK | MSG_TRUNC), get(d, 64, 0), get(d, 64, 0);
		close(c), close(d);
	}
	int r = must(socket(AF_INET6, SOCK_DGRAM, 0)), n = must(socket(AF_NETLINK, SOCK_RAW, 0));
	show(set(r, SOL_SOCKET, SO_PEEK_OFF, 1)), show(opt(r, SOL_SOCKET, SO_PEEK_OFF)), show(set(n, SOL_SOCKET, SO_PEEK_OFF, 1)), show(opt(n, SOL_SOCKET, SO_PEEK_OFF)), show(setsockopt(r, SOL_SOCKET, SO_PEEK_OFF, &n, 2));
	return 0;
}
