// Datagrams of no bytes and of more than there is room for, by every call that reads and sends them; what is told of their length, MSG_TRUNC both ways, FIONREAD; both versions.
#include "net.h"
#include <sys/uio.h>
static int r, s;
static void give(int n) { static char b[64]; must(send(s, b, n, 0)); }
static void left(void) {
	int n = -1;
	must(ioctl(r, FIONREAD, &n));
	struct pollfd p = {r, POLLIN};
	fact("  then next %d, readable %d", n, poll(&p, 1, 0));
}
static void msg(const char *what, struct iovec *v, int count, int flags) {
	struct msghdr m = {.msg_iov = v, .msg_iovlen = count};
	long n = recvmsg(r, &m, flags | MSG_DONTWAIT);
	fact("%s: %ld %s, flags %#x", what, n, n < 0 ? ename(errno) : "", n < 0 ? 0 : m.msg_flags);
}

int main(void) {
	for (int six = 0; six < 2; six++) {
		int f = six ? AF_INET6 : AF_INET;
		struct sockaddr_storage a = {0}, from;
		socklen_t n = six ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in), k = sizeof from;
		if (six) { struct sockaddr_in6 x = in6("::1", 0); memcpy(&a, &x, n); } else { struct sockaddr_in x = in4(LO, 0); memcpy(&a, &x, n); }
		r = must(socket(f, SOCK_DGRAM, 0)), s = must(socket(f, SOCK_DGRAM, 0)), must(bind(r, (void *)&a, n)), ((struct sockaddr_in *)&a)->sin_port = htons(port(r)), must(connect(s, (void *)&a, n));
		char b[64], x[4];
		struct iovec two[2] = {{x, 2}, {b, 4}}, none[1] = {{b, 0}};
		fact("IPv%d", six ? 6 : 4), left(), give(0), left(), show(read(r, b, 64)), left(), give(0), show(recv(r, NULL, 0, MSG_DONTWAIT)), left(), give(0), show(readv(r, two, 2)), give(0), msg("recvmsg of nothing", two, 2, 0), give(0), msg("without a vector", NULL, 0, 0), left();
		show(write(s, b, 0)), left(), show(send(s, NULL, 0, 0)), show(sendto(s, NULL, 0, 0, (void *)&a, n)), show(sendmsg(s, &(struct msghdr){0}, 0));
		for (int i = 0; i < 5; i++) { k = sizeof from; long got = recvfrom(r, b, 64, MSG_DONTWAIT, (void *)&from, &k); fact("  %d: %ld %s, a name of %u", i, got, got < 0 ? ename(errno) : "", got < 0 ? 0 : k); }
		give(10), show(read(r, b, 0)), left(), give(10), show(recv(r, b, 0, MSG_DONTWAIT)), left(), give(10), show(recv(r, b, 0, MSG_TRUNC)), left(), give(10), show(recv(r, b, 3, MSG_TRUNC)), left(), give(10), show(recv(r, b, 3, 0)), left(), give(10), show(recv(r, b, 20, MSG_TRUNC)), left();
		give(10), give(5), show(recv(r, b, 3, MSG_PEEK)), show(recv(r, b, 3, MSG_PEEK | MSG_TRUNC)), left(), msg("peek", two, 2, MSG_PEEK), msg("peek, its length", two, 2, MSG_PEEK | MSG_TRUNC), msg("peek without room", NULL, 0, MSG_PEEK | MSG_TRUNC), msg("cut", two, 2, 0), left(), msg("whole", two, 2, MSG_TRUNC), left(), msg("none", two, 2, 0);
		give(6), msg("exactly", two, 2, 0), give(7), msg("one too many", two, 2, 0), give(7), msg("one too many, its length", two, 2, MSG_TRUNC), give(9), msg("no room", none, 1, 0), give(9), show(readv(r, two, 1)), show(readv(r, none, 0)), left();
		give(8), show(recv(r, b, 8, MSG_WAITALL)), give(4), show(recv(r, b, 8, MSG_WAITALL)), give(4), show(recv(r, (void *)8, 8, 0)), left(), show(recv(r, b, 8, MSG_DONTWAIT)), give(4), show(recv(r, (void *)8, 0, 0)), show(send(s, (void *)8, 4, 0)), show(send(s, (void *)8, 0, 0)), left(), show(recv(r, b, 8, MSG_DONTWAIT));
		show(send(s, b, 1, MSG_EOR)), show(send(s, b, 1, MSG_DONTROUTE | MSG_NOSIGNAL | MSG_CONFIRM)), fact("urgent: %s", six ? "not asked" : ename(err(send(s, b, 1, MSG_OOB)))), show(recv(r, b, 8, 0)), show(recv(r, b, 8, MSG_DONTWAIT)), show(recv(r, b, 8, MSG_OOB | MSG_DONTWAIT)), show(recv(r, b, 8, MSG_ERRQUEUE | MSG_DONTWAIT)), show(recv(r, b, 8, MSG_DONTWAIT)), close(r), close(s);
	}
	return 0;
}
