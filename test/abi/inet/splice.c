// splice(2), tee(2) and vmsplice(2) with TCP sockets: from pipes and into them, SPLICE_F_NONBLOCK, ends of files, full pipes and sockets, what is refused.
#include "net.h"
#include <sys/uio.h>
#include <sys/sendfile.h>
static char big[1 << 17];
static int p[2];
static void in_pipe(const char *what) { int n = 0; must(ioctl(p[0], FIONREAD, &n)), fact("%s: %d in the pipe", what, n); }

int main(void) {
	signal(SIGPIPE, SIG_IGN);
	for (unsigned i = 0; i < sizeof big; i++) big[i] = i * 7 + i / 251;
	int l = listener(3), c, d, f, q[2];
	char b[64] = {0};
	loff_t off = 0;
	must(pipe(p)), must(pipe(q)), conn(l, &c, &d);
	must(write(c, "hello world", 11)), until(d, POLLIN), show(splice(d, NULL, p[1], NULL, 5, 0)), in_pipe("five"), show(splice(d, NULL, p[1], NULL, 100, 0)), show(read(p[0], b, 64)), fact("%s", b);
	must(fcntl(d, F_SETFL, O_NONBLOCK)), show(splice(d, NULL, p[1], NULL, 10, 0)), must(fcntl(d, F_SETFL, 0)), show(splice(d, NULL, p[1], NULL, 0, 0));
	show(splice(d, &off, p[1], NULL, 10, 0)), show(splice(p[0], NULL, c, &off, 10, 0)), show(splice(c, NULL, d, NULL, 10, 0)), show(splice(p[0], NULL, c, NULL, 10, SPLICE_F_NONBLOCK)), show(splice(999, NULL, p[1], NULL, 1, 0)), show(splice(d, NULL, p[1], NULL, 10, 0x80));
	must(write(p[1], "from a pipe", 11)), show(tee(p[0], q[1], 100, 0)), show(tee(p[0], c, 10, 0)), show(splice(p[0], NULL, c, NULL, 4, SPLICE_F_MORE)), show(splice(p[0], NULL, c, NULL, 100, 0)), show(recv(d, b, 11, MSG_WAITALL)), fact("%.11s", b), show(splice(q[0], NULL, c, NULL, 100, 0)), show(recv(d, b, 11, MSG_WAITALL));
	show(vmsplice(p[1], &(struct iovec){"memory", 6}, 1, 0)), show(splice(p[0], NULL, c, NULL, 100, 0)), show(recv(d, b, 6, MSG_WAITALL)), fact("%.6s", b), show(vmsplice(c, &(struct iovec){"memory", 6}, 1, 0));

	pid_t k = spawn(for (unsigned n = 0; n < sizeof big;) n += must(write(c, big + n, sizeof big - n)));
	static char back[sizeof big];
	for (unsigned n = 0; n < sizeof big;) { // through the pipe
		long m = must(splice(d, NULL, p[1], NULL, sizeof big - n, SPLICE_F_MOVE));
		for (long r = 0; r < m;) r += must(read(p[0], back + n + r, m - r));
		n += m;
	}
	quiet(k), fact("out of a socket: %s", memcmp(big, back, sizeof big) ? "wrong" : "right"), memset(back, 0, sizeof back);
	k = spawn(for (unsigned n = 0; n < sizeof big;) n += must(read(d, back + n, sizeof big - n)); exit(memcmp(big, back, sizeof big) != 0));
	for (unsigned n = 0; n < sizeof big;) {
		long m = must(write(p[1], big + n, sizeof big - n > 60000 ? 60000 : sizeof big - n));
		for (long r = 0; r < m;) r += must(splice(p[0], NULL, c, NULL, m - r, 0));
		n += m;
	}
	reap("into a socket", k);

	must(fcntl(p[1], F_SETPIPE_SZ, PAGE)), must(write(p[1], "x", 1)), must(write(c, "data", 4)), until(d, POLLIN), show(splice(d, NULL, p[1], NULL, 4, SPLICE_F_NONBLOCK)), must(read(p[0], b, 1)), show(splice(d, NULL, p[1], NULL, 4, SPLICE_F_NONBLOCK)), must(read(p[0], b, 4));
	must(write(p[1], "y", 1)), must(fcntl(c, F_SETFL, O_NONBLOCK));
	for (int quiet = 0; quiet < 20; quiet++, usleep(500)) while (write(c, big, sizeof big) > 0) quiet = 0;
	show(splice(p[0], NULL, c, NULL, 1, 0)), show(splice(p[0], NULL, c, NULL, 1, SPLICE_F_NONBLOCK)), in_pipe("a full socket"), must(read(p[0], b, 1)), close(c), close(d);

	conn(l, &c, &d), must(write(c, "tail", 4)), must(shutdown(c, SHUT_WR)), until(d, POLLRDHUP), show(splice(d, NULL, p[1], NULL, 100, 0)), must(read(p[0], b, 64)), show(splice(d, NULL, p[1], NULL, 100, 0)), must(write(p[1], "z", 1)), show(splice(p[0], NULL, c, NULL, 1, 0)), in_pipe("EPIPE"), close(d), close(c), must(read(p[0], b, 1));
	struct linger g = {1, 0};
	conn(l, &c, &d), must(setsockopt(c, SOL_SOCKET, SO_LINGER, &g, sizeof g)), close(c), until(d, POLLERR), show(splice(d, NULL, p[1], NULL, 10, 0)), show(splice(d, NULL, p[1], NULL, 10, 0)), close(d);
	conn(l, &c, &d), close(p[0]), must(write(c, "lost?", 5)), until(d, POLLIN), show(splice(d, NULL, p[1], NULL, 5, 0)), show(recv(d, b, 64, MSG_DONTWAIT)), close(p[1]), must(pipe(p)), close(p[1]), show(splice(p[0], NULL, c, NULL, 10, 0));
	show(splice(l, NULL, q[1], NULL, 10, 0)), show(splice(must(socket(AF_INET, SOCK_STREAM, 0)), NULL, q[1], NULL, 10, 0)), make("f", "a file"), f = must(open("f", O_RDWR)), show(sendfile(f, c, NULL, 10)), show(sendfile(c, c, NULL, 10)), show(sendfile(c, f, NULL, 10)), show(recv(d, b, 64, 0)), must(lseek(f, 0, SEEK_SET)), show(sendfile(l, f, NULL, 1)), show(copy_file_range(f, NULL, c, NULL, 1, 0));
	int u = must(socket(AF_INET, SOCK_DGRAM, 0));
	struct sockaddr_in a = in4(LO, 0);
	must(bind(u, SA(a))), a = in4(LO, port(u)), must(connect(u, SA(a))), off = 0, show(sendfile(u, f, &off, 6)), show(recv(u, b, 64, 0)), must(write(q[1], "datagram", 8)), show(splice(q[0], NULL, u, NULL, 8, 0)), show(recv(u, b, 64, 0)), must(send(u, "x", 1, 0)), show(splice(u, NULL, q[1], NULL, 1, 0));
	return 0;
}
