// Partial reads of streams, writev over messages, big transfers, and many writers of one socket.
#include "../oracle.h"
#include <sys/socket.h>
#include <sys/uio.h>
static unsigned char next(unsigned *x) { return (*x = *x * 1103515245 + 12345) >> 16; }

int main(void) {
	int s[2], n, total = 0;
	static unsigned char buf[300000];
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	pid_t pid = spawn({
		close(s[0]);
		unsigned x = 7;
		for (int i = 0; i < 300000; i++)
			buf[i] = next(&x);
		int sent = 0;
		for (int step = 1; sent < 300000; step = step * 3 % 70001) {
			int k = sent + step > 300000 ? 300000 - sent : step;
			n = write(s[1], buf + sent, k);
			if (n <= 0)
				_exit(1);
			sent += n;
		}
	});
	close(s[1]);
	unsigned x = 7;
	int wrong = 0;
	while ((n = read(s[0], buf, 3333)) > 0) {
		for (int i = 0; i < n; i++)
			wrong += buf[i] != next(&x);
		total += n;
	}
	fact("received %d, wrong %d, end %d", total, wrong, n);
	quiet(pid);
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	struct iovec v[3] = {{"ab", 2}, {"", 0}, {"cde", 3}};
	show(writev(s[0], v, 3));
	char a[3] = {0}, b[8] = {0};
	struct iovec r[2] = {{a, 2}, {b, 8}};
	show(readv(s[1], r, 2));
	fact("%s %s", a, b);
	must(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	pid_t w[3];
	for (int i = 0; i < 3; i++)
		w[i] = spawn(char m[50]; memset(m, 'a' + i, 50); for (int k = 0; k < 50; k++) must(send(s[1], m, 50, 0)));
	int counts[3] = {0}, mixed = 0;
	for (int i = 0; i < 150; i++) {
		char m[64];
		n = recv(s[0], m, 64, 0);
		mixed += n != 50 || m[0] != m[49];
		counts[m[0] - 'a']++;
	}
	fact("datagrams %d %d %d, mixed %d", counts[0], counts[1], counts[2], mixed);
	for (int i = 0; i < 3; i++)
		quiet(w[i]);
	return 0;
}
