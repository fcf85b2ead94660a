// sigsuspend(2), pause(2), ppoll and pselect with a mask: atomic, and the mask comes back.
#include "../oracle.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
static volatile int calls, mask_in;
static void handler(int s) {
	sigset_t now;
	calls++;
	sigprocmask(SIG_BLOCK, NULL, &now);
	mask_in = sigismember(&now, SIGUSR1) * 10 + sigismember(&now, SIGUSR2);
}
static void tell(const char *what, int e) {
	sigset_t now;
	sigprocmask(SIG_BLOCK, NULL, &now);
	fact("%s: %s, calls %d, in handler %02d, after USR1 %d", what, ename(e), calls, mask_in, sigismember(&now, SIGUSR1));
	calls = 0;
}

int main(void) {
	sigset_t usr1, usr2, none;
	struct timespec long_ = {10, 0}, zero = {0, 0};
	struct pollfd p = {-1};
	struct epoll_event e;
	int ep = must(epoll_create1(0));
	sigemptyset(&none), sigemptyset(&usr1), sigemptyset(&usr2);
	sigaddset(&usr1, SIGUSR1), sigaddset(&usr2, SIGUSR2);
	on(SIGUSR1, handler, SA_RESTART);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	raise(SIGUSR1);
	tell("sigsuspend, pending before", err(sigsuspend(&usr2)));
	raise(SIGUSR1);
	tell("ppoll, pending before", err(ppoll(&p, 1, &long_, &none)));
	raise(SIGUSR1);
	tell("ppoll without timeout", err(ppoll(&p, 1, NULL, &usr2)));
	raise(SIGUSR1);
	tell("pselect", err(pselect(0, NULL, NULL, NULL, &long_, &none)));
	raise(SIGUSR1);
	tell("epoll_pwait", err(epoll_pwait(ep, &e, 1, 10000, &none)));
	raise(SIGUSR1);
	tell("ppoll, timeout 0", err(ppoll(&p, 1, &zero, &none)));
	int pipes[2];
	must(pipe(pipes));
	must(write(pipes[1], "x", 1));
	struct pollfd ready = {pipes[0], POLLIN};
	raise(SIGUSR1);
	tell("ppoll with something ready", err(ppoll(&ready, 1, &long_, &none)));
	sigtimedwait(&usr1, NULL, &zero);
	pid_t me = getpid();
	pid_t pid = spawn(await(me, "S"); kill(me, SIGUSR1));
	tell("sigsuspend, later", err(sigsuspend(&none)));
	quiet(pid);
	sigprocmask(SIG_SETMASK, &none, NULL);
	pid = spawn(await(me, "S"); kill(me, SIGUSR1));
	tell("pause", err(pause()));
	quiet(pid);
	fact("%s", ename(err(sys(SYS_rt_sigsuspend, &none, 4))));
	fact("%s", ename(err(sys(SYS_rt_sigsuspend, 8, 8))));
	fact("%s", ename(err(sys(SYS_ppoll, &p, 1, &zero, &none, 4))));
	return 0;
}
