// Vectors of unix sockets at their edges: empty messages, memory that is not there, records cut, MSG_TRUNC and MSG_PEEK by type, what is left after an error.
#include "../oracle.h"
#include <sys/socket.h>
#include <sys/uio.h>
static int s[2];
static char a[16], b[16], *hole;
static long out(struct iovec *v, size_t n) { struct msghdr m = {.msg_iov = v, .msg_iovlen = n}; return sendmsg(s[0], &m, MSG_DONTWAIT); }
static long in(struct iovec *v, size_t n, int flags) {
	struct msghdr m = {.msg_iov = v, .msg_iovlen = n};
	long k = recvmsg(s[1], &m, MSG_DONTWAIT | flags);
	int e = errno;
	if (k >= 0) fact("  flags %#x", m.msg_flags);
	return errno = e, k;
}

int main(void) {
	signal(SIGPIPE, SIG_IGN);
	hole = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), munmap(hole + PAGE, PAGE);
	struct iovec two[] = {{"abc", 3}, {"def", 3}}, bad[] = {{"abc", 3}, {(void *)8, 3}}, half[] = {{hole + PAGE - 4, 8}}, get[] = {{a, 2}, {NULL, 0}, {b, 8}}, got[] = {{a, 2}, {(void *)8, 4}}, one[] = {{a, 1}}, neg[] = {{a, -1}};
	static struct iovec many[1100];
	for (int i = 0; i < 1100; i++) many[i] = (struct iovec){a, 1};
	for (int type = SOCK_STREAM; type <= SOCK_SEQPACKET; type++) {
		if (socketpair(AF_UNIX, type, 0, s)) continue;
		fact("type %d", type), show(out(two, 2)), show(in(get, 0, 0)), show(out(two, 0)), show(in(one, 1, MSG_PEEK)), show(in(get, 3, MSG_TRUNC | MSG_PEEK)), show(in(get, 3, 0)), show(in(get, 3, 0)), show(in(get, 3, 0));
		show(out(bad, 2)), show(in(get, 3, 0)), show(out(half, 1)), show(in(get, 3, 0)), show(out(neg, 1)), show(out(many, 1025)), show(out(many, 1024)), show(in(many, 1024, 0)), show(out(two, 2)), show(in(got, 2, 0)), show(in(get, 3, 0)), show(in(get, 3, 0)), show(out(two, 2)), show(out(two, 1)), show(in(one, 1, 0)), show(in(get, 3, MSG_TRUNC)), show(in(get, 3, 0)), show(in(get, 3, 0));
		show(send(s[0], NULL, 0, 0)), show(recv(s[1], NULL, 0, MSG_DONTWAIT)), show(send(s[0], NULL, 3, 0)), show(send(s[0], "eor", 3, MSG_EOR)), show(in(get, 3, 0)), show(send(s[0], "more", 4, MSG_MORE)), show(in(get, 3, 0)), show(writev(s[0], two, 2)), show(readv(s[1], got, 2)), show(recv(s[1], b, 16, MSG_DONTWAIT)), show(write(s[0], "", 0)), show(recv(s[1], b, 16, MSG_DONTWAIT)), show(read(s[1], b, 0)), show(recv(s[1], b, 4, MSG_WAITALL | MSG_DONTWAIT)), show(write(s[0], "12345678", 8)), show(recv(s[1], b, 4, MSG_WAITALL)), show(recv(s[1], b, 16, MSG_DONTWAIT)), close(s[0]), show(recv(s[1], b, 4, MSG_WAITALL | MSG_DONTWAIT)), close(s[1]);
	}
	return 0;
}
