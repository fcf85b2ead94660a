// A server that opens a short file and sends it for each request, after so many rounds that whoever answers for it may have become
// quick: offsets, lengths, and what others do with the file in between.
#include "net.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/sendfile.h>

static int l, ep, c, s, f;
static char b[8192], name[] = "/tmp/epoll_sends.XXXXXX";

static void opened(void) {
	struct epoll_event got[4];
	must(write(c, "get", 3));
	if (epoll_wait(ep, got, 4, 10000) != 1 || read(s, b, 100) != 3)
		fact("not told");
	f = must(open(name, O_RDONLY));
}
// sent sends from an offset, and shows where that is then, what has come of it and where the file stands.
static void sent(const char *what, off_t o, size_t n) {
	ssize_t r = sendfile(s, f, &o, n);
	int e = errno;
	memset(b, 0, 100);
	if (r > 0)
		must(recv(c, b, r, MSG_WAITALL));
	fact("%s: %zd %s, at %d, \"%.20s\", file at %d", what, r, r < 0 ? ename(e) : "", (int)o, b, (int)lseek(f, 0, SEEK_CUR));
}
static void rounds(void) {
	for (int i = 0; i < 60; i++) {
		off_t o = 0;
		opened();
		if (write(s, "head", 4) != 4 || sendfile(s, f, &o, 11) != 11 || o != 11 || close(f) || recv(c, b, 15, MSG_WAITALL) != 15 || memcmp(b, "headhello world", 15))
			fact("round %d", i);
	}
	opened();
}
static void fill(const char *what) {
	int w = must(open(name, O_WRONLY | O_TRUNC));
	must(write(w, what, strlen(what))), must(close(w));
}

int main(void) {
	struct epoll_event e = {EPOLLIN};
	close(must(mkstemp(name))), fill("hello world");
	l = listener(5), ep = must(epoll_create1(0)), conn(l, &c, &s), must(set(s, IPPROTO_TCP, TCP_NODELAY, 1)), must(set(c, IPPROTO_TCP, TCP_NODELAY, 1)), must(epoll_ctl(ep, EPOLL_CTL_ADD, s, &e));
	rounds(), sent("all", 0, 11), sent("again", 0, 11), must(close(f));
	rounds(), sent("more than there is", 0, 100), sent("behind", 11, 1), must(close(f));
	rounds(), sent("the middle", 2, 5), sent("the rest", 7, 5), must(close(f));
	rounds(), sent("the end", 10, 5), must(close(f));
	rounds(), sent("behind", 12, 5), must(close(f));
	rounds(), sent("before", -1, 5), must(close(f));
	rounds(), sent("nothing", 3, 0), must(close(f));
	rounds(), sent("very much", 6, SIZE_MAX), sent("much", 6, 1ul << 40), must(close(f));
	rounds(), show(sendfile(s, f, NULL, 5)), show(recv(c, b, 5, MSG_WAITALL)), sent("after the position", 1, 3), must(close(f));
	rounds(), show(sendfile(s, f, (void *)8, 5)), show(recv(c, b, 5, MSG_DONTWAIT)), must(close(f));
	off_t *ro = mmap(0, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	rounds(), show(sendfile(s, f, ro, 5)), show(recv(c, b, 5, MSG_WAITALL)), must(close(f));
	rounds(), show(read(f, b, 5)), sent("after a read", 0, 11), show(read(f, b, 100)), show(read(f, b, 100)), must(close(f));
	rounds(), show(sendfile(c, f, &(off_t){0}, 5)), show(recv(s, b, 5, MSG_WAITALL)), show(sendfile(s, s, &(off_t){0}, 5)), must(close(f));
	rounds(), show(close(f)), show(sendfile(s, f, &(off_t){0}, 5)), show(recv(f, b, 5, 0)), opened(), show(recv(f, b, 5, 0)), show(recv(f, b, 5, MSG_DONTWAIT)), must(close(f));
	rounds(), fill("changed"), sent("changed", 0, 11), must(close(f));
	opened(), sent("opened then", 0, 11), must(close(f)), fill("hello world");
	rounds();
	if (!fork())
		_exit((fill("by another"), 0));
	must(wait(NULL)), sent("changed by another", 0, 11), must(close(f)), fill(""), opened(), sent("empty", 0, 11), must(close(f)), fill("hello world");
	rounds(), must(close(f));
	int d = f, g;
	f = must(open(name, O_RDONLY)), show(f == d), sent("opened again", 0, 11), show(read(f, b, 5)), must(close(f)), f = must(open(name, O_RDONLY)), show(f == d), sent("and again", 3, 11), g = must(open(name, O_RDONLY)), show(g == f), must(close(g)), must(close(f));
	rounds(), must(close(f)), f = open(name, O_RDONLY | O_CREAT | O_EXCL, 0600), show(f), f = must(open(name, O_RDONLY | O_CLOEXEC)), show(fcntl(f, F_GETFD)), must(close(f)), f = must(open(name, O_RDONLY)), show(fcntl(f, F_GETFD)), must(close(f)), f = must(open(name, O_RDONLY)), show(fcntl(f, F_GETFD)), must(close(f));
	char other[64], *copy = strcpy(other, name);
	rounds(), must(close(f)), f = must(open(copy, O_RDONLY)), sent("by a copy of the name", 0, 11), must(close(f)), copy[strlen(copy) - 1] ^= 1, show(open(copy, O_RDONLY)), must(rename(name, copy)), show(open(name, O_RDONLY)), must(rename(copy, name));
	rounds(), must(close(f)), f = must(open(name, O_RDONLY)), must(close(f)), fill("filled anew"), f = must(open(name, O_RDONLY)), sent("filled", 0, 11), must(close(f)), f = must(open(name, O_RDONLY)), g = must(open(name, O_WRONLY)), must(write(g, "HELLO", 5)), must(close(f)), f = must(open(name, O_RDONLY)), sent("with a writer", 0, 11), must(close(g)), must(close(f)), fill("hello world");
	rounds(), must(unlink(name)), sent("unlinked", 0, 11), must(close(f)), close(must(open(name, O_CREAT | O_WRONLY, 0600))), fill("hello world");
	if (!fork()) { // a filter that looks at the call
		struct sock_filter all[] = {{0x20, 0, 0, 0}, {0x15, 0, 3, SYS_sendfile}, {0x20, 0, 0, 40}, {0x15, 0, 1, 5}, {0x06, 0, 0, SECCOMP_RET_ERRNO | EDOM}, {0x06, 0, 0, SECCOMP_RET_ALLOW}};
		must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)), must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &(struct sock_fprog){6, all})), rounds(), sent("filtered", 0, 5), must(close(f)), _exit(0);
	}
	must(wait(NULL)), rounds(), must(shutdown(s, SHUT_WR)), signal(SIGPIPE, SIG_IGN), sent("shut", 0, 11), must(close(f));
	must(unlink(name));
	return 0;
}
