// Packet mode: what the master is told of flushes, stops and settings; polling; TCXONC; ^S and ^Q.
#include "../oracle.h"
#include <poll.h>
#include <termios.h>
#include <sys/ioctl.h>
static int m, s;
// hear prints what the master is told: so many messages, which may take the host a while, and none beyond.
static void hear(const char *what, int expected) {
	char b[64];
	struct pollfd p = {m, POLLIN | POLLPRI}, input = {s, POLLIN};
	poll(&input, 1, 0); // what was written to the master has been looked at then (n_tty_poll)
	printf("%s:", what);
	while (p.revents = 0, poll(&p, 1, expected-- > 0 ? 10000 : 30) > 0) {
		ssize_t n = read(m, b, sizeof b);
		printf(" [%s%s%zd:", p.revents & POLLIN ? "in " : "", p.revents & POLLPRI ? "pri " : "", n);
		for (ssize_t i = 0; i < n; i++)
			printf(" %d", b[i]);
		printf("]");
		if (n <= 0)
			break;
	}
	printf("\n");
}

int main(void) {
	int on_ = 1, off = 0, v = -1;
	struct termios t;
	m = must(open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK));
	must(unlockpt(m));
	s = must(open(ptsname(m), O_RDWR | O_NOCTTY | O_NONBLOCK));
	show(ioctl(s, TIOCPKT, &on_)), show(ioctl(m, TIOCPKT, 8)), ok(ioctl(m, TIOCGPKT, &v)), show(v), ok(ioctl(m, TIOCPKT, &on_)), ok(ioctl(m, TIOCGPKT, &v)), show(v);
	hear("nothing", 0), must(write(s, "data", 4)), hear("data", 1);
	must(tcflush(s, TCIFLUSH)), hear("input flushed", 1), must(tcflush(s, TCOFLUSH)), hear("output flushed", 1), must(tcflush(s, TCIOFLUSH)), hear("both", 1);
	must(write(m, "\x13", 1)), hear("^S", 1), show(write(s, "x", 1)), must(write(m, "a", 1)), hear("echo waits", 0), must(write(m, "\x11", 1)), hear("^Q", 2), show(write(s, "x", 1)), hear("data", 1);
	must(tcflow(s, TCOOFF)), hear("TCOOFF", 1), must(write(m, "\x11", 1)), hear("^Q does not help", 0), show(write(s, "x", 1)), must(tcflow(s, TCOON)), hear("TCOON", 1), must(tcflow(s, TCOON)), hear("again", 0);
	must(tcflow(s, TCIOFF)), hear("TCIOFF", 1), must(tcflow(s, TCION)), hear("TCION", 1), show(ioctl(s, TCXONC, 9));
	must(tcgetattr(s, &t)), t.c_iflag &= ~IXON, must(tcsetattr(s, TCSANOW, &t)), hear("IXON off", 1), t.c_iflag |= IXON, must(tcsetattr(s, TCSANOW, &t)), hear("IXON on", 1), t.c_cc[VSTOP] = 'x', must(tcsetattr(s, TCSANOW, &t)), hear("another VSTOP", 1);
	must(tcsetattr(s, TCSANOW, &t)), hear("the same", 0), t.c_lflag |= EXTPROC, must(tcsetattr(s, TCSANOW, &t)), hear("EXTPROC", 1), t.c_lflag &= ~EXTPROC, must(tcsetattr(s, TCSANOW, &t)), hear("no EXTPROC", 1);
	must(write(m, "x", 1)), hear("stopped by x", 1), t.c_iflag &= ~IXON, must(tcsetattr(s, TCSANOW, &t)), hear("started by its end", 1), t.c_iflag |= IXON | IXANY, must(tcsetattr(s, TCSANOW, &t)), hear("IXANY", 0);
	must(write(m, "x", 1)), hear("stopped", 1), must(write(m, "b", 1)), hear("any character starts", 2), must(write(m, "\x03", 1)), hear("^C", 2);
	char c;
	must(write(s, "more", 4)), poll(&(struct pollfd){m, POLLIN}, 1, 10000), show(read(m, &c, 1)), show(c), hear("one byte is none", 1);
	must(tcflush(s, TCIFLUSH)), ok(ioctl(m, TIOCPKT, &off)), hear("off", 0), ok(ioctl(m, TIOCPKT, &on_)), hear("on", 0), must(write(s, "end", 3)), must(close(s)), hear("closed", 2);
	return 0;
}
