// Urgent data: MSG_OOB, the mark, SO_OOBINLINE, POLLPRI, SIOCATMARK.
#include "net.h"
#include <linux/sockios.h>
static void mark(int s) { int v; must(ioctl(s, SIOCATMARK, &v)), fact("at mark %d", v); }

int main(void) {
	int l = listener(5), c, d, n;
	char b[32] = {0};
	conn(l, &c, &d), show(recv(d, b, 1, MSG_OOB)), mark(d);
	show(send(c, "abcX", 4, MSG_OOB)), until(d, POLLPRI), events("urgent", d), mark(d), show(recv(d, b, 1, MSG_OOB | MSG_PEEK)), show(ioctl(d, FIONREAD, &n)), show(n), show(recv(d, b, 32, 0)), fact("%.3s", b), mark(d), show(recv(d, b, 1, MSG_OOB)), fact("%c", b[0]), show(recv(d, b, 1, MSG_OOB)), show(recv(d, b, 32, MSG_DONTWAIT)), mark(d);
	show(send(c, "12Y", 3, MSG_OOB)), show(send(c, "34", 2, 0)), until(d, POLLPRI), usleep(2000), memset(b, 0, 32), show(recv(d, b, 32, 0)), fact("%s", b), memset(b, 0, 32), mark(d), show(recv(d, b, 32, 0)), fact("%s", b), mark(d), show(recv(d, b, 1, MSG_OOB)), events("passed", d);
	show(send(c, "A", 1, MSG_OOB)), show(send(c, "B", 1, MSG_OOB)), until(d, POLLPRI), usleep(2000), show(recv(d, b, 1, MSG_OOB)), fact("%c", b[0]), memset(b, 0, 32), show(recv(d, b, 32, MSG_DONTWAIT)), fact("%s", b);
	must(set(d, SOL_SOCKET, SO_OOBINLINE, 1)), show(send(c, "uvW", 3, MSG_OOB)), show(send(c, "xy", 2, 0)), until(d, POLLPRI), usleep(2000), show(recv(d, b, 1, MSG_OOB)), memset(b, 0, 32), show(recv(d, b, 32, 0)), fact("%s", b), mark(d), memset(b, 0, 32), show(recv(d, b, 32, 0)), fact("%s", b);
	must(shutdown(c, SHUT_WR)), until(d, POLLIN), show(recv(d, b, 1, MSG_OOB)), show(recv(l, b, 1, MSG_OOB)), show(recv(must(socket(AF_INET, SOCK_STREAM, 0)), b, 1, MSG_OOB));
	return 0;
}
