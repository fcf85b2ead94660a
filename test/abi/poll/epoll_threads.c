// Many waiters: one event wakes one with EPOLLEXCLUSIVE or one epoll, closing while waiting, ONESHOT hands out once.
#include "../oracle.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
static int ep, ev, woken, tids[4];
static struct gate g;
static void *waiter(void *a) {
	struct epoll_event e;
	uint64_t v;
	*(int *)a = sys(SYS_gettid);
	gate_open(g);
	int n = epoll_wait(ep, &e, 1, 10000);
	if (n == 1 && e.data.fd == ev && read(ev, &v, 8) == 8)
		__atomic_fetch_add(&woken, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

int main(void) {
	g = gate_new();
	ep = must(epoll_create1(0)), ev = must(eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK));
	struct epoll_event e = {EPOLLIN | EPOLLET, {.fd = ev}};
	must(epoll_ctl(ep, EPOLL_CTL_ADD, ev, &e));
	pthread_t t[4];
	for (int i = 0; i < 4; i++)
		t[i] = thread(waiter, &tids[i]), gate_pass(g), asleep(tids[i]);
	uint64_t one = 1;
	for (int i = 1; i <= 4; i++) {
		must(write(ev, &one, 8)); // each edge wakes one
		for (int k = 0; k < 5000 && __atomic_load_n(&woken, __ATOMIC_SEQ_CST) < i; k++)
			usleep(500);
		fact("after %d: woken %d", i, woken);
	}
	for (int i = 0; i < 4; i++)
		join(t[i]);
	e.events = EPOLLIN | EPOLLONESHOT;
	must(epoll_ctl(ep, EPOLL_CTL_MOD, ev, &e));
	woken = 0;
	one = 10;
	must(write(ev, &one, 8));
	for (int i = 0; i < 4; i++) {
		int n = epoll_wait(ep, &e, 1, 0);
		fact("oneshot: %d", n);
	}
	e = (struct epoll_event){EPOLLIN, {.fd = ev}};
	must(epoll_ctl(ep, EPOLL_CTL_MOD, ev, &e));
	int n = 0;
	while (epoll_wait(ep, &e, 1, 0) == 1 && read(ev, &one, 8) == 8)
		n++;
	fact("level: read %d times", n);
	return 0;
}
