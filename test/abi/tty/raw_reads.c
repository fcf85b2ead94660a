// Non-canonical reads: VMIN and VTIME, and switching between modes with data waiting.
#include "../oracle.h"
#include <poll.h>
#include <termios.h>
static int m, s;
static struct termios t;
static void mode(int min, int time_) {
	t.c_lflag &= ~(ICANON | ECHO);
	t.c_cc[VMIN] = min, t.c_cc[VTIME] = time_;
	must(tcsetattr(s, TCSANOW, &t));
}
static int ready(int fd) {
	struct pollfd p = {fd, POLLIN};
	return poll(&p, 1, 0);
}

int main(void) {
	char buf[32] = {0};
	m = must(open("/dev/ptmx", O_RDWR | O_NOCTTY));
	must(unlockpt(m));
	s = must(open(ptsname(m), O_RDWR | O_NOCTTY));
	must(tcgetattr(s, &t));
	mode(0, 0);
	show(read(s, buf, 10)); // polls
	must(write(m, "abc", 3));
	show(read(s, buf, 10));
	mode(0, 1);
	int64_t start = now_ns(CLOCK_MONOTONIC);
	show(read(s, buf, 10)); // waits a tenth of a second
	yes(now_ns(CLOCK_MONOTONIC) - start > 90000000);
	mode(3, 0);
	must(write(m, "ab", 2));
	show(ready(s));
	pid_t pid = spawn(await(getppid(), "S"); must(write(m, "c", 1)));
	show(read(s, buf, 10)); // waits for three
	quiet(pid);
	must(write(m, "defgh", 5));
	show(read(s, buf, 2)); // fewer than VMIN were asked for
	show(read(s, buf, 3));
	mode(5, 1);
	must(write(m, "xy", 2));
	show(read(s, buf, 10)); // the timer between bytes ends it
	mode(1, 0);
	must(write(m, "raw no newline", 14));
	show(ready(s));
	t.c_lflag |= ICANON;
	must(tcsetattr(s, TCSANOW, &t));
	show(ready(s)); // now part of a line
	must(write(m, "!\ntyped", 7));
	memset(buf, 0, sizeof buf);
	show(read(s, buf, 32));
	fact("%s", buf);
	show(ready(s));
	mode(1, 0);
	show(ready(s));
	memset(buf, 0, sizeof buf);
	show(read(s, buf, 32));
	fact("%s", buf);
	must(fcntl(s, F_SETFL, O_NONBLOCK));
	show(read(s, buf, 1));
	mode(0, 0);
	show(read(s, buf, 1));
	return 0;
}
