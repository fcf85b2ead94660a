// Named pipes: what open waits for, O_NONBLOCK, O_RDWR, reopening, poll before and after a writer.
#include "../oracle.h"
#include <poll.h>
static int events(int fd) {
	struct pollfd p = {fd, POLLIN | POLLOUT};
	poll(&p, 1, 0);
	return p.revents;
}

int main(void) {
	char c, buf[16];
	signal(SIGPIPE, SIG_IGN);
	show(mkfifo("f", 0640));
	show(mkfifo("f", 0640));
	struct stat st;
	must(stat("f", &st));
	fact("mode %o size %ld", st.st_mode, (long)st.st_size);
	show(open("f", O_WRONLY | O_NONBLOCK));
	int r = must(open("f", O_RDONLY | O_NONBLOCK));
	show(read(r, &c, 1)); // no writer: end of file
	fact("before a writer: %#x", events(r)); // no POLLHUP yet
	int w = must(open("f", O_WRONLY | O_NONBLOCK));
	show(read(r, &c, 1));
	must(write(w, "xyz", 3));
	fact("with data: %#x", events(r));
	must(close(w));
	fact("writer gone: %#x", events(r));
	show(read(r, buf, 16));
	fact("then: %#x", events(r));
	show(read(r, buf, 16));
	w = must(open("f", O_WRONLY));
	fact("new writer: %#x", events(r));
	must(write(w, "left", 4));
	must(close(r));
	fact("reader gone: %#x", events(w));
	show(write(w, "x", 1));
	must(close(w));
	int rw = must(open("f", O_RDWR)); // never waits
	fact("data is gone with both ends: %#x", events(rw));
	must(write(rw, "self", 4));
	show(read(rw, buf, 16));
	must(close(rw));
	struct gate g = gate_new();
	pid_t pid = spawn(gate_open(g); int fd = open("f", O_RDONLY); char b[8]; ssize_t n; while ((n = read(fd, b, 8)) > 0) fact("child reads %zd", n); fact("end %zd", n));
	gate_pass(g);
	asleep(pid);
	w = must(open("f", O_WRONLY)); // both opens end
	asleep(pid);
	must(write(w, "one", 3));
	must(close(w));
	quiet(pid);
	pid = spawn(gate_open(g); int fd = open("f", O_WRONLY); must(write(fd, "two", 3)));
	gate_pass(g);
	asleep(pid);
	r = must(open("f", O_RDONLY));
	show(read(r, buf, 16));
	quiet(pid);
	show(lseek(r, 0, SEEK_SET));
	must(unlink("f"));
	show(open("f", O_RDONLY | O_NONBLOCK));
	must(fstat(r, &st));
	show(st.st_nlink);
	show(truncate("/proc/self/fd/0/none", 0));
	must(mkfifo("g", 0600));
	show(truncate("g", 0));
	show(open("g", O_RDONLY | O_DIRECTORY));
	ok(open("g", O_PATH));
	return 0;
}
