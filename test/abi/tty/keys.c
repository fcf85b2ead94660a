// VINTR, VQUIT, VSUSP to the foreground group, NOFLSH, ISIG off, window changes, packet mode.
#include "../oracle.h"
#include <termios.h>
#include <sys/ioctl.h>
static int m, s;
static volatile int last;
static void handler(int n) { last = n; }
static void key(char c) { must(write(m, &c, 1)); }
// echoed reads what a key shows, before the next one drops it.
static void echoed(void) {
	char b[2];
	for (int n = 0; n < 2;)
		n += must(read(m, b + n, 2 - n));
	fact("echo: %c%c", b[0], b[1]);
}

int main(void) {
	m = must(open("/dev/ptmx", O_RDWR | O_NOCTTY));
	must(unlockpt(m));
	s = must(open(ptsname(m), O_RDWR | O_NOCTTY));
	struct gate g = gate_new(), go = gate_new();
	char line[64];
	pid_t leader = spawn({
		must(setsid());
		must(ioctl(s, TIOCSCTTY, 0));
		static const int signals[] = {SIGINT, SIGQUIT, SIGTSTP, SIGWINCH};
		sigset_t set;
		sigemptyset(&set);
		for (int i = 0; i < 4; i++)
			on(signals[i], handler, SA_RESTART), sigaddset(&set, signals[i]);
		sigprocmask(SIG_BLOCK, &set, NULL);
		gate_open(g);
		for (int i = 0; i < 5; i++) {
			siginfo_t info;
			int n = sigwaitinfo(&set, &info);
			fact("key: %s code %d", signame(n), info.si_code);
			gate_open(g);
		}
		gate_pass(go);
		must(fcntl(s, F_SETFL, O_NONBLOCK));
		ssize_t n = read(s, line, sizeof line);
		fact("left in the queue: %zd", n);
		sigpending(&set);
		fact("no signal without ISIG: %d", !sigismember(&set, SIGINT));
	});
	gate_pass(g);
	must(write(m, "dropped", 7));
	for (int n = 0; n < 7;) // its echo
		n += must(read(m, line, sizeof line));
	key(3), gate_pass(g), echoed();
	key(28), gate_pass(g), echoed();
	key(26), gate_pass(g), echoed();
	struct winsize w = {10, 20};
	must(ioctl(m, TIOCSWINSZ, &w)), gate_pass(g);
	must(ioctl(m, TIOCSWINSZ, &w)); // the same: nothing
	must(ioctl(m, TIOCSIG, SIGINT)), gate_pass(g);
	struct termios t;
	must(tcgetattr(m, &t));
	t.c_lflag &= ~ISIG;
	must(tcsetattr(m, TCSANOW, &t));
	key(3), must(write(m, "\n", 1));
	gate_open(go);
	quiet(leader);
	char buf[256];
	ssize_t n = read(m, buf, sizeof buf);
	printf("echo:");
	for (int i = 0; i < n; i++)
		printf(" %d", buf[i]);
	printf("\n");
	int one = 1;
	show(ioctl(m, TIOCPKT, &one));
	must(write(s, "data", 4));
	n = read(m, buf, sizeof buf);
	fact("packet: %zd, first %d", n, buf[0]);
	must(tcflush(s, TCIFLUSH));
	n = read(m, buf, sizeof buf);
	fact("flush is told: %zd, first %d", n, buf[0]);
	return 0;
}
