// tee(2), vmsplice(2): copies of what is in a pipe, user pages into a pipe and out.
#include "../oracle.h"
#include <sys/uio.h>

int main(void) {
	int p[2], q[2];
	char buf[64] = {0};
	must(pipe2(p, O_NONBLOCK)), must(pipe2(q, O_NONBLOCK));
	show(tee(p[0], q[1], 10, 0));
	show(tee(p[0], q[1], 10, SPLICE_F_NONBLOCK));
	must(write(p[1], "hello world", 11));
	show(tee(p[0], q[1], 5, 0));
	show(tee(p[0], q[1], 100, 0));
	show(read(q[0], buf, 64));
	fact("%s", buf);
	memset(buf, 0, 64);
	show(read(p[0], buf, 64)); // still there
	fact("%s", buf);
	show(tee(p[0], p[1], 5, 0));
	show(tee(p[1], q[1], 5, 0));
	show(tee(0, q[1], 5, 0));
	show(tee(p[0], q[1], 0, 0));
	show(tee(p[0], q[1], 5, 64));
	char text[] = "from memory";
	struct iovec v[2] = {{text, 4}, {text + 5, 6}};
	show(vmsplice(p[1], v, 2, 0));
	memset(buf, 0, 64);
	show(read(p[0], buf, 64));
	fact("%s", buf);
	must(write(p[1], "out of it", 9));
	memset(buf, 0, 64);
	v[0] = (struct iovec){buf, 3}, v[1] = (struct iovec){buf + 10, 20};
	show(vmsplice(p[0], v, 2, 0)); // the other way: a read
	fact("%s %s", buf, buf + 10);
	show(vmsplice(p[1], v, 0, 0));
	show(vmsplice(p[1], v, -1, 0));
	show(vmsplice(p[1], (void *)8, 1, 0));
	show(vmsplice(p[1], &(struct iovec){(void *)8, 5}, 1, 0));
	show(vmsplice(0, v, 1, 0));
	show(vmsplice(p[1], v, 1, 64));
	static char page[2 * PAGE] __attribute__((aligned(4096)));
	memset(page, 'g', sizeof page);
	show(vmsplice(p[1], &(struct iovec){page, sizeof page}, 1, SPLICE_F_GIFT));
	static char got[3 * PAGE];
	show(read(p[0], got, sizeof got));
	fact("%c %c", got[0], got[2 * PAGE - 1]);
	while (vmsplice(p[1], &(struct iovec){page, PAGE}, 1, SPLICE_F_NONBLOCK) > 0)
		;
	fact("full: %s", ename(errno));
	return 0;
}
