// A server that takes a connection, reads, answers and closes, so often that whoever answers for it may have become quick: what
// else it does with the connection, and what others do, counts all the same.
#include "net.h"

static int l, c, s;
static char b[200], *volatile none;

static void ask(const char *what) {
	struct sockaddr_in a = in4(LO, port(l));
	c = must(socket(AF_INET, SOCK_STREAM, 0)), must(connect(c, SA(a))), must(write(c, what, strlen(what)));
}
// answered is what the client reads until the end.
static void answered(const char *what) {
	int n = 0, r;
	while ((r = read(c, b + n, sizeof b - n)) > 0)
		n += r;
	fact("%s: %.*s %s", what, n, b, r ? ename(errno) : "and the end"), must(close(c));
}
static void *reader(void *p) { return (void *)(intptr_t)read(*(int *)p, b + 100, 10); }
// rounds are those that are as usual.
static void rounds(int n) {
	for (int i = 0; i < n; i++) {
		ask("hello"), s = must(accept(l, NULL, NULL));
		if (read(s, b, 100) != 5 || write(s, b, 5) != 5 || close(s) || read(c, b, 100) != 5 || read(c, b, 100) != 0 || close(c))
			fact("round %d", i);
	}
}
#define NEXT(what) rounds(4), ask(what), s = must(accept(l, NULL, NULL))

int main(void) {
	signal(SIGPIPE, SIG_IGN), l = listener(5), rounds(40);
	NEXT("one"), show(read(s, b, 1)), show(write(s, "1", 1)), show(read(s, b, 100)), show(write(s, "2", 1)), show(write(s, "3", 1)), must(close(s)), answered("three writes");
	NEXT("two"), show(read(s, b, 1)), show(write(s, "yes", 3)), must(close(s)), answered("closed with something unread");
	NEXT("three"), show(read(s, b, 100)), show(write(s, "yes", 3)), must(shutdown(s, SHUT_WR)), show(write(s, "no", 2)), answered("shut"), show(read(s, b, 100)), must(close(s));
	NEXT("four"), show(read(s, b, 100)), show(write(s, "yes", 3)), must(shutdown(s, SHUT_RD)), show(write(s, "no", 2)), must(close(s)), answered("shut for reading");
	NEXT("five"), show(read(s, b, 100)), show(write(s, none, 3)), show(write(s, "yes", 3)), show(send(s, "!", 1, MSG_OOB)), must(close(s)), answered("urgent");
	NEXT("six"), show(read(s, none, 100)), show(read(s, b, 100));
	int d = must(dup(s));
	show(write(s, "yes", 3)), must(close(s)), show(recv(c, b, 3, MSG_WAITALL)), show(write(d, "more", 4)), must(close(d)), answered("a copy");
	NEXT("seven"), show(read(s, b, 100)), show(write(s, "A", 1)), must(dup2(1, s)), answered("replaced"), must(close(s));
	NEXT("eight"), show(read(s, b, 100)), must(set(s, SOL_TCP, TCP_CORK, 1)), show(write(s, "A", 1)), show(write(s, "B", 1)), must(close(s)), answered("corked");
	NEXT("nine"), show(read(s, b, 100)), must(setsockopt(s, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, 8)), show(write(s, "A", 1)), show(recv(c, b, 1, MSG_WAITALL)), must(close(s)), answered("no linger");
	NEXT("ten"), show(read(s, b, 100)), must(setsockopt(s, SOL_SOCKET, SO_LINGER, &(struct linger){1, 5}, 8)), show(write(s, "A", 1)), must(close(s)), answered("linger");
	pthread_t t;
	void *got;
	NEXT("eleven"), pthread_create(&t, NULL, reader, &s), pthread_join(t, &got), fact("another thread: %ld", (long)got), show(write(s, "A", 1)), must(close(s)), answered("its answer");
	NEXT("twelve"), show(read(s, b, 100)), must(close(c));
	for (int n = 0; n < 1000 && write(s, "A", 1) == 1; n++)
		poll(&(struct pollfd){s, 0}, 1, 10);
	fact("nobody there: %s", ename(errno)), must(close(s));
	// What is written arrives although no call follows, and when the process ends.
	_Atomic int *flag = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	NEXT("thirteen");
	pid_t p = must(fork());
	if (!p)
		_exit((recv(c, b, 3, MSG_WAITALL), *flag = 1) - 1);
	read(s, b, 100), write(s, "abc", 3);
	while (!*flag)
		;
	must(waitpid(p, NULL, 0)), must(close(s)), must(close(c)), fact("arrives");
	ask("bye");
	if (!(p = must(fork())))
		_exit((close(c), s = accept(l, NULL, NULL), read(s, b, 100), write(s, "last", 4)) - 4);
	answered("at the end"), must(waitpid(p, NULL, 0));
	return 0;
}
