// O_DIRECT pipes: packets of at most a page, one per read, the rest of a packet is lost.
#include "../oracle.h"

int main(void) {
	int p[2];
	static char buf[3 * PAGE];
	must(pipe2(p, O_DIRECT | O_NONBLOCK));
	must(write(p[1], "one", 3)), must(write(p[1], "second", 6)), must(write(p[1], "3", 1));
	show(read(p[0], buf, sizeof buf));
	show(read(p[0], buf, 2));
	show(read(p[0], buf, sizeof buf));
	show(read(p[0], buf, sizeof buf));
	show(write(p[1], buf, 3 * PAGE));
	show(read(p[0], buf, sizeof buf));
	show(read(p[0], buf, sizeof buf));
	show(read(p[0], buf, sizeof buf));
	show(read(p[0], buf, sizeof buf));
	show((fcntl(p[1], F_GETFL) & O_DIRECT) != 0);
	show(fcntl(p[1], F_SETFL, O_NONBLOCK)); // back to bytes
	must(write(p[1], "a", 1)), must(write(p[1], "b", 1));
	show(read(p[0], buf, sizeof buf));
	show(fcntl(p[1], F_SETFL, O_NONBLOCK | O_DIRECT));
	must(write(p[1], "a", 1)), must(write(p[1], "b", 1));
	show(read(p[0], buf, sizeof buf));
	show(read(p[0], buf, sizeof buf));
	show(write(p[1], "", 0));
	show(read(p[0], buf, sizeof buf));
	return 0;
}
