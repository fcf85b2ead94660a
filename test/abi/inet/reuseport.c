// SO_REUSEPORT: who may join, that connections and datagrams go to all members, the same flow to the same one, what is left when a member goes.
#include "net.h"
#define N 4
static int member(int type, int p) {
	int s = must(socket(AF_INET, type, 0));
	must(set(s, SOL_SOCKET, SO_REUSEPORT, 1));
	struct sockaddr_in a = in4(LO, p);
	must(bind(s, SA(a)));
	if (type == SOCK_STREAM) must(listen(s, 64));
	return s;
}
static int ready(int *m, int n) {
	for (int tries = 0; tries < 4000; tries++, usleep(500))
		for (int i = 0; i < n; i++)
			if (m[i] >= 0 && poll(&(struct pollfd){m[i], POLLIN}, 1, 0) > 0) return i;
	return -1;
}
// round sends to the port from new sockets and counts who gets it.
static void round_(const char *what, int type, int p, int *m, int times) {
	int got[N] = {0}, used = 0, all = 0, keep[128], same = 1;
	char b[8];
	struct sockaddr_in a = in4(LO, p);
	for (int i = 0; i < times; i++) {
		keep[i] = must(socket(AF_INET, type, 0)), must(connect(keep[i], SA(a)));
		if (type == SOCK_DGRAM) must(send(keep[i], "x", 1, 0));
		int who = ready(m, N);
		if (who < 0) { fact("%s: lost", what); return; }
		got[who]++;
		if (type == SOCK_STREAM) must(close(must(accept(m[who], NULL, NULL))));
		else {
			must(recv(m[who], b, 8, 0)), must(send(keep[i], "y", 1, 0));
			same &= ready(m, N) == who, must(recv(m[ready(m, N)], b, 8, 0));
		}
	}
	for (int i = 0; i < N; i++) used += got[i] > 0, all += got[i];
	fact("%s: %d arrive, at %d members, the same flow at the same: %d", what, all, used, same);
	for (int i = 0; i < times; i++) close(keep[i]);
}

int main(void) {
	int m[N];
	for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
		m[0] = member(type, 0);
		int p = port(m[0]), s = must(socket(AF_INET, type, 0));
		for (int i = 1; i < N; i++) m[i] = member(type, p);
		round_("four", type, p, m, 100);
		struct sockaddr_in a = in4(LO, p), any = in4(0, p);
		show(bind(s, SA(a))), must(set(s, SOL_SOCKET, SO_REUSEADDR, 1)), show(bind(s, SA(a))), must(set(s, SOL_SOCKET, SO_REUSEPORT, 1)), show(bind(s, SA(any))), must(close(s));
		quiet(spawn(must(setuid(1000)); int o = must(socket(AF_INET, type, 0)); must(set(o, SOL_SOCKET, SO_REUSEPORT, 1)); ok(bind(o, SA(a))); ok(bind(o, SA(any)))));
		must(close(m[1])), m[1] = -1, round_("without the second", type, p, m, 60);
		if (type == SOCK_STREAM)
			must(set(m[0], SOL_SOCKET, SO_REUSEPORT, 0)), s = must(socket(AF_INET, type, 0)), must(set(s, SOL_SOCKET, SO_REUSEPORT, 1)), fact("after one gave it up: %s", ename(err(bind(s, SA(a))))), must(close(s));
		for (int i = 0; i < N; i++) if (m[i] >= 0) close(m[i]);
	}
	int wild = must(socket(AF_INET, SOCK_DGRAM, 0)), one = must(socket(AF_INET, SOCK_DGRAM, 0)), c = must(socket(AF_INET, SOCK_DGRAM, 0)), s = must(socket(AF_INET, SOCK_DGRAM, 0));
	struct sockaddr_in a = in4(0, 0);
	char b[8];
	must(set(wild, SOL_SOCKET, SO_REUSEPORT, 1)), must(set(one, SOL_SOCKET, SO_REUSEPORT, 1)), must(set(c, SOL_SOCKET, SO_REUSEPORT, 1));
	must(bind(wild, SA(a))), a = in4(LO, port(wild)), must(bind(one, SA(a))), must(bind(c, SA(a))), must(bind(s, (struct sockaddr *)&(struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(LO)}, 16));
	struct sockaddr_in from = in4(LO, port(s)), two = in4(LO + 1, port(wild));
	must(connect(c, SA(from)));
	must(sendto(s, "x", 1, 0, SA(a))), until(c, POLLIN), fact("the connected is first: %zd", recv(c, b, 8, MSG_DONTWAIT));
	must(sendto(s, "x", 1, 0, SA(two))), until(wild, POLLIN), fact("other addresses go to the wildcard: %zd", recv(wild, b, 8, MSG_DONTWAIT));
	must(close(c)), must(sendto(s, "x", 1, 0, SA(a))), until(one, POLLIN), fact("then the bound: %zd", recv(one, b, 8, MSG_DONTWAIT));
	must(close(one)), must(sendto(s, "x", 1, 0, SA(a))), until(wild, POLLIN), fact("then the wildcard: %zd", recv(wild, b, 8, MSG_DONTWAIT));
	int u = must(socket(AF_UNIX, SOCK_STREAM, 0));
	show(set(u, SOL_SOCKET, SO_REUSEPORT, 1)), show(opt(u, SOL_SOCKET, SO_REUSEPORT));
	return 0;
}
