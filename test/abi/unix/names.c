// Names of unix sockets: getsockname and getpeername in all states, lengths given and told, names that are too long, paths of 108 bytes, names of senders.
#include "../oracle.h"
#include <sys/socket.h>
#include <sys/un.h>
static void both(const char *what, int s) {
	struct sockaddr_un a;
	for (int peer = 0; peer < 2; peer++) {
		socklen_t n = sizeof a;
		memset(&a, 0, sizeof a);
		int e = err(peer ? getpeername(s, (void *)&a, &n) : getsockname(s, (void *)&a, &n));
		fact("%s, %s: %s, family %d, %u bytes, \"%s%s\"", what, peer ? "peer" : "own", ename(e), e ? 0 : a.sun_family, e ? 0 : n, e || n < 4 || a.sun_path[0] ? "" : "@", e || n < 4 ? "" : a.sun_path[0] ? a.sun_path : a.sun_path + 1);
	}
}
static struct sockaddr_un un(const char *path) { struct sockaddr_un a = {AF_UNIX}; strncpy(a.sun_path, path, 108); return a; }
#define LEN(path) (offsetof(struct sockaddr_un, sun_path) + strlen(path))

int main(void) {
	signal(SIGPIPE, SIG_IGN);
	for (int type = SOCK_STREAM; type <= SOCK_SEQPACKET; type++) {
		if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET) continue;
		fact("type %d", type), unlink("here");
		int l = must(socket(AF_UNIX, type, 0)), c = must(socket(AF_UNIX, type, 0)), p[2];
		struct sockaddr_un a = un("here"), from;
		socklen_t n = sizeof from;
		char b[8];
		both("new", l), must(bind(l, (void *)&a, LEN("here") + 1)), both("bound", l), show(bind(l, (void *)&a, LEN("here") + 1));
		if (type != SOCK_DGRAM) must(listen(l, 3)), both("listening", l);
		must(connect(c, (void *)&a, LEN("here"))), both("connected", c), must(write(c, "x", 1));
		int d = type == SOCK_DGRAM ? l : must(accept(l, (void *)&from, &n));
		if (type != SOCK_DGRAM) fact("accept tells %u bytes", n), both("accepted", d);
		n = sizeof from, show(recvfrom(d, b, 8, 0, (void *)&from, &n)), fact("its sender has %u bytes", n);
		a = un("client"), unlink("client"), show(bind(c, (void *)&a, LEN("client") + 1)), both("bound when connected", c), both("the other end", d), must(write(c, "x", 1)), n = sizeof from, show(recvfrom(d, b, 8, MSG_PEEK, (void *)&from, &n)), fact("sender %u bytes", n), n = 4, show(recvfrom(d, b, 8, 0, (void *)&from, &n)), fact("told %u bytes for room 4", n);
		must(unlink("client")), both("name unlinked", c), must(close(d)), both("peer closed", c), close(c), close(l);
		must(socketpair(AF_UNIX, type, 0, p)), both("a pair", p[0]), must(bind(p[1], &(struct sockaddr){AF_UNIX}, 2)), n = sizeof from, must(getpeername(p[0], (void *)&from, &n)), fact("autobound peer: %u bytes, @%zu", n, strlen(from.sun_path + 1)), close(p[0]), close(p[1]);
	}
	char path[200];
	memset(path, 'p', sizeof path), path[107] = 0;
	struct sockaddr_un a = un(path);
	int s = must(socket(AF_UNIX, SOCK_STREAM, 0)), t;
	show(bind(s, (void *)&a, sizeof a)), both("107 bytes", s), memset(a.sun_path, 'q', 108), s = must(socket(AF_UNIX, SOCK_STREAM, 0)), show(bind(s, (void *)&a, sizeof a));
	socklen_t n = 0;
	must(getsockname(s, NULL, &n)), fact("108 bytes without an end: told %u", n);
	struct stat st;
	memset(path, 'q', 108), path[108] = 0, show(stat(path, &st)), fact("a socket: %d", S_ISSOCK(st.st_mode));
	s = must(socket(AF_UNIX, SOCK_STREAM, 0)), show(bind(s, (void *)&a, 111)), show(bind(s, (void *)&a, 1)), show(bind(s, (void *)&a, 0)), a.sun_family = AF_INET, show(bind(s, (void *)&a, 20)), show(connect(s, (void *)&a, 20)), a = un(""), show(connect(s, (void *)&a, 2)), show(connect(s, (void *)&a, 3)), a = un("not/here"), show(bind(s, (void *)&a, sizeof a)), show(connect(s, (void *)&a, sizeof a));
	make("file", "x"), a = un("file"), show(bind(s, (void *)&a, sizeof a)), show(connect(s, (void *)&a, sizeof a)), must(mkdir("dir", 0755)), a = un("dir"), show(connect(s, (void *)&a, sizeof a)), a = un("dir/"), show(bind(s, (void *)&a, sizeof a)), must(symlink("nowhere", "link")), a = un("link"), show(bind(s, (void *)&a, sizeof a)), show(connect(s, (void *)&a, sizeof a));
	umask(027), a = un("masked"), show(bind(s, (void *)&a, sizeof a)), must(stat("masked", &st)), fact("mode %o", st.st_mode & 07777), must(fchmod(s, 0600)), must(stat("masked", &st)), fact("mode after fchmod of the socket %o", st.st_mode & 07777), must(listen(s, 1)), must(rename("masked", "moved")), a = un("moved"), t = must(socket(AF_UNIX, SOCK_STREAM, 0)), show(connect(t, (void *)&a, sizeof a)), both("by its new name", t), must(link("moved", "hard")), a = un("hard"), t = must(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)), show(connect(t, (void *)&a, sizeof a)), ok(open("hard", O_RDONLY)), must(close(s)), show(connect(must(socket(AF_UNIX, SOCK_STREAM, 0)), (void *)&a, sizeof a));
	a = un("moved"), t = must(socket(AF_UNIX, SOCK_DGRAM, 0)), show(connect(t, (void *)&a, sizeof a)), show(sendto(t, "x", 1, 0, (void *)&a, sizeof a));
	return 0;
}
