// A read that ends where memory does takes nothing of a segment that does not fit, told by epoll_wait before or not.
#include "net.h"
#include <sys/epoll.h>
int main(void) {
	char b[100];
	int l = listener(5), c, s, ep = must(epoll_create1(0));
	char *edge = (char *)mmap(0, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) + PAGE;
	struct epoll_event e = {EPOLLIN, {0}};
	conn(l, &c, &s), must(mprotect(edge, PAGE, PROT_NONE)), must(epoll_ctl(ep, EPOLL_CTL_ADD, s, &e));
	for (int i = 0; i < 3; i++) {
		must(write(c, "0123456789", 10)), must(epoll_wait(ep, &e, 1, -1));
		show(read(s, edge - 4, 10)), show(read(s, edge - 4, 4)), show(read(s, b, sizeof b));
	}
	return 0;
}
