// Controlling terminals: TIOCSCTTY, TIOCNOTTY, /dev/tty, opening without O_NOCTTY, stealing.
#include "../oracle.h"
#include <termios.h>
#include <sys/ioctl.h>
static int m, s;
static char name[64];
static void pair(void) {
	m = must(open("/dev/ptmx", O_RDWR | O_NOCTTY));
	must(unlockpt(m));
	strcpy(name, ptsname(m));
	s = must(open(name, O_RDWR | O_NOCTTY));
}
static int tty_nr(void) {
	char *p = strrchr(slurp("/proc/self/stat"), ')');
	int pgrp, session, tty, ppid;
	sscanf(p + 4, "%d %d %d %d", &ppid, &pgrp, &session, &tty);
	return tty;
}

int main(void) {
	pair();
	int pid_, st;
	show(open("/dev/tty", O_RDWR)); // none
	show(tty_nr());
	quiet(spawn({
		show(ioctl(s, TIOCSCTTY, 0)); // not a leader
		must(setsid());
		show(ioctl(s, TIOCGPGRP, &pid_));
		show(ioctl(s, TIOCGSID, &pid_));
		show(tcsetpgrp(s, getpgrp()));
		show(ioctl(s, TIOCSCTTY, 0));
		show(ioctl(s, TIOCSCTTY, 0)); // again
		yes(tcgetpgrp(s) == getpgrp() && tcgetsid(s) == getpid());
		struct stat b;
		fstat(s, &b);
		yes((int)b.st_rdev == tty_nr());
		ok(open("/dev/tty", O_RDWR));
		quiet(spawn(ok(open("/dev/tty", O_RDWR)); show(ioctl(s, TIOCSCTTY, 0)); setpgid(0, 0); show(ioctl(s, TIOCNOTTY)); show(open("/dev/tty", O_RDWR))));
		pid_t other = spawn(must(setsid()); show(open("/dev/tty", O_RDWR)); show(ioctl(s, TIOCSCTTY, 0)); must(setuid(1000)); show(ioctl(s, TIOCSCTTY, 1)));
		quiet(other);
		signal(SIGHUP, SIG_IGN);
		quiet(spawn(must(setsid()); show(ioctl(s, TIOCSCTTY, 1)))); // stolen by root
		show(open("/dev/tty", O_RDWR));
	}));
	pair();
	quiet(spawn({
		must(setsid());
		ok(open(name, O_RDWR | O_NOCTTY));
		show(open("/dev/tty", O_RDWR));
		ok(open(name, O_RDWR)); // becomes the controlling one
		ok(open("/dev/tty", O_RDWR));
		signal(SIGHUP, SIG_IGN);
		show(ioctl(s, TIOCNOTTY));
		show(open("/dev/tty", O_RDWR));
		show(ioctl(s, TIOCNOTTY));
		show(open(name, O_WRONLY) >= 0);
		show(open("/dev/tty", O_RDWR)); // opened only to write: does not count
	}));
	pid_t pid = spawn({
		must(setsid());
		must(ioctl(s, TIOCSCTTY, 0));
		pid_t child = spawn(setpgid(0, 0); pause());
		setpgid(child, child);
		must(tcsetpgrp(s, child));
		ioctl(s, TIOCNOTTY); // the foreground group gets SIGHUP and SIGCONT
		reap("foreground when the leader gives up the terminal", child);
	});
	must(waitpid(pid, &st, 0));
	status("leader", st);
	return 0;
}
