// Datagrams that come in bursts and are taken one after the other, so often that whoever answers for it may have become quick: lengths, senders, room
// that is short, and what others see and do between the calls.
#include "net.h"

static int r, s[2], spare;
static char b[9000], *volatile none;
static struct sockaddr_in6 from;
static socklen_t len;

// burst sends datagrams of n bytes and more, by two senders in turn.
static void burst(int count, int n) {
	for (int i = 0; i < count; i++)
		memset(b, 'a' + i % 26, n + i), must(send(s[i % 2], b, n + i, 0));
}
static int next(size_t room, int flags) { return memset(b, '.', 100), len = sizeof from, memset(&from, 0, len), recvfrom(r, b, room, flags, (void *)&from, &len); }
static void whole(const char *what, int n) {
	fact("%s: %d %s, %.6s, address %d of %d by %s", what, n, n < 0 ? ename(errno) : "", b, len, from.sin6_family, n < 0 ? "nobody" : from.sin6_port == htons(port(s[0])) ? "the first" : "the second");
}
static void drained(void) { while (recv(r, b, sizeof b, MSG_DONTWAIT) >= 0) ; }
// quick has the calls be as usual for a while, and leaves a burst of which one datagram is taken.
static void quick(const char *what, int count) {
	drained();
	for (int i = 0; i < 30; i++) {
		burst(10, i);
		for (int k = 0; k < 10; k++)
			if (next(sizeof b, 0) != i + k || (i + k && b[i + k - 1] != 'a' + k) || from.sin6_port != htons(port(s[k % 2])))
				fact("round %d, %d", i, k);
	}
	fact("-- %s", what), burst(count, 3), whole("first", next(sizeof b, 0));
}
static void *taker(void *p) { return (void *)(intptr_t)recv(r, (char *)p, 100, MSG_DONTWAIT); }
static long elsewhere(void) {
	static char other[100];
	pthread_t t;
	void *got;
	return pthread_create(&t, NULL, taker, other), pthread_join(t, &got), (long)got;
}

int main(void) {
	for (int v6 = 0; v6 < 2; v6++) {
		struct sockaddr_in6 a6 = in6("::1", 0);
		struct sockaddr_in a = in4(LO, 0);
		struct sockaddr *to = v6 ? (void *)&a6 : (void *)&a;
		socklen_t size = v6 ? sizeof a6 : sizeof a, want;
		r = must(socket(to->sa_family, SOCK_DGRAM, 0)), must(bind(r, to, size)), must(set(r, SOL_SOCKET, SO_RCVBUF, 1 << 20));
		must(getsockname(r, to, (want = size, &want)));
		for (int i = 0; i < 2; i++)
			s[i] = must(socket(to->sa_family, SOCK_DGRAM, 0)), must(connect(s[i], to, size));
		quick("lengths", 5), whole("short room", next(2, 0)), whole("next", next(sizeof b, 0)), whole("its length", next(2, MSG_TRUNC)), whole("last", next(7, 0)), whole("none", next(7, MSG_DONTWAIT));
		quick("looked at", 5), whole("peek", next(100, MSG_PEEK)), whole("next", next(100, 0)), whole("peek", next(100, MSG_PEEK)), whole("next", next(100, MSG_DONTWAIT)), show(recv(r, b, 100, 0)), show(read(r, b, 100));
		quick("bad memory", 5), show(recvfrom(r, none, 100, 0, NULL, NULL)), len = 3, show(recvfrom(r, b, 100, 0, (void *)&from, &len)), fact("address %d", len);
		len = -1, show(recvfrom(r, b, 100, 0, (void *)&from, &len)), show(recvfrom(r, b, 100, 0, (void *)&from, (void *)none)), whole("none", next(7, MSG_DONTWAIT));
		quick("nothing in it", 1), must(send(s[0], b, 0, 0)), must(send(s[1], b, 0, 0)), must(send(s[1], b, 1, 0)), whole("empty", next(100, 0)), whole("no room", next(0, 0)), whole("one", next(1, 0));
		quick("what is there", 4);
		int n = -1;
		struct pollfd p = {r, POLLIN};
		show(ioctl(r, FIONREAD, &n)), fact("%d bytes", n), whole("next", next(100, 0)), show(ioctl(r, FIONREAD, &n)), fact("%d bytes", n), show(poll(&p, 1, 0)), whole("next", next(100, 0)), whole("last", next(100, 0)), show(poll(&p, 1, 0));
		quick("others", 8), fact("another thread %ld", elsewhere()), whole("next", next(100, 0)), fact("another thread %ld", elsewhere());
		pid_t child = fork();
		if (!child)
			_exit(recv(r, b, 100, 0));
		int status, d = must(dup(r));
		must(waitpid(child, &status, 0)), fact("another process %d", WEXITSTATUS(status)), show(recv(d, b, 100, 0)), whole("next", next(100, 0));
		must(set(r, SOL_SOCKET, SO_PEEK_OFF, 2)), whole("peek", next(100, MSG_PEEK)), whole("last", next(100, 0)), must(set(r, SOL_SOCKET, SO_PEEK_OFF, -1));
		spare = must(open("/dev/null", O_RDWR)), quick("replaced", 4), must(dup2(spare, r)), whole("no socket", next(100, 0)), must(dup2(d, r)), whole("again", next(100, 0)), must(close(d));
		quick("ended", 4), must(connect(r, (void *)&(struct sockaddr){AF_UNSPEC}, sizeof(struct sockaddr))), whole("next", next(100, 0)), shutdown(r, SHUT_RD), whole("after shutdown", next(100, 0)), must(close(r)), whole("closed", next(100, 0));
		must(close(s[0])), must(close(s[1])), must(close(spare));
	}
	return 0;
}
