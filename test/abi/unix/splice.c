// sendfile and splice with stream sockets, blocking and not; readv and writev; sockets as standard files.
#include "../oracle.h"
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

int main(void) {
	int s[2], p[2], fd, n;
	static char big[300000], back[300000];
	for (int i = 0; i < 300000; i++)
		big[i] = i * 7 + i / 251;
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, s)), must(pipe(p));
	fd = must(open("data", O_RDWR | O_CREAT | O_TRUNC, 0600)), must(write(fd, big, sizeof big)), must(lseek(fd, 0, SEEK_SET));
	pid_t pid = spawn(close(s[0]); int got = 0; while ((n = read(s[1], back + got, sizeof back - got)) > 0) got += n; fact("child: %d bytes, same %d", got, memcmp(big, back, got) == 0));
	int sent = 0;
	while (sent < (int)sizeof big)
		sent += must(sendfile(s[0], fd, NULL, sizeof big - sent));
	must(shutdown(s[0], SHUT_WR)), quiet(pid);
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	must(write(p[1], "through a pipe", 14));
	show(splice(p[0], NULL, s[0], NULL, 100, 0)), show(read(s[1], back, 100)), fact("%.14s", back);
	must(write(s[0], "and back", 8));
	show(splice(s[1], NULL, p[1], NULL, 100, 0)), show(read(p[0], back, 100)), fact("%.8s", back);
	show(splice(s[1], NULL, p[1], NULL, 100, SPLICE_F_NONBLOCK));
	loff_t off = 0;
	show(splice(s[1], &off, p[1], NULL, 100, 0)), show(lseek(s[0], 0, SEEK_SET)), show(pread(s[0], back, 1, 0)), show(pwrite(s[0], back, 1, 0));
	show(fsync(s[0])), show(ftruncate(s[0], 0)), show(fchmod(s[0], 0600)), show(fallocate(s[0], 0, 0, 1));
	struct stat st;
	must(fstat(s[0], &st)), fact("mode %o size %ld links %ld", st.st_mode, (long)st.st_size, (long)st.st_nlink);
	struct iovec v[2] = {{"ab", 2}, {(void *)8, 4}};
	show(writev(s[0], v, 2)), show(recv(s[1], back, 10, MSG_DONTWAIT));
	show(write(s[0], big, 0)), show(read(s[1], back, 0));
	must(fcntl(s[0], F_SETFL, O_NONBLOCK)), show(read(s[0], back, 1)), must(close(s[1])), signal(SIGPIPE, SIG_IGN), show(splice(p[0], NULL, s[0], NULL, 1, SPLICE_F_NONBLOCK)), must(write(p[1], "x", 1)), show(splice(p[0], NULL, s[0], NULL, 1, 0)), show(sendfile(s[0], fd, &off, 1));
	return 0;
}
