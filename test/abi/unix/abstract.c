// Abstract names, autobind, names with zero bytes, names freed at close, per network namespace.
#include "../oracle.h"
#include <sys/socket.h>
#include <sys/un.h>
static struct sockaddr_un a = {.sun_family = AF_UNIX};
static socklen_t name(const char *s, int n) {
	memset(a.sun_path, 0, sizeof a.sun_path);
	memcpy(a.sun_path + 1, s, n);
	return offsetof(struct sockaddr_un, sun_path) + 1 + n;
}

int main(void) {
	int s = must(socket(AF_UNIX, SOCK_STREAM, 0)), t = must(socket(AF_UNIX, SOCK_STREAM, 0));
	socklen_t n = name("hello", 5);
	show(bind(s, (struct sockaddr *)&a, n));
	show(bind(t, (struct sockaddr *)&a, n));
	must(listen(s, 1));
	show(connect(t, (struct sockaddr *)&a, n + 1)); // a zero byte more: another name
	show(connect(t, (struct sockaddr *)&a, n));
	struct sockaddr_un b;
	socklen_t k = sizeof b;
	must(getpeername(t, (struct sockaddr *)&b, &k));
	fact("length %d: %d %.5s", k, b.sun_path[0], b.sun_path + 1);
	quiet(spawn(must(unshare(CLONE_NEWNET)); int u = socket(AF_UNIX, SOCK_STREAM, 0); n = name("hello", 5); show(connect(u, (struct sockaddr *)&a, n)); show(bind(u, (struct sockaddr *)&a, n))));
	close(s);
	int u = must(socket(AF_UNIX, SOCK_STREAM, 0));
	show(connect(u, (struct sockaddr *)&a, n));
	show(bind(u, (struct sockaddr *)&a, n)); // free again
	int v = must(socket(AF_UNIX, SOCK_DGRAM, 0));
	show(bind(v, (struct sockaddr *)&a, n)); // per type
	int w = must(socket(AF_UNIX, SOCK_DGRAM, 0));
	show(bind(w, (struct sockaddr *)&a, sizeof(sa_family_t))); // autobind
	k = sizeof b;
	must(getsockname(w, (struct sockaddr *)&b, &k));
	int hex = 1;
	for (int i = 1; i < 6; i++)
		hex &= strchr("0123456789abcdef", b.sun_path[i]) != NULL;
	fact("autobind: length %d, five hex digits %d", k, hex && b.sun_path[0] == 0);
	n = name("a\0b", 3);
	int x = must(socket(AF_UNIX, SOCK_STREAM, 0)), y = must(socket(AF_UNIX, SOCK_STREAM, 0));
	show(bind(x, (struct sockaddr *)&a, n));
	n = name("a\0c", 3);
	show(bind(y, (struct sockaddr *)&a, n));
	n = name("", 107);
	int z = must(socket(AF_UNIX, SOCK_STREAM, 0));
	show(bind(z, (struct sockaddr *)&a, n));
	quiet(spawn(must(setuid(1000)); int q = socket(AF_UNIX, SOCK_STREAM, 0); must(listen(x, 1)); n = name("a\0b", 3); show(connect(q, (struct sockaddr *)&a, n)))); // no permissions here
	return 0;
}
