// Closing either side of a pty: EIO, SIGHUP, reopening, poll.
#include "../oracle.h"
#include <poll.h>
#include <termios.h>
#include <sys/ioctl.h>
static int m, s;
static void pair(void) {
	m = must(open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK));
	must(unlockpt(m));
	s = must(open(ptsname(m), O_RDWR | O_NOCTTY | O_NONBLOCK));
}
static const char *events(int fd) {
	static char text[64];
	struct pollfd p = {fd, POLLIN | POLLOUT};
	poll(&p, 1, 0);
	snprintf(text, sizeof text, "%s%s%s%s", p.revents & POLLIN ? "IN " : "", p.revents & POLLOUT ? "OUT " : "", p.revents & POLLHUP ? "HUP " : "", p.revents & POLLERR ? "ERR " : "");
	return text;
}

int main(void) {
	char buf[64];
	pair();
	fact("both open: master %s", events(m));
	fact("slave %s", events(s));
	must(write(s, "left", 4));
	must(close(s));
	fact("slave closed: %s", events(m));
	show(read(m, buf, 64)); // what was written
	show(read(m, buf, 64));
	s = must(open(ptsname(m), O_RDWR | O_NOCTTY | O_NONBLOCK)); // again
	show(read(m, buf, 64));
	fact("reopened: %s", events(m));
	must(close(s));
	show(write(m, "x\n", 2));
	s = must(open(ptsname(m), O_RDWR | O_NOCTTY | O_NONBLOCK));
	char name[64];
	strcpy(name, ptsname(m));
	must(close(m));
	fact("master closed: slave %s", events(s));
	show(read(s, buf, 64));
	show(write(s, "x", 1));
	struct termios t;
	show(tcgetattr(s, &t));
	show(open(name, O_RDWR | O_NOCTTY));
	must(close(s));
	show(access(name, F_OK));
	pair();
	struct gate g = gate_new();
	pid_t pid = spawn({
		close(m);
		must(setsid());
		must(ioctl(s, TIOCSCTTY, 0));
		spawn(setpgid(0, 0); gate_open(g); pause()); // background: not told
		gate_open(g);
		pause();
	});
	gate_pass(g), gate_pass(g);
	must(close(m)), close(s);
	reap("session leader when the master closes", pid);
	pair();
	pid = spawn({
		close(m);
		must(setsid());
		must(ioctl(s, TIOCSCTTY, 0));
		pid_t fg = spawn(close(s); pause());
		(void)fg;
		gate_open(g);
		_exit(0); // the leader's end: SIGHUP to the foreground group, the terminal is free
	});
	gate_pass(g);
	reap("leader", pid);
	show(tcgetattr(m, &t));
	pid = spawn(must(setsid()); ok(ioctl(s, TIOCSCTTY, 0)); int p; ok(ioctl(s, TIOCGPGRP, &p)));
	quiet(pid);
	return 0;
}
