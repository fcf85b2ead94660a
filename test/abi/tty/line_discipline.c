// The line discipline in canonical mode: line editing, echo, signals off, EOF, splitting of reads.
#include "../oracle.h"
#include <poll.h>
#include <termios.h>
#include <sys/ioctl.h>
static int m, s;
static void printable(const char *what, const char *t, ssize_t n) {
	printf("%s:", what);
	if (n < 0)
		printf(" %s", ename(errno));
	for (ssize_t i = 0; i < n; i++)
		t[i] < 32 || t[i] == 127 ? printf(" \\x%02x", (unsigned char)t[i]) : printf(" %c", t[i]);
	printf("\n");
}
// drain reads what the master has to say; it comes in pieces.
static ssize_t drain(char *text, size_t room) {
	struct pollfd p = {m, POLLIN};
	ssize_t n = 0, k;
	typed(s);
	while (poll(&p, 1, 0) > 0 && (k = read(m, text + n, room - n)) > 0)
		n += k;
	return n;
}
static void in(const char *text, size_t n) {
	char line[256], echo[512];
	must(write(m, text, n)), typed(s);
	ssize_t k = read(s, line, sizeof line);
	printable("slave reads", line, k);
	k = drain(echo, sizeof echo);
	printable("  echo", echo, k);
}
#define type(t) in(t, sizeof t - 1)

int main(void) {
	m = must(open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK));
	must(unlockpt(m));
	s = must(open(ptsname(m), O_RDWR | O_NOCTTY | O_NONBLOCK));
	type("hello\n");
	type("cr\r");
	type("part"); // no line yet
	type("ial\n");
	type("erasX\x7f" "e\n"); // VERASE
	type("kill this\x15" "kept\n"); // VKILL
	type("two words\x17" "x\n"); // VWERASE
	type("\x16\x03literal\n"); // VLNEXT
	type("now\x04"); // VEOF ends a line without a newline
	type("\x04"); // end of file
	type("one\ntwo\n");
	type("");
	char c[3];
	must(write(m, "abcdef\n", 7));
	printable("short read", c, read(s, c, 3));
	printable("rest", c, read(s, c, 3));
	printable("rest", c, read(s, c, 3));
	char echo[256];
	printable("echo", echo, drain(echo, sizeof echo));
	type("\x01\x02\n"); // control characters are echoed as ^A
	must(write(s, "out\nput\t\r", 9)); // ONLCR
	printable("master reads", echo, drain(echo, sizeof echo));
	struct termios t;
	must(tcgetattr(s, &t));
	t.c_lflag &= ~(ECHO | ICANON);
	t.c_iflag |= INLCR | IGNCR | ISTRIP;
	must(tcsetattr(s, TCSANOW, &t));
	type("a\r\nb\xe1");
	t.c_iflag = ICRNL | IUCLC, t.c_oflag = OPOST | OLCUC | OCRNL | ONLRET;
	must(tcsetattr(s, TCSANOW, &t));
	type("ABc\r");
	must(write(s, "out\r\n", 5));
	printable("master reads", echo, drain(echo, sizeof echo));
	t.c_oflag = 0;
	must(tcsetattr(s, TCSANOW, &t));
	must(write(s, "raw\r\n", 5));
	printable("master reads", echo, drain(echo, sizeof echo));
	return 0;
}
