// mq_notify: signals when a message arrives at an empty queue; one registration; poll on queues; /dev/mqueue.
#include "../oracle.h"
#include <mqueue.h>
#include <poll.h>
static volatile int calls;
static siginfo_t info;
static void handler(int s, siginfo_t *i, void *u) { calls++, info = *i; }

int main(void) {
	struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
	must(sigaction(SIGUSR1, &sa, NULL));
	struct mq_attr a = {.mq_maxmsg = 3, .mq_msgsize = 20};
	char b[32];
	mqd_t q = must(mq_open("/n", O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0600, &a));
	struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 5};
	show(mq_notify(q, &e)), show(mq_notify(q, &e)), quiet(spawn(show(mq_notify(q, &e))));
	must(mq_send(q, "x", 1, 0)), fact("calls %d code %d value %d mine %d", calls, info.si_code, info.si_value.sival_int, info.si_pid == getpid());
	must(mq_send(q, "x", 1, 0)), fact("only once: %d", calls);
	show(mq_notify(q, &e)), must(mq_send(q, "x", 1, 0)), fact("the queue was not empty: %d", calls);
	for (int i = 0; i < 3; i++)
		must(mq_receive(q, b, 20, NULL));
	show(mq_notify(q, NULL)), must(mq_send(q, "x", 1, 0)), fact("given up: %d", calls), must(mq_receive(q, b, 20, NULL));
	must(fcntl(q, F_SETFL, 0)), must(mq_notify(q, &e));
	pid_t me = getpid(), pid = spawn(asleep(me); must(mq_send(q, "x", 1, 0)));
	must(mq_receive(q, b, 20, NULL)), quiet(pid), fact("a reader that waits comes first: %d", calls);
	quiet(spawn(must(mq_notify(q, NULL)); show(mq_notify(q, &e)))), show(mq_notify(q, NULL)), show(mq_notify(q, &e)), must(mq_notify(q, NULL));
	e.sigev_signo = 99, show(mq_notify(q, &e)), e.sigev_notify = 77, show(mq_notify(q, &e)), e = (struct sigevent){.sigev_notify = SIGEV_NONE}, show(mq_notify(q, &e)), must(mq_notify(q, NULL)), show(mq_notify(0, &e)), show(mq_notify(999, &e));
	struct pollfd p = {q, POLLIN | POLLOUT};
	must(poll(&p, 1, 0)), fact("empty: %#x", p.revents), must(mq_send(q, "x", 1, 0)), must(poll(&p, 1, 0)), fact("one: %#x", p.revents), must(mq_send(q, "x", 1, 0)), must(mq_send(q, "x", 1, 0)), must(poll(&p, 1, 0)), fact("full: %#x", p.revents);
	struct stat st;
	must(stat("/dev/mqueue/n", &st)), fact("mode %o size %ld", st.st_mode, (long)st.st_size), fact("%.15s", slurp("/dev/mqueue/n"));
	show(unlink("/dev/mqueue/n")), show(mq_open("/n", O_RDONLY));
	quiet(spawn(must(unshare(CLONE_NEWIPC)); mqd_t o = mq_open("/n", O_RDWR | O_CREAT | O_EXCL, 0600, &a); fact("in another namespace: %s", o < 0 ? ename(errno) : "ok"))), show(mq_open("/n", O_RDONLY));
	return 0;
}
