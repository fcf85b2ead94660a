// Line editing as the screen shows it: tabs, control characters, UTF-8, words, ECHOPRT, reprinting, other line ends.
#include "../oracle.h"
#include <poll.h>
#include <termios.h>
#include <sys/ioctl.h>
static int m, s;
static struct termios plain, t;
static void text(const char *what, const char *b, ssize_t n) {
	printf("%s:", what);
	if (n < 0)
		printf(" %s", ename(errno));
	for (ssize_t i = 0; i < n; i++)
		b[i] <= 32 || b[i] == 127 ? printf(" x%02x", (unsigned char)b[i]) : printf(" %c", b[i]);
	printf("\n");
}
static void type(const char *name, const char *in) {
	char b[512];
	struct pollfd p = {m, POLLIN};
	ssize_t n = 0, k;
	must(tcsetattr(s, TCSANOW, &t));
	must(write(m, in, strlen(in)));
	typed(s);
	while (poll(&p, 1, 0) > 0 && (k = read(m, b + n, sizeof b - n)) > 0)
		n += k;
	text(name, b, n);
	while ((n = read(s, b, sizeof b)) > 0)
		text("  read", b, n);
	t = plain;
}

int main(void) {
	m = must(open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK));
	must(unlockpt(m));
	s = must(open(ptsname(m), O_RDWR | O_NOCTTY | O_NONBLOCK));
	must(tcgetattr(s, &plain)), t = plain;
	type("tab", "ab\tc\x7f\x7f\n"), type("tabs", "\t\t\x7f\x7f\x7f\n"), type("tab after a prompt", "");
	must(write(s, "$ ", 2)), type("tab", "x\t\x7f\n"), type("control", "\x01z\x7f\x7f\n");
	t.c_lflag &= ~ECHOCTL, type("control, no ECHOCTL", "\x01z\x7f\x7f\n");
	t.c_iflag |= IUTF8, type("UTF-8", "a\xc3\xa9\x7f\x7f\n"), type("Latin-1", "a\xe9\x7f\n");
	type("word", "one_2, three \x17\x17\x17x\n"), type("kill", "a\tb\x15x\n");
	t.c_lflag &= ~ECHOKE, type("kill, no ECHOKE", "ab\x15x\n"), t.c_lflag &= ~(ECHOKE | ECHOK), type("kill, no ECHOK", "ab\x15x\n");
	t.c_lflag &= ~ECHO, type("kill, no ECHO", "ab\x15x\n"), t.c_lflag &= ~ECHOE, type("no ECHOE", "ab\x7f\x17x\n");
	t.c_lflag |= ECHOPRT, type("ECHOPRT", "abcd\x7f\x7fx\n"), t.c_lflag |= ECHOPRT, type("ECHOPRT all", "ab\x7f\x7f\x7f\n"), t.c_lflag |= ECHOPRT, type("ECHOPRT word", "ab cd\x17x\n");
	type("reprint", "ab\x01\x12" "c\n"), t.c_lflag &= ~IEXTEN, type("no IEXTEN", "a b\x17\x12\x16\n");
	t.c_cc[VEOL] = ';', t.c_cc[VEOL2] = '|', type("other ends", "a;b|c\n"), t.c_lflag = (t.c_lflag & ~ECHO) | ECHONL, type("ECHONL", "a\n");
	t.c_iflag |= INLCR, type("INLCR", "a\nb\r"), t.c_iflag &= ~ICRNL, type("no ICRNL", "a\rb\n"), t.c_iflag |= IGNCR, type("IGNCR", "a\rb\n");
	t.c_lflag &= ~ICANON, type("raw with echo", "a\r\n\x7f\x04"), t.c_lflag &= ~ICANON, t.c_iflag |= INLCR, type("raw, INLCR", "a\r\nb");
	t.c_cc[VERASE] = 0, t.c_cc[VINTR] = 0, type("disabled", "a\x7f\x03\n"), t.c_cc[VKILL] = 'k', type("a letter", "abkc\n");
	t.c_oflag |= XTABS, type("XTABS", "a\tb\n"), t.c_oflag = 0, type("no OPOST", "a\n"), t.c_iflag |= PARMRK, type("PARMRK", "a\xff" "b\n"), t.c_iflag |= PARMRK | ISTRIP, type("stripped", "\xe1\xff\n");
	t.c_lflag |= EXTPROC, type("EXTPROC", "ab\x7f\x03\n"), type("and back", "c\n");
	t.c_lflag &= ~ECHO, type("literal end", "a\x16\nb\x16\x04\n");
	return 0;
}
