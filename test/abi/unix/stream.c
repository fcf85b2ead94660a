// Unix stream sockets: bind, listen, connect, accept, names, errors on the way.
#include "../oracle.h"
#include <sys/socket.h>
#include <sys/un.h>
static socklen_t len;
static struct sockaddr_un at(const char *path) {
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	strcpy(a.sun_path, path);
	len = offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1;
	return a;
}
#define SA(a) (struct sockaddr *)&(a), sizeof(a)

int main(void) {
	int s = must(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)), c = must(socket(AF_UNIX, SOCK_STREAM, 0));
	struct sockaddr_un a = at("sock"), b;
	show(connect(c, SA(a)));
	show(listen(s, 1)); // not bound
	show(bind(s, SA(a)));
	show(bind(s, SA(a)));
	show(bind(c, SA(a)));
	show(connect(c, SA(a))); // nobody listens
	show(accept(s, NULL, NULL));
	show(listen(s, 5));
	struct stat st;
	must(stat("sock", &st));
	fact("mode %o", st.st_mode);
	show(open("sock", O_RDWR));
	show(connect(c, SA(a)));
	show(connect(c, SA(a)));
	socklen_t n = sizeof b;
	int d = must(accept4(s, (struct sockaddr *)&b, &n, SOCK_CLOEXEC | SOCK_NONBLOCK));
	fact("client's name: length %d; flags %d %#x", n, fcntl(d, F_GETFD), fcntl(d, F_GETFL) & O_NONBLOCK);
	n = sizeof b, memset(&b, 0x5a, sizeof b);
	show(getsockname(s, (struct sockaddr *)&b, &n));
	fact("length %d %s", n, b.sun_path);
	n = sizeof b;
	show(getpeername(c, (struct sockaddr *)&b, &n));
	fact("length %d %s", n, b.sun_path);
	n = 4;
	show(getsockname(s, (struct sockaddr *)&b, &n)); // cut, the true length told
	show(n);
	show(getpeername(s, (struct sockaddr *)&b, &n));
	show(write(c, "hello", 5));
	char buf[16] = {0};
	show(read(d, buf, 16));
	show(read(d, buf, 16));
	show(listen(c, 1));
	show(accept(c, NULL, NULL));
	must(unlink("sock"));
	int e = must(socket(AF_UNIX, SOCK_STREAM, 0));
	show(connect(e, SA(a)));
	show(write(e, "x", 1));
	show(read(e, buf, 1));
	make("file", "");
	a = at("file");
	show(connect(e, SA(a)));
	show(bind(e, SA(a)));
	a = at("nodir/x");
	show(bind(e, SA(a)));
	show(bind(e, (struct sockaddr *)&a, 1));
	show(bind(e, (struct sockaddr *)&a, 200));
	a.sun_family = AF_INET;
	show(bind(e, SA(a)));
	int dg = must(socket(AF_UNIX, SOCK_DGRAM, 0));
	a = at("dgram");
	must(bind(dg, SA(a)));
	show(connect(e, SA(a))); // another type
	show(socket(AF_UNIX, 99, 0));
	show(socket(AF_UNIX, SOCK_STREAM, 5));
	show(socket(AF_UNIX, SOCK_STREAM, AF_UNIX) >= 0);
	show(socket(99, SOCK_STREAM, 0));
	must(fchmod(s, 0700));
	close(s); // connections live on
	show(write(d, "still", 5));
	show(read(c, buf, 16));
	return 0;
}
