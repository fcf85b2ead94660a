// Programs that look at segments (SO_ATTACH_FILTER on TCP): what they see, what they hold back, who takes them over.
// slow: segments that are not taken are sent again
#include "net.h"
#include <linux/filter.h>

static int attach(int s, struct sock_filter *f, int n) {
	struct sock_fprog p = {n, f};
	return setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof p);
}
#define with(s, ...) attach(s, (struct sock_filter[]){__VA_ARGS__}, sizeof((struct sock_filter[]){__VA_ARGS__}) / sizeof(struct sock_filter))
#define LD(size, k) {BPF_LD | size | BPF_ABS, 0, 0, k}
#define EQ(k, yes, no) {BPF_JMP | BPF_JEQ, yes, no, k}
#define RET(k) {BPF_RET, 0, 0, k}
#define ALL 0x40000

static int soon(int s, int event, int ms) {
	struct pollfd p = {s, event};
	return must(poll(&p, 1, ms));
}
// got prints what comes, and whether that is at once.
static void got(const char *what, int s) {
	char b[100] = "";
	if (!soon(s, POLLIN, 100)) {
		fact("%s: nothing", what);
		return;
	}
	int n = must(read(s, b, sizeof b - 1));
	fact("%s: %d %s", what, n, b);
}

int main(void) {
	int l = listener(5), c, d, v = 0;
	conn(l, &c, &d);
	show(setsockopt(d, SOL_SOCKET, SO_DETACH_FILTER, &v, 4)), show(with(d, RET(ALL))), must(write(c, "all", 3)), got("all", d);
	show(with(d, RET(0))), must(write(c, "none", 4)), got("none", d), must(write(d, "back", 4)), got("the other direction", c);
	show(setsockopt(d, SOL_SOCKET, SO_DETACH_FILTER, &v, 4)), until(d, POLLIN), got("detached", d), show(setsockopt(d, SOL_SOCKET, SO_DETACH_FILTER, &v, 4));
	show(with(d, LD(BPF_H, 0), EQ(port(c), 0, 1), RET(ALL), RET(0))), must(write(c, "port", 4)), got("from the port", d);
	show(with(d, LD(BPF_H, 2), EQ(port(l), 0, 1), RET(ALL), RET(0))), must(write(c, "port", 4)), got("to the port", d);
	show(with(d, LD(BPF_B, SKF_NET_OFF + 9), EQ(IPPROTO_TCP, 0, 1), RET(ALL), RET(0))), must(write(c, "proto", 5)), got("protocol", d);
	show(with(d, LD(BPF_W, 32), EQ(0x73656372, 0, 1), RET(ALL), RET(0))), must(write(c, "secret", 6)), got("by content", d);
	must(write(c, "public", 6)), got("other content", d), must(close(c)), show(soon(d, POLLRDHUP, 50));
	must(setsockopt(d, SOL_SOCKET, SO_DETACH_FILTER, &v, 4)), until(d, POLLIN), got("all of it", d), until(d, POLLRDHUP), got("the end", d), close(d);
	show(with(l, LD(BPF_B, 13), EQ(2, 0, 1), RET(0), RET(ALL))); // no SYN
	struct sockaddr_in a = in4(LO, port(l));
	c = must(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)), show(connect(c, SA(a))), show(soon(c, POLLOUT, 100)), show(soon(l, POLLIN, 0)), show(connect(c, SA(a)));
	must(setsockopt(l, SOL_SOCKET, SO_DETACH_FILTER, &v, 4)), until(c, POLLOUT), d = must(accept(l, NULL, NULL)), must(write(c, "late", 4)), got("after the SYN came again", d);
	show(with(l, RET(ALL))), conn(l, &c, &d), show(setsockopt(d, SOL_SOCKET, SO_DETACH_FILTER, &v, 4)), show(setsockopt(l, SOL_SOCKET, SO_DETACH_FILTER, &v, 4));
	return 0;
}
