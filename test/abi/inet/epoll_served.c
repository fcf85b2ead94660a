// A server that epoll_wait(2) tells what has come, after so many rounds that whoever answers for it may have become quick:
// what others do with its sockets between epoll_wait(2) and its own calls counts all the same.
#include "net.h"

static int l, ep, c, s, spare;
static char b[8192], *volatile none;
static struct epoll_event got[4];
static _Atomic int turn;
static int (*other)(void);

static void pairs(void) {
	struct epoll_event e = {EPOLLIN};
	conn(l, &c, &s), must(fcntl(s, F_SETFL, O_NONBLOCK)), must(epoll_ctl(ep, EPOLL_CTL_ADD, s, &e));
}
// come is what the client sends, and that the server is told of it.
static void come(const char *what) {
	must(write(c, what, strlen(what)));
	if (epoll_wait(ep, got, 4, 10000) != 1)
		fact("not told");
}
static int served(const char *what, size_t n) {
	come(what);
	int r = read(s, b, n);
	if (r > 0 && write(s, b, r) != r)
		fact("no room");
	return r;
}
static void *body(void *p) {
	while (turn != 1)
		;
	int r = other();
	fact("other: %d %s", r, r < 0 ? ename(errno) : "");
	turn = 2;
	return p;
}
// meanwhile has another thread do something, without a call of this one.
static void meanwhile(int (*f)(void)) { other = f, turn = 1; while (turn != 2); }
static int reads(void) { return read(s, b + 100, 100); }
static int peeks(void) { return recv(s, b + 100, 100, MSG_PEEK); }
static int writes(void) { return write(s, "B", 1); }
static int closes(void) { return close(s); }
static int shuts(void) { return shutdown(s, SHUT_WR); }
static int dups(void) { return dup2(spare, s) == s; }
static int inq(void) { int n = -1; return ioctl(s, FIONREAD, &n) ? -1 : n; }
static int polls(void) { struct pollfd p = {s, POLLIN}; return poll(&p, 1, 0); }

#define WITH(f, ...) do { pthread_t t; fact("-- %s", #f); turn = 0; pthread_create(&t, NULL, body, NULL); come("ping"); __VA_ARGS__; pthread_join(t, NULL); } while (0)

int main(void) {
	signal(SIGPIPE, SIG_IGN);
	l = listener(5), ep = must(epoll_create1(0)), pairs();
	for (int i = 0; i < 60; i++) {
		if (served("hello", 100) != 5 || read(c, b, 100) != 5 || (come("x"), recv(s, b, 100, 0)) != 1 || send(s, b, 1, MSG_NOSIGNAL) != 1 || recv(c, b, 10, 0) != 1)
			fact("round %d", i);
	}
	show(served("hello", 100)), show(read(s, b, 100)), show(read(c, b, 100));
	show(served("hello", 3)), show(read(s, b, 100)), show(read(c, b, 100));
	come("abc"), show(read(s, none, 100)), show(read(s, b, 0)), show(write(s, none, 5)), show(write(s, b, 0)), show(read(s, mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 100));
	come("abc"), show(recv(s, b, 1, MSG_PEEK)), show(recv(s, b, 100, MSG_DONTWAIT));
	come("abc"), show(write(s, "1", 1)), show(write(s, "2", 1)), show(write(s, "3", 1)), must(shutdown(s, SHUT_WR)), show(recv(c, b, 10, MSG_WAITALL)), show(read(c, b, 10)), show(write(s, "4", 1)), show(read(s, b, 10)), must(close(s)), must(close(c));
	pairs(), come("abc"), show(read(s, b, 10)), show(write(s, "bye", 3)), must(close(s)), show(recv(c, b, 10, MSG_WAITALL)), must(close(c));
	pairs(), come("abc");
	int d = must(dup(s));
	show(read(d, b, 10)), show(read(s, b, 10)), must(close(d)), come("abc");
	if (!fork())
		_exit(read(s, b, 10));
	int status;
	must(wait(&status)), show(WEXITSTATUS(status)), show(read(s, b, 10));
	WITH(reads, meanwhile(reads), show(read(s, b, 10)));
	WITH(reads after, show(read(s, b, 10)), meanwhile(reads));
	WITH(peeks, meanwhile(peeks), show(read(s, b, 10)));
	WITH(inq, meanwhile(inq), show(read(s, b, 10)));
	WITH(inq after, show(read(s, b, 10)), meanwhile(inq));
	WITH(polls, show(read(s, b, 10)), meanwhile(polls));
	WITH(writes, show(read(s, b, 10)), write(s, "A", 1), meanwhile(writes), write(s, "C", 1)); show(recv(c, b, 3, MSG_WAITALL)), fact("%.3s", b);
	WITH(shuts, read(s, b, 10), show(write(s, "A", 1)), meanwhile(shuts), show(write(s, "C", 1))); show(recv(c, b, 3, MSG_WAITALL)), must(close(s)), must(close(c));
	pairs(), spare = must(open("/dev/null", O_RDWR));
	int keep = must(dup(s));
	WITH(dups, meanwhile(dups), show(read(s, b, 10)), show(write(s, "A", 1))); must(close(s)), s = keep, show(read(s, b, 10));
	WITH(closes, show(write(s, "last", 4)), meanwhile(closes), show(read(s, b, 10)), show(write(s, "A", 1))); show(recv(c, b, 10, MSG_WAITALL)), must(close(c));
	// What is written arrives although no call follows.
	_Atomic int *flag = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pairs();
	for (int i = 0; i < 3; i++) {
		*flag = 0;
		come("abc");
		pid_t p = must(fork());
		if (!p)
			_exit((recv(c, b, 3, MSG_WAITALL), *flag = 1) - 1);
		come("d"), read(s, b, 100), write(s, "abc", 3);
		while (!*flag)
			;
		waitpid(p, NULL, 0);
	}
	fact("arrives");
	return 0;
}
