// eventfd2(2): counter, semaphore, limits, poll, short buffers, blocking.
#include "../oracle.h"
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
static int events(int fd) {
	struct pollfd p = {fd, POLLIN | POLLOUT};
	poll(&p, 1, 0);
	return p.revents;
}

int main(void) {
	uint64_t v, max = ~0UL - 1;
	int e = must(eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC));
	show(fcntl(e, F_GETFD));
	fact("events %#x", events(e));
	show(read(e, &v, 8));
	show(v);
	show(read(e, &v, 8));
	fact("events %#x", events(e));
	v = 5;
	show(write(e, &v, 8)), show(write(e, &v, 8));
	show(read(e, &v, 100));
	show(v);
	show(read(e, &v, 4));
	show(write(e, &v, 4));
	v = ~0UL;
	show(write(e, &v, 8));
	show(write(e, &max, 8));
	fact("full: %#x", events(e));
	v = 1;
	show(write(e, &v, 8));
	v = 0;
	show(write(e, &v, 8));
	show(read(e, &v, 8));
	yes(v == max);
	int s = must(eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK));
	for (int i = 0; i < 3; i++) {
		v = 9;
		show(read(s, &v, 8));
		fact("%lu", v);
	}
	uint64_t three[] = {1, 2, 4};
	struct iovec each[] = {{three, 8}, {three + 1, 8}, {three + 2, 8}};
	must(fcntl(e, F_SETFL, O_NONBLOCK));
	show(write(e, three, 16)), show(writev(e, each, 3)), show(read(e, &v, 8)), show(v); // one number a write, a write for each iovec
	each[1].iov_len = 16, show(writev(e, each, 3)), show(read(e, &v, 8)), show(v);
	each[0].iov_len = 4, show(writev(e, each, 3)), show(read(e, &v, 8));
	show(eventfd(0, 8));
	show(lseek(e, 0, SEEK_SET));
	show(pread(e, &v, 8, 0));
	show(read(e, (void *)8, 8));
	fcntl(e, F_SETFL, 0);
	pid_t me = getpid(), pid = spawn(asleep(me); v = 7; must(write(e, &v, 8)));
	show(read(e, &v, 8));
	show(v);
	quiet(pid);
	must(write(e, &max, 8));
	pid = spawn(asleep(me); must(read(e, &v, 8)));
	v = 3;
	show(write(e, &v, 8)); // waits for room
	quiet(pid);
	must(read(e, &v, 8));
	show(v);
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", s);
	fact("%.34s", strstr(slurp(path), "eventfd-count:"));
	char link[64], target[64] = {0};
	snprintf(link, sizeof link, "/proc/self/fd/%d", s);
	must(readlink(link, target, 63));
	fact("%s", target);
	return 0;
}
