// open(2) of a nameless pipe through /proc/self/fd never waits for the other end (fs/pipe.c, fifo_open).
#include "../oracle.h"

int main(void) {
	int p[2], r, w;
	char path[64], b[8] = {0};
	must(pipe2(p, 0));
	must(write(p[1], "abc", 3));
	snprintf(path, sizeof path, "/proc/self/fd/%d", p[0]);
	must(close(p[1]));
	alarm(10);
	r = must(open(path, O_RDONLY)); // without a writer
	show(read(r, b, 7));
	show(read(r, b, 7));
	must(pipe2(p, 0));
	snprintf(path, sizeof path, "/proc/self/fd/%d", p[1]);
	must(close(p[0]));
	w = must(open(path, O_WRONLY)); // without a reader
	signal(SIGPIPE, SIG_IGN);
	show(write(w, "x", 1));
	w = open(path, O_WRONLY | O_NONBLOCK);
	fact("nonblocking %d", w >= 0);
	show(write(w, "x", 1));
	w = must(open(path, O_RDWR));
	show(write(w, "x", 1));
	show(read(w, b, 7));
	return 0;
}
