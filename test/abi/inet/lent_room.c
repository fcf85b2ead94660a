// A server writes to a client who is gone: the first byte is answered by a reset, and the next write says so, however quickly it
// follows. The same when the client has reset the connection, or has only ended its side.
#include "net.h"

static int l, s, c;
static char b[64];

// writes shows what comes of a few bytes.
static void writes(const char *what) {
	int r[6];
	for (int i = 0; i < 6; i++)
		r[i] = send(s, "x", 1, MSG_NOSIGNAL) < 0 ? errno : 0;
	fact("%s: %s %s %s %s %s %s", what, ename(r[0]), ename(r[1]), ename(r[2]), ename(r[3]), ename(r[4]), ename(r[5]));
	must(close(s));
}

static void *gone(void *how) {
	struct linger none = {1, 0};
	if (how == (void *)2)
		must(shutdown(c, SHUT_WR));
	else
		must(how ? setsockopt(c, SOL_SOCKET, SO_LINGER, &none, sizeof none) : 0), must(close(c));
	return 0;
}

int main(void) {
	const char *names[] = {"the client closes", "resets", "ends its side"};
	l = listener(4);
	struct sockaddr_in a = in4(LO, port(l));
	for (int i = 0; i < 30; i++) { // until whoever answers calls has become quick
		c = must(socket(AF_INET, SOCK_STREAM, 0));
		must(connect(c, SA(a))), must(write(c, "get", 3));
		s = must(accept(l, 0, 0)); // with what has come already
		must(recv(s, b, sizeof b, 0));
		pthread_t t;
		pthread_create(&t, 0, gone, (void *)(i % 3L)), pthread_join(t, 0);
		writes(names[i % 3]);
		if (i % 3 == 2)
			fact("%d bytes come", (int)recv(c, b, sizeof b, MSG_WAITALL)), must(close(c));
	}
	return 0;
}
