// Several pending signals: order of delivery, synchronous first, handlers nest, sigreturn order.
#include "../oracle.h"
static char order[64];
static void note(char c) { order[strlen(order)] = c; }
static void handler(int s) {
	note(s == SIGUSR1 ? '1' : s == SIGUSR2 ? '2' : s == SIGHUP ? 'h' : s == SIGTERM ? 't' : 's');
}
static void slow(int s) {
	note('(');
	raise(SIGUSR2);
	note(')');
}

int main(void) {
	sigset_t all, none;
	sigfillset(&all), sigemptyset(&none);
	static const int signals[] = {SIGTERM, SIGUSR2, SIGHUP, SIGUSR1};
	for (int i = 0; i < 4; i++) {
		struct sigaction a = {.sa_handler = handler, .sa_mask = all};
		must(sigaction(signals[i], &a, NULL));
	}
	sigprocmask(SIG_SETMASK, &all, NULL);
	for (int i = 0; i < 4; i++)
		raise(signals[i]);
	sigprocmask(SIG_SETMASK, &none, NULL);
	fact("all blocked in handlers: %s", order); // one after the other, lowest first
	memset(order, 0, sizeof order);
	for (int i = 0; i < 4; i++)
		on(signals[i], handler, 0);
	sigprocmask(SIG_SETMASK, &all, NULL);
	for (int i = 0; i < 4; i++)
		raise(signals[i]);
	sigprocmask(SIG_SETMASK, &none, NULL);
	fact("not blocked: %s", order); // frames stack up: the last set up runs first
	memset(order, 0, sizeof order);
	on(SIGUSR1, slow, 0);
	raise(SIGUSR1);
	fact("nested: %s", order);
	memset(order, 0, sizeof order);
	sigprocmask(SIG_SETMASK, &all, NULL);
	kill(getpid(), SIGUSR2); // process
	sys(SYS_tgkill, getpid(), getpid(), SIGTERM); // thread: first, though its number is higher
	on(SIGUSR2, handler, 0);
	struct sigaction a = {.sa_handler = handler, .sa_mask = all};
	sigaction(SIGTERM, &a, NULL), sigaction(SIGUSR2, &a, NULL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	fact("private before shared: %s", order);
	return 0;
}
