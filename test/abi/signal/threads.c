// Which thread gets a signal: directed ones, process-wide ones by mask, faults, pthread_kill of the dead.
#include "../oracle.h"
static __thread int which;
static volatile int got = -1;
static struct gate ready, leave_;
static void handler(int s) { got = which; }
static void *body(void *a) {
	sigset_t s;
	which = (int)(long)a;
	sigemptyset(&s), sigaddset(&s, SIGUSR1);
	pthread_sigmask(which == 2 ? SIG_UNBLOCK : SIG_BLOCK, &s, NULL);
	gate_open(ready);
	gate_pass(leave_);
	return NULL;
}
static void wait_got(const char *what) {
	for (int i = 0; i < 5000 && got == -1; i++)
		usleep(1000);
	fact("%s: thread %d", what, got);
	got = -1;
}

int main(void) {
	ready = gate_new(), leave_ = gate_new();
	on(SIGUSR1, handler, SA_RESTART), on(SIGUSR2, handler, SA_RESTART), on(SIGSEGV, handler, SA_RESETHAND);
	pthread_t t[4];
	for (long i = 1; i < 4; i++) {
		t[i] = thread(body, (void *)i);
		gate_pass(ready);
	}
	sigset_t s, p;
	sigemptyset(&s), sigaddset(&s, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &s, NULL);
	kill(getpid(), SIGUSR1); // only thread 2 may
	wait_got("process-wide");
	kill(getpid(), SIGUSR2); // the first thread is preferred
	wait_got("process-wide, all may");
	pthread_kill(t[3], SIGUSR2);
	wait_got("directed");
	pthread_kill(t[1], SIGUSR1); // blocked there: stays there
	usleep(1000);
	sigpending(&p);
	fact("pending for another thread is not seen: %d", sigismember(&p, SIGUSR1));
	fact("got: %d", got);
	kill(getpid(), SIGUSR2);
	wait_got("again");
	for (int i = 1; i < 4; i++)
		gate_open(leave_);
	for (int i = 1; i < 4; i++)
		join(t[i]);
	kill(getpid(), SIGUSR1);
	sigpending(&p);
	fact("process-wide, none may: pending %d", sigismember(&p, SIGUSR1));
	pthread_sigmask(SIG_UNBLOCK, &s, NULL);
	wait_got("unblocked");
	return 0;
}
