// SO_ATTACH_FILTER, SO_GET_FILTER, SO_DETACH_FILTER and SO_LOCK_FILTER: what can be attached, read back, taken off, and no more.
#include "net.h"
#include <linux/filter.h>
#define RET(k) {BPF_RET | BPF_K, 0, 0, k}
static long attach(int s, int n, struct sock_filter *f) { return setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, &(struct sock_fprog){n, f}, sizeof(struct sock_fprog)); }
static void read_back(int s, int room) {
	struct sock_filter f[16] = {0};
	socklen_t n = room;
	long e = getsockopt(s, SOL_SOCKET, SO_GET_FILTER, room ? f : NULL, &n);
	fact("room %d: %s, %u, first %#x %u", room, e ? ename(errno) : "ok", n, f[0].code, f[0].k);
}

int main(void) {
	struct sock_filter all[] = {RET(65535)}, three[] = {{BPF_LD | BPF_B | BPF_ABS, 0, 0, 8}, {BPF_JMP | BPF_JEQ, 0, 1, 'x'}, RET(65535), RET(0)}, bad[] = {{0xffff, 0, 0, 0}, RET(0)}, jump[] = {{BPF_JMP | BPF_JEQ, 9, 0, 1}, RET(0)}, div[] = {{BPF_ALU | BPF_DIV, 0, 0, 0}, RET(0)}, store[] = {{BPF_ST, 0, 0, 16}, RET(0)};
	int r = must(socket(AF_INET, SOCK_DGRAM, 0)), s = must(socket(AF_INET, SOCK_DGRAM, 0));
	struct sockaddr_in a = in4(LO, 0);
	char b[64];
	must(bind(r, SA(a))), a = in4(LO, port(r)), must(connect(s, SA(a)));
	read_back(r, 0), show(set(r, SOL_SOCKET, SO_DETACH_FILTER, 0)), show(opt(r, SOL_SOCKET, SO_LOCK_FILTER));
	show(attach(r, 0, all)), show(attach(r, 4097, all)), show(attach(r, 2, bad)), show(attach(r, 2, jump)), show(attach(r, 2, div)), show(attach(r, 2, store)), show(attach(r, 1, NULL)), show(attach(r, 1, three)), show(setsockopt(r, SOL_SOCKET, SO_ATTACH_FILTER, &(struct sock_fprog){1, all}, 8)), show(setsockopt(r, SOL_SOCKET, SO_ATTACH_FILTER, &(struct sock_fprog){1, all}, 24));
	show(attach(r, 4, three)), must(send(s, "yes", 3, 0)), must(send(s, "xyz", 3, 0)), until(r, POLLIN), show(recv(r, b, 64, 0)), show(recv(r, b, 64, MSG_DONTWAIT));
	read_back(r, 0), read_back(r, 2), read_back(r, 4), read_back(r, 64);
	show(attach(r, 1, all)), must(send(s, "any", 3, 0)), show(recv(r, b, 64, 0)), show(set(r, SOL_SOCKET, SO_LOCK_FILTER, 1)), show(opt(r, SOL_SOCKET, SO_LOCK_FILTER)), show(attach(r, 4, three)), show(set(r, SOL_SOCKET, SO_DETACH_FILTER, 0)), show(set(r, SOL_SOCKET, SO_LOCK_FILTER, 0)), show(set(r, SOL_SOCKET, SO_LOCK_FILTER, 1)), read_back(r, 1);
	show(set(s, SOL_SOCKET, SO_DETACH_BPF, 0)), show(set(s, SOL_SOCKET, SO_LOCK_FILTER, 7)), show(opt(s, SOL_SOCKET, SO_LOCK_FILTER)), show(attach(s, 1, all)), show(setsockopt(s, SOL_SOCKET, SO_LOCK_FILTER, b, 2));
	int l = listener(3), c, d;
	show(attach(l, 1, all)), show(set(l, SOL_SOCKET, SO_LOCK_FILTER, 1)), conn(l, &c, &d), read_back(d, 1), show(opt(d, SOL_SOCKET, SO_LOCK_FILTER)), show(set(d, SOL_SOCKET, SO_DETACH_FILTER, 0));
	int x[2];
	must(socketpair(AF_UNIX, SOCK_DGRAM, 0, x)), three[0].k = 0, show(attach(x[0], 4, three)), must(write(x[1], "yes", 3)), must(write(x[1], "xyz", 3)), show(recv(x[0], b, 64, MSG_DONTWAIT)), show(recv(x[0], b, 64, MSG_DONTWAIT)), read_back(x[0], 0), show(set(x[0], SOL_SOCKET, SO_DETACH_FILTER, 0)), must(write(x[1], "yes", 3)), show(recv(x[0], b, 64, MSG_DONTWAIT));
	three[2].k = 2, show(attach(x[0], 4, three)), must(write(x[1], "xyz", 3)), show(recv(x[0], b, 64, MSG_DONTWAIT));
	quiet(spawn(must(setuid(1000)); int u = must(socket(AF_INET, SOCK_DGRAM, 0)); show(attach(u, 1, all)); show(set(u, SOL_SOCKET, SO_LOCK_FILTER, 1)); show(attach(u, 1, all))));
	return 0;
}
