// Background reads and writes: SIGTTIN, SIGTTOU, TOSTOP, tcsetpgrp from behind, orphans' EIO.
#include "../oracle.h"
#include <termios.h>
#include <sys/ioctl.h>
static int m, s;
static void wait_stop(const char *what, pid_t pid) {
	int st;
	must(waitpid(pid, &st, WUNTRACED));
	status(what, st);
}
static void end(pid_t pid) {
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}
#define background(...) ({ pid_t b_ = spawn(setpgid(0, 0); __VA_ARGS__); setpgid(b_, b_); b_; })

int main(void) {
	char c;
	m = must(open("/dev/ptmx", O_RDWR | O_NOCTTY));
	must(unlockpt(m));
	s = must(open(ptsname(m), O_RDWR | O_NOCTTY));
	pid_t leader = spawn({
		must(setsid());
		must(ioctl(s, TIOCSCTTY, 0));
		pid_t b = background(read(s, &c, 1));
		wait_stop("background read", b);
		end(b);
		b = background(signal(SIGTTIN, SIG_IGN); show(read(s, &c, 1)));
		wait_stop("background read, ignored", b);
		b = background(show(write(s, "x", 1)));
		wait_stop("background write", b);
		struct termios t;
		must(tcgetattr(s, &t));
		b = background(show(tcgetattr(s, &t)); must(tcsetattr(s, TCSANOW, &t)));
		wait_stop("background tcsetattr", b);
		end(b);
		b = background(signal(SIGTTOU, SIG_IGN); show(tcsetattr(s, TCSANOW, &t)));
		wait_stop("background tcsetattr, ignored", b);
		t.c_lflag |= TOSTOP;
		must(tcsetattr(s, TCSANOW, &t));
		b = background(write(s, "x", 1));
		wait_stop("background write, TOSTOP", b);
		end(b);
		b = background(sigset_t set; sigemptyset(&set); sigaddset(&set, SIGTTOU); sigprocmask(SIG_BLOCK, &set, NULL); show(write(s, "x", 1)));
		wait_stop("background write, TOSTOP, blocked", b);
		b = background(tcsetpgrp(s, getpgrp()));
		wait_stop("background tcsetpgrp", b);
		end(b);
		b = background(signal(SIGTTOU, SIG_IGN); show(tcsetpgrp(s, getpgrp())); yes(tcgetpgrp(s) == getpgrp()));
		wait_stop("background tcsetpgrp, ignored", b);
		signal(SIGTTOU, SIG_IGN);
		show(tcsetpgrp(s, getpgrp()));
		show(tcsetpgrp(s, 999999));
		show(tcsetpgrp(s, -1));
		show(tcsetpgrp(s, 1)); // another session's
		b = background(raise(SIGSTOP); show(write(s, "x", 1)));
		wait_stop("stopped", b);
		must(tcsetpgrp(s, b));
		kill(-b, SIGCONT);
		wait_stop("continued in the foreground", b);
		must(tcsetpgrp(s, getpgrp()));
	});
	reap("leader", leader);
	return 0;
}
