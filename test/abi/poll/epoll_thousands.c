// epoll_wait returns all that is ready if there is room, however many that are; with less room the rest comes next
#include "../oracle.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#define MANY 2500

int main(void) {
	static struct epoll_event all[MANY + 100];
	static char seen[MANY];
	struct rlimit r;
	must(getrlimit(RLIMIT_NOFILE, &r));
	r.rlim_cur = MANY + 100;
	must(setrlimit(RLIMIT_NOFILE, &r));
	int e = must(epoll_create1(0)), ready = must(eventfd(1, 0));
	for (int i = 0; i < MANY; i++) {
		struct epoll_event ev = {.events = EPOLLIN, .data.u32 = i};
		must(epoll_ctl(e, EPOLL_CTL_ADD, must(dup(ready)), &ev));
	}
	printf("with room for more: %ld\n", must(epoll_wait(e, all, MANY + 100, 0)));
	printf("with room for all: %ld\n", must(epoll_wait(e, all, MANY, -1)));
	int rounds = 0, distinct = 0;
	while (distinct < MANY && rounds < 10) {
		int n = must(epoll_wait(e, all, 1000, 0));
		printf("with room for 1000: %d\n", n);
		for (int i = 0; i < n; i++)
			distinct += !seen[all[i].data.u32]++;
		rounds++;
	}
	printf("all seen after %d\n", rounds);
	return 0;
}
