// O_ASYNC, F_SETOWN, F_SETSIG: SIGIO from pipes and sockets, with the descriptor in siginfo.
#include "../oracle.h"
#include <sys/socket.h>
static volatile int calls, signo, fd, code;
static void handler(int s, siginfo_t *i, void *u) { calls++, signo = s, fd = i->si_fd, code = i->si_code; }

int main(void) {
	int p[2], s[2];
	must(pipe(p)), must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
	must(sigaction(SIGIO, &a, NULL)), must(sigaction(34, &a, NULL));
	show(fcntl(p[0], F_GETOWN));
	show(fcntl(p[0], F_SETOWN, getpid()));
	yes(fcntl(p[0], F_GETOWN) == getpid());
	show(fcntl(p[0], F_SETFL, O_ASYNC));
	write(p[1], "x", 1);
	fact("pipe: calls %d %s", calls, signame(signo));
	show(fcntl(p[0], F_GETSIG));
	show(fcntl(p[0], F_SETSIG, 34));
	show(fcntl(p[0], F_SETSIG, 65));
	calls = 0;
	write(p[1], "x", 1);
	fact("with a signal of our own: calls %d %s code %d same descriptor %d", calls, signame(signo), code, fd == p[0]);
	show(fcntl(p[0], F_SETFL, 0));
	calls = 0;
	write(p[1], "x", 1);
	fact("off: calls %d", calls);
	must(fcntl(s[0], F_SETOWN, -getpgrp()));
	yes(fcntl(s[0], F_GETOWN) == -getpgrp());
	must(fcntl(s[0], F_SETFL, O_ASYNC));
	write(s[1], "x", 1);
	fact("socket, group: %d %s", calls > 0, signame(signo));
	struct f_owner_ex o = {F_OWNER_TID, getpid()}, got;
	show(fcntl(s[0], F_SETOWN_EX, &o));
	show(fcntl(s[0], F_GETOWN_EX, &got));
	fact("type %d me %d", got.type, got.pid == getpid());
	o.type = 9;
	show(fcntl(s[0], F_SETOWN_EX, &o));
	show(fcntl(s[0], F_SETOWN, 999999));
	show(fcntl(s[0], F_SETOWN, 0));
	calls = 0;
	write(s[1], "x", 1);
	fact("no owner: calls %d", calls);
	return 0;
}
