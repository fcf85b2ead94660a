// A server that sends a short file for each request, and learns by shared memory alone, without a call, that another process has changed what
// the name leads to: it opens what is there now.
#include "net.h"
#include <sys/sendfile.h>

static int l, ep, c, s, f;
static char b[8192], name[] = "/tmp/lent_changes.XXXXXX", other[64];
static volatile int *turn;

static void fill(const char *path, const char *what) {
	int w = must(open(path, O_WRONLY | O_TRUNC | O_CREAT, 0600));
	must(write(w, what, strlen(what))), must(close(w));
}
// rounds answers requests until whoever answers calls may have become quick, and ends when the file was closed.
static void rounds(void) {
	struct epoll_event got[4];
	for (int i = 0; i < 60; i++) {
		must(write(c, "get", 3));
		if (epoll_wait(ep, got, 4, 10000) != 1 || read(s, b, 100) != 3)
			fact("not told");
		off_t o = 0;
		f = must(open(name, O_RDONLY));
		must(write(s, "head", 4)), must(sendfile(s, f, &o, 100)), must(close(f)), must(recv(c, b, sizeof b, 0));
	}
	must(write(c, "get", 3));
	if (epoll_wait(ep, got, 4, 10000) != 1 || read(s, b, 100) != 3)
		fact("not told");
	f = must(open(name, O_RDONLY)), must(close(f));
}
// changed lets the other process make its next change, and shows what the name leads to then.
static void changed(const char *what) {
	struct stat st = {0};
	off_t o = 0;
	rounds();
	int now = ++*turn;
	while (*turn == now)
		;
	int g = open(name, O_RDONLY);
	ssize_t n = 0;
	memset(b, 0, 100);
	if (g >= 0 && !fstat(g, &st) && (n = sendfile(s, g, &o, 100)) > 0)
		must(recv(c, b, n, MSG_WAITALL));
	fact("%s: %s, mode %o, size %d, sent %zd \"%s\"", what, g < 0 ? ename(errno) : "open", st.st_mode & 07777, (int)st.st_size, n, b);
	if (g >= 0)
		close(g);
}
static void comes(int n) {
	while (*turn != n)
		usleep(10);
}

int main(void) {
	struct epoll_event e = {EPOLLIN};
	turn = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	close(must(mkstemp(name))), fill(name, "first"), snprintf(other, sizeof other, "%s.new", name), fill(other, "second");
	l = listener(5), ep = must(epoll_create1(0)), conn(l, &c, &s), must(set(s, IPPROTO_TCP, TCP_NODELAY, 1)), must(set(c, IPPROTO_TCP, TCP_NODELAY, 1)), must(epoll_ctl(ep, EPOLL_CTL_ADD, s, &e));
	pid_t p = spawn(
		comes(1); must(rename(other, name)); ++*turn; //
		comes(3); fill(name, "the third"); ++*turn; //
		comes(5); must(chmod(name, 0640)); ++*turn; //
		comes(7); must(truncate(name, 4)); ++*turn; //
		comes(9); must(unlink(name)); ++*turn);
	changed("renamed"), changed("filled"), changed("chmod"), changed("truncated"), changed("unlinked");
	must(waitpid(p, NULL, 0));
	return 0;
}
