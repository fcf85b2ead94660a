// Signals about sockets: O_ASYNC with F_SETOWN, F_SETOWN_EX and F_SETSIG, what siginfo says, FIOASYNC, FIOSETOWN and SIOCSPGRP, SIGURG.
#include "net.h"
#include <linux/sockios.h>
static volatile sig_atomic_t n, band, code, fd_;
static void info(int s, siginfo_t *i, void *u) { (void)s, (void)u, n++, band = i->si_band, code = i->si_code, fd_ = i->si_fd; }
static void plain(int s) { (void)s, n++; }
static void wait_(const char *what) {
	for (int i = 0; i < 4000 && !n; i++) usleep(500);
	fact("%s: %s, code %d band %#x", what, n ? "a signal" : "nothing", code, band), n = band = code = 0;
}
static void none(const char *what) { usleep(3000), fact("%s: %d signals", what, n), n = band = code = 0; }
static void info_on(int s) { struct sigaction a = {.sa_sigaction = info, .sa_flags = SA_SIGINFO | SA_RESTART}; must(sigaction(s, &a, NULL)); }

int main(void) {
	signal(SIGPIPE, SIG_IGN);
	char b[64];
	int l = listener(5), c, d, x[2], v;
	on(SIGIO, plain, SA_RESTART), info_on(SIGRTMIN), conn(l, &c, &d);
	show(fcntl(d, F_GETOWN)), show(fcntl(d, F_GETSIG)), must(fcntl(d, F_SETFL, O_ASYNC)), fact("async without an owner: %d", !!(fcntl(d, F_GETFL) & O_ASYNC)), must(write(c, "a", 1)), none("no owner");
	show(fcntl(d, F_SETOWN, getpid())), yes(fcntl(d, F_GETOWN) == getpid()), must(write(c, "b", 1)), wait_("data"), show(read(d, b, 64)), none("reading");
	show(fcntl(d, F_SETSIG, SIGRTMIN)), show(fcntl(d, F_GETSIG) == SIGRTMIN), must(write(c, "c", 1)), wait_("data with a number"), yes(fd_ == d), show(read(d, b, 64)), none("reading");
	must(send(c, "u", 1, MSG_OOB)), wait_("urgent"), n = 0, must(shutdown(c, SHUT_WR)), wait_("the end"), n = 0;
	show(fcntl(d, F_SETSIG, 65)), show(fcntl(d, F_SETSIG, -1)), show(fcntl(d, F_SETSIG, 0)), show(fcntl(d, F_SETOWN, 999999)), show(fcntl(d, F_SETOWN, -getpgrp())), yes(fcntl(d, F_GETOWN) == -getpgrp());
	struct f_owner_ex o = {F_OWNER_TID, getpid()}, o2 = {0};
	show(fcntl(d, F_SETOWN_EX, &o)), show(fcntl(d, F_GETOWN_EX, &o2)), yes(o2.type == F_OWNER_TID && o2.pid == getpid()), o.type = 9, show(fcntl(d, F_SETOWN_EX, &o));
	close(c), close(d);
	conn(l, &c, &d), v = getpid(), show(ioctl(d, FIOSETOWN, &v)), v = 0, show(ioctl(d, SIOCGPGRP, &v)), yes(v == getpid()), v = -getpgrp(), show(ioctl(d, SIOCSPGRP, &v)), show(ioctl(d, FIOGETOWN, &v)), yes(v == -getpgrp()), v = 1, show(ioctl(d, FIOASYNC, &v)), fact("async %d", !!(fcntl(d, F_GETFL) & O_ASYNC)), must(write(c, "x", 1)), wait_("to the group"), v = 0, show(ioctl(d, FIOASYNC, &v)), fact("async %d", !!(fcntl(d, F_GETFL) & O_ASYNC)), n = 0, must(write(c, "x", 1)), none("switched off"), close(c), close(d);

	must(fcntl(l, F_SETFL, O_ASYNC)), must(fcntl(l, F_SETOWN, getpid())), must(fcntl(l, F_SETSIG, SIGRTMIN)), c = must(socket(AF_INET, SOCK_STREAM, 0));
	struct sockaddr_in a = in4(LO, port(l));
	must(connect(c, SA(a))), wait_("a connection"), d = must(accept(l, NULL, NULL)), fact("the accepted: async %d, owner %d", !!(fcntl(d, F_GETFL) & O_ASYNC), fcntl(d, F_GETOWN));
	must(fcntl(d, F_SETOWN, getpid())), on(SIGURG, plain, SA_RESTART), n = 0, must(send(c, "u", 1, MSG_OOB)), wait_("SIGURG needs no O_ASYNC");
	int u = must(socket(AF_INET, SOCK_DGRAM, 0));
	a = in4(LO, 0), must(bind(u, SA(a))), a = in4(LO, port(u)), must(fcntl(u, F_SETFL, O_ASYNC | O_NONBLOCK)), must(fcntl(u, F_SETOWN, getpid())), must(fcntl(u, F_SETSIG, SIGRTMIN)), must(sendto(c = must(socket(AF_INET, SOCK_DGRAM, 0)), "x", 1, 0, SA(a))), wait_("a datagram"), show(recv(u, b, 64, 0)), must(sendto(c, "x", 1, 0, SA(a))), wait_("another");
	int e = dup(u);
	must(close(u)), must(sendto(c, "x", 1, 0, SA(a))), wait_("by a copy of the descriptor");
	fact("the number it was set by: %d", fd_ == u), must(fcntl(e, F_SETFL, 0)), must(sendto(c, "x", 1, 0, SA(a))), none("off");

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, x)), must(fcntl(x[0], F_SETFL, O_ASYNC)), must(fcntl(x[0], F_SETOWN, getpid())), must(fcntl(x[0], F_SETSIG, SIGRTMIN)), must(write(x[1], "x", 1)), wait_("a pair"), show(read(x[0], b, 64)), n = 0, must(close(x[1])), must(poll(&(struct pollfd){x[0], POLLHUP}, 1, 10000) == 1 ? 0 : -1);
	for (int i = 0; i < 4000 && !n; i++) usleep(500);
	fact("its end: %s", n ? "a signal" : "nothing");
	return 0;
}
