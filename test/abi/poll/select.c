// select(2), pselect: sets in and out, bad descriptors, exceptional data, sizes.
#include "../oracle.h"
#include <sys/select.h>
#include <sys/socket.h>

int main(void) {
	int p[2], s[2];
	fd_set r, w, x;
	struct timeval zero = {0, 0};
	must(pipe(p)), must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
#define sets() (memset(&r, 0, sizeof r), memset(&w, 0, sizeof w), memset(&x, 0, sizeof x))
#define both(n) ({ int n_ = select(n, &r, &w, &x, &zero); n_ < 0 ? fact("%s", ename(errno)) : fact("%d: r %d%d w %d%d x %d%d", n_, !!FD_ISSET(p[0], &r), !!FD_ISSET(s[0], &r), !!FD_ISSET(p[1], &w), !!FD_ISSET(s[0], &w), !!FD_ISSET(p[0], &x), !!FD_ISSET(s[0], &x)); })
	sets();
	FD_SET(p[0], &r);
	FD_SET(p[1], &w);
	FD_SET(s[0], &r);
	FD_SET(s[0], &w);
	FD_SET(s[0], &x);
	both(s[1] + 1);
	must(write(p[1], "x", 1)), must(write(s[1], "x", 1));
	sets();
	FD_SET(p[0], &r);
	FD_SET(p[0], &x);
	FD_SET(s[0], &r);
	FD_SET(s[0], &x);
	both(s[1] + 1);
	sets();
	FD_SET(p[0], &r);
	FD_SET(s[0], &r);
	both(p[0] + 1); // only the first
	close(s[1]);
	sets();
	FD_SET(s[0], &r);
	FD_SET(s[0], &w);
	FD_SET(s[0], &x);
	both(s[0] + 1);
	sets();
	FD_SET(s[1], &r);
	both(s[1] + 1); // closed
	both(-1);
	sets();
	show(select(0, &r, NULL, NULL, &zero));
	show(select(1 << 20, NULL, NULL, NULL, &zero)); // cut to what there can be
	show(sys(SYS_select, 64, 8, NULL, NULL, &zero));
	show(sys(SYS_select, 1, NULL, NULL, NULL, 8));
	make("f", "");
	int fd = must(open("f", O_RDWR)), hi = must(fcntl(fd, F_DUPFD, 700));
	sets();
	FD_SET(hi, &r);
	FD_SET(hi, &w);
	FD_SET(hi, &x);
	show(select(hi + 1, &r, &w, &x, &zero));
	fact("file: %d %d %d", !!FD_ISSET(hi, &r), !!FD_ISSET(hi, &w), !!FD_ISSET(hi, &x));
	must(pipe(p)), must(close(p[1]));
	sets();
	FD_SET(p[0], &r);
	show(select(p[0] + 1, &r, NULL, NULL, NULL)); // end of file is readable
	must(pipe(p)), must(close(p[0]));
	sets();
	FD_SET(p[1], &w);
	FD_SET(p[1], &r);
	show(select(p[1] + 1, &r, &w, NULL, NULL));
	fact("no reader: readable %d writable %d", !!FD_ISSET(p[1], &r), !!FD_ISSET(p[1], &w));
	return 0;
}
