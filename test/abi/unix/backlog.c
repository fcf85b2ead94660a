// listen's backlog: connect blocks or EAGAIN, closing the listener resets those that wait, permissions to connect.
#include "../oracle.h"
#include <sys/socket.h>
#include <sys/un.h>
static struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "s"};
static int try(int flags) {
	int c = must(socket(AF_UNIX, SOCK_STREAM | flags, 0));
	if (connect(c, (struct sockaddr *)&a, sizeof a) == 0)
		return c;
	int e = errno;
	close(c);
	errno = e;
	return -1;
}

int main(void) {
	int s = must(socket(AF_UNIX, SOCK_STREAM, 0)), c[8];
	must(bind(s, (struct sockaddr *)&a, sizeof a));
	must(listen(s, 2));
	for (int i = 0; i < 5; i++)
		fact("connect %d: %s", i, (c[i] = try(SOCK_NONBLOCK)) < 0 ? ename(errno) : "ok");
	struct gate g = gate_new();
	pid_t pid = spawn(gate_open(g); fact("blocking connect: %s", try(0) < 0 ? ename(errno) : "ok"));
	gate_pass(g);
	asleep(pid);
	int d = must(accept(s, NULL, NULL)); // makes room
	quiet(pid);
	char b;
	must(write(c[0], "1", 1));
	show(read(d, &b, 1)); // the first that came
	must(write(c[1], "2", 1)); // not accepted yet: kept
	close(c[1]);
	d = must(accept(s, NULL, NULL));
	show(read(d, &b, 1));
	show(read(d, &b, 1));
	close(s);
	show(read(c[2], &b, 1)); // still in the queue
	signal(SIGPIPE, SIG_IGN);
	show(write(c[2], "x", 1));
	fact("no listener: %s", try(0) < 0 ? ename(errno) : "ok");
	must(unlink("s"));
	s = must(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
	must(bind(s, (struct sockaddr *)&a, sizeof a));
	must(listen(s, 0));
	show(accept(s, NULL, NULL));
	must(chmod("s", 0700));
	quiet(spawn(must(setuid(1000)); fact("not allowed: %s", try(0) < 0 ? ename(errno) : "ok")));
	must(chmod("s", 0702));
	quiet(spawn(must(setuid(1000)); fact("write permission: %s", try(0) < 0 ? ename(errno) : "ok")));
	int v;
	socklen_t n = sizeof v;
	must(getsockopt(s, SOL_SOCKET, SO_ACCEPTCONN, &v, &n));
	show(v);
	show(shutdown(s, SHUT_RDWR));
	show(accept(s, NULL, NULL));
	fact("listener shut down: %s", try(0) < 0 ? ename(errno) : "ok");
	return 0;
}
