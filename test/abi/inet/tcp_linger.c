// SO_LINGER with a time: close(2) waits until the peer has all that was sent and the end, or the time is over; SIGURG.
// slow: close(2) waits for seconds
#include "net.h"
static volatile sig_atomic_t urgent;
static void onurg(int s) { (void)s, urgent++; }
static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}
static char big[65536];
// stuffed is a connection whose peer does not read, full.
static void stuffed(int l, int *c, int *d, int seconds) {
	conn(l, c, d), must(fcntl(*c, F_SETFL, O_NONBLOCK));
	for (int rest = 0; rest < 20; rest++, usleep(1000))
		while (write(*c, big, sizeof big) > 0)
			rest = 0;
	struct linger g = {1, seconds};
	must(setsockopt(*c, SOL_SOCKET, SO_LINGER, &g, sizeof g));
}
static void *reader(void *p) {
	int d = *(int *)p;
	static char b[1 << 20];
	usleep(200000);
	while (read(d, b, sizeof b) > 0)
		;
	return NULL;
}
int main(void) {
	signal(SIGPIPE, SIG_IGN);
	int l = listener(5), c, d;
	double began;
	stuffed(l, &c, &d, 1), began = now(), show(close(c)), fact("waits %d", now() - began > 0.9), must(close(d));
	stuffed(l, &c, &d, 1);
	int e = must(dup(c));
	began = now(), show(close(e)), fact("waits %d", now() - began > 0.5), began = now(), show(close(c)), fact("waits %d", now() - began > 0.9), must(close(d));
	stuffed(l, &c, &d, 60);
	pthread_t t = thread(reader, &d);
	began = now(), show(close(c)), fact("waits %d, long %d", now() - began > 0.1, now() - began > 30), pthread_join(t, NULL), must(close(d));
	conn(l, &c, &d);
	struct linger g = {1, 60};
	must(setsockopt(c, SOL_SOCKET, SO_LINGER, &g, sizeof g));
	began = now(), show(write(c, "x", 1)), show(close(c)), fact("long %d", now() - began > 30), show(read(d, big, 10)), show(read(d, big, 10)), must(close(d));
	began = now();
	if (!fork())
		stuffed(l, &c, &d, 60), _exit(0);
	must(wait(NULL)), fact("exit long %d", now() - began > 30);
	signal(SIGURG, onurg), conn(l, &c, &d);
	show(send(c, "a", 1, MSG_OOB)), until(d, POLLPRI), usleep(10000), fact("urgent %d", urgent), must(fcntl(d, F_SETOWN, getpid()));
	show(send(c, "b", 1, MSG_OOB));
	for (int i = 0; i < 1000 && !urgent; i++)
		usleep(10000);
	fact("urgent %d", urgent), must(fcntl(d, F_SETOWN, 0)), show(send(c, "c", 1, MSG_OOB)), usleep(50000), fact("urgent %d", urgent);
	return 0;
}
