// sendmsg(2), recvmsg(2), sendto(2) and recvfrom(2) of TCP and UDP with names, vectors, lengths and flags that are wrong, absent or too many.
#include "net.h"
#include <sys/uio.h>
static int c, d;
static char b[64];
static struct iovec v[1] = {{b, 4}};
static long out(void *name, int n, struct iovec *iov, size_t count, int flags) { struct msghdr m = {.msg_name = name, .msg_namelen = n, .msg_iov = iov, .msg_iovlen = count}; return sendmsg(c, &m, flags); }
static long in(void *name, int n, struct iovec *iov, size_t count, int flags) {
	struct msghdr m = {.msg_name = name, .msg_namelen = n, .msg_iov = iov, .msg_iovlen = count, .msg_flags = 0x55};
	long k = recvmsg(d, &m, flags | MSG_DONTWAIT);
	int e = errno;
	if (k >= 0) fact("  a name of %u, flags %#x", m.msg_namelen, m.msg_flags);
	return errno = e, k;
}
static void more(void) { must(out(NULL, 0, v, 1, 0)), until(d, POLLIN); }
static void drain(void) { while (recv(d, b, 64, MSG_DONTWAIT) >= 0) ; }

int main(void) {
	signal(SIGPIPE, SIG_IGN);
	static struct iovec many[1100], long_[2] = {{b, SSIZE_MAX}, {b, SSIZE_MAX}};
	static char big[256];
	for (int i = 0; i < 1100; i++) many[i] = (struct iovec){b, i < 8};
	for (int udp = 0; udp < 2; udp++) {
		struct sockaddr_in a = in4(LO, 0), from;
		if (udp) {
			c = must(socket(AF_INET, SOCK_DGRAM, 0)), d = must(socket(AF_INET, SOCK_DGRAM, 0)), must(bind(d, SA(a))), a = in4(LO, port(d)), must(connect(c, SA(a)));
		} else {
			int l = listener(1);
			conn(l, &c, &d), a = in4(LO, port(l)), close(l);
		}
		fact("%s", udp ? "udp" : "tcp"), memcpy(big, &a, sizeof a);
		show(out(NULL, 16, v, 1, 0)), show(out(&a, 0, v, 1, 0)), show(out(&a, 16, v, 1, 0)), show(out(&a, -1, v, 1, 0)), show(out(big, 200, v, 1, 0)), show(out((void *)8, 16, v, 1, 0)), show(out(&a, 15, v, 1, 0)), show(out(&a, 1, v, 1, 0)), drain();
		a.sin_family = AF_INET6, show(out(&a, 16, v, 1, 0)), a.sin_family = AF_UNSPEC, show(out(&a, 16, v, 1, 0)), a.sin_family = AF_UNIX, show(out(&a, 16, v, 1, 0)), a.sin_family = AF_INET, drain();
		show(sendto(c, b, 4, 0, NULL, 0)), show(sendto(c, b, 4, 0, NULL, 16)), show(sendto(c, b, 4, 0, (void *)&a, 200)), show(sendto(c, b, 4, 0, (void *)&a, -1)), drain();
		show(out(NULL, 0, NULL, 0, 0)), show(out(NULL, 0, NULL, 1, 0)), show(out(NULL, 0, (void *)8, 1, 0)), show(out(NULL, 0, many, 1025, 0)), show(out(NULL, 0, many, 1024, 0)), show(out(NULL, 0, many, -1, 0)), show(out(NULL, 0, (struct iovec[]){{b, -1}}, 1, 0)), show(out(NULL, 0, (struct iovec[]){{(void *)8, 4}}, 1, 0)), show(out(NULL, 0, (struct iovec[]){{(void *)8, 0}, {b, 2}}, 2, 0)), show(out(NULL, 0, (struct iovec[]){{NULL, 0}, {b, 2}}, 2, 0)), drain();
		more(), memset(&from, 0xee, sizeof from), show(in(&from, sizeof from, v, 1, 0)), fact("name %s", from.sin_family == AF_INET ? "told" : "not told"), more(), show(in(&from, 0, v, 1, 0)), more(), show(in(NULL, 16, v, 1, 0)), more(), show(in(&from, 5, v, 1, 0)), more(), show(in(&from, -1, v, 1, 0)), drain(), more(), show(in(big, 200, v, 1, 0)), drain();
		more(), show(in(NULL, 0, many, 1025, 0)), show(in(NULL, 0, many, 1024, 0)), drain(), more(), show(in(NULL, 0, NULL, 1, 0)), drain(), more(), show(in(NULL, 0, (struct iovec[]){{b, -1}}, 1, 0)), drain(), more(), show(in(NULL, 0, (struct iovec[]){{NULL, 0}, {b, 8}}, 2, 0)), drain();
		ok(sendmsg(c, NULL, 0)), ok(sendmsg(c, (void *)8, 0)), ok(recvmsg(d, NULL, MSG_DONTWAIT)), ok(recvmsg(d, (void *)8, MSG_DONTWAIT)), ok(sendmsg(0, &(struct msghdr){0}, 0)), ok(recvmsg(999, &(struct msghdr){0}, 0)), ok(writev(c, long_, -1)), ok(readv(d, many, 1025)), drain();
		socklen_t n = -1;
		more(), show(recvfrom(d, b, 64, MSG_DONTWAIT, (void *)&from, &n)), drain(), n = 3, more(), show(recvfrom(d, b, 64, 0, (void *)&from, &n)), fact("told %u", n), n = 16, more(), show(recvfrom(d, b, 64, 0, NULL, &n)), fact("told %u", n), more(), show(recvfrom(d, b, 64, 0, (void *)&from, NULL)), drain();
		close(c), close(d);
	}
	return 0;
}
