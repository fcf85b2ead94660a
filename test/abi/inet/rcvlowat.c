// SO_RCVLOWAT: what poll, epoll, recv and MSG_WAITALL make of it, when the end or an error comes first, with MSG_PEEK, and on datagrams.
#include "net.h"

static void step(const char *what, int s) {
	char b[64];
	fact("%s: queued %d", what, ({ int n = -1; ioctl(s, FIONREAD, &n); n; }));
	events("  poll", s);
	show(recv(s, b, sizeof b, MSG_DONTWAIT | MSG_PEEK));
}
// comes waits until n bytes are queued.
static void comes(int s, int n) {
	for (int k = 0, i = 0; k < n && i < 5000; i++, usleep(500))
		must(ioctl(s, FIONREAD, &k));
}

int main(void) {
	signal(SIGPIPE, SIG_IGN);
	int l = listener(5), c, d, e = must(epoll_create1(0));
	char b[64];
	struct epoll_event ev = {EPOLLIN | EPOLLET};
	conn(l, &c, &d);
	show(set(d, SOL_SOCKET, SO_RCVLOWAT, 8)), show(opt(d, SOL_SOCKET, SO_RCVLOWAT));
	must(epoll_ctl(e, EPOLL_CTL_ADD, d, &ev));
	must(write(c, "12345", 5)), comes(d, 5), step("five of eight", d), show(epoll_wait(e, &ev, 1, 0));
	must(write(c, "678", 3)), until(d, POLLIN), step("eight", d), show(epoll_wait(e, &ev, 1, 1000)), show(epoll_wait(e, &ev, 1, 0));
	show(read(d, b, 3)), step("five are left", d);
	must(set(d, SOL_SOCKET, SO_RCVLOWAT, 5)), step("mark at five", d);
	must(set(d, SOL_SOCKET, SO_RCVLOWAT, 6)), step("mark at six", d);
	must(shutdown(c, SHUT_WR)), until(d, POLLRDHUP), step("the end", d), show(recv(d, b, 64, 0)), show(recv(d, b, 64, 0));
	close(c), close(d);

	conn(l, &c, &d), must(set(d, SOL_SOCKET, SO_RCVLOWAT, 10));
	pid_t p = spawn(must(write(c, "abc", 3)); usleep(20000); must(write(c, "defghijklm", 10)); exit(0)); // as many as the mark: a receiver that comes late has taken the first three
	show(recv(d, b, 64, 0)), quiet(p);
	p = spawn(must(write(c, "abc", 3)); usleep(20000); must(write(c, "defghijklmnop", 13)));
	show(recv(d, b, 16, MSG_WAITALL)), quiet(p);
	struct timeval t = {0, 50000};
	must(setsockopt(d, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t)), must(write(c, "abc", 3)), show(recv(d, b, 64, 0)), show(recv(d, b, 64, 0));
	struct linger g = {1, 0};
	must(write(c, "abc", 3)), comes(d, 3), must(setsockopt(c, SOL_SOCKET, SO_LINGER, &g, sizeof g)), close(c), until(d, POLLERR | POLLHUP), events("reset below the mark", d), show(recv(d, b, 64, 0)), show(recv(d, b, 64, 0));
	close(d);

	conn(l, &c, &d);
	show(set(d, SOL_SOCKET, SO_RCVLOWAT, 0)), show(opt(d, SOL_SOCKET, SO_RCVLOWAT));
	show(set(d, SOL_SOCKET, SO_SNDLOWAT, 8)), show(opt(d, SOL_SOCKET, SO_SNDLOWAT));
	must(set(d, SOL_SOCKET, SO_RCVLOWAT, 4)), must(send(c, "u", 1, MSG_OOB)), until(d, POLLPRI), events("urgent below the mark", d);

	close(c), close(d), conn(l, &c, &d), must(set(d, SOL_SOCKET, SO_RCVLOWAT, 1 << 20)); // more than a buffer has at first
	static char big[1 << 22];
	p = spawn(for (long n = 0; n < (long)sizeof big;) n += must(write(c, big, sizeof big - n)); must(shutdown(c, SHUT_WR)));
	until(d, POLLIN);
	long all = 0, k = 1;
	while (k > 0)
		until(d, POLLIN), all += k = must(recv(d, big, sizeof big, MSG_DONTWAIT));
	fact("more than there is room for: %ld", all), quiet(p);

	int u = must(socket(AF_INET, SOCK_DGRAM, 0));
	struct sockaddr_in a = in4(LO, 0);
	must(bind(u, SA(a))), a = in4(LO, port(u)), must(connect(u, SA(a)));
	show(set(u, SOL_SOCKET, SO_RCVLOWAT, 20)), must(send(u, "abc", 3, 0)), events("a datagram below the mark", u), show(recv(u, b, 64, MSG_DONTWAIT));
	return 0;
}
