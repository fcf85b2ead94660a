// sendfile(2) to a pipe: it is filled once, and what comes from a socket is taken once.
#include "../oracle.h"
#include <sys/sendfile.h>
#include <sys/socket.h>
int main(void) {
	int p[2], s[2], fd = must(open("/tmp/sendfile_pipe", O_CREAT | O_TRUNC | O_RDWR, 0600));
	static char b[300000];
	must(write(fd, b, 300000));
	must(pipe(p)), must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	off_t off = 0;
	show(sendfile(p[1], fd, &off, 300000)); show(off);
	fcntl(p[1], F_SETFL, O_NONBLOCK);
	show(sendfile(p[1], fd, &off, 300000));
	show(read(p[0], b, 10000));
	show(sendfile(p[1], fd, &off, 300000));
	show(read(p[0], b, 100000));
	show(fcntl(p[1], F_SETPIPE_SZ, 262144));
	show(sendfile(p[1], fd, &off, 200000)); show(off);
	show(read(p[0], b, 300000));
	show(write(s[1], b, 5000)); show(write(s[1], b, 5000));
	show(sendfile(p[1], s[0], NULL, 100000));
	show(sendfile(p[1], s[0], NULL, 100000) >0 );
	show(read(p[0], b, 300000));
	fcntl(s[0], F_SETFL, O_NONBLOCK);
	show(sendfile(p[1], s[0], NULL, 100000));
	signal(SIGPIPE, SIG_IGN); close(p[0]);
	show(sendfile(p[1], fd, &off, 10));
	return 0;
}
