// Futexes between processes: shared anonymous memory, files mapped twice, private ones after fork.
#include "../oracle.h"
#include <linux/futex.h>
#define futex(...) sys(SYS_futex, __VA_ARGS__)

int main(void) {
	int *s = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct gate g = gate_new();
	pid_t pid = spawn(gate_open(g); _exit(err(futex(s, FUTEX_WAIT, 0, NULL))));
	gate_pass(g);
	asleep(pid);
	show(futex(s, FUTEX_WAKE_PRIVATE, 1)); // another key
	show(futex(s, FUTEX_WAKE, 1));
	reap("waiter", pid);
	pid = spawn(gate_open(g); struct timespec t = {0, 400000000}; _exit(err(futex(p, FUTEX_WAIT, 0, &t)) == ETIMEDOUT ? 20 : 21));
	gate_pass(g);
	asleep(pid);
	show(futex(p, FUTEX_WAKE, 1)); // private memory: not the same word
	reap("waiter", pid);
	make("f", "");
	int fd = must(open("f", O_RDWR));
	must(ftruncate(fd, 2 * PAGE));
	int *m = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	pid = spawn({
		int *other = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, open("f", O_RDWR), PAGE);
		gate_open(g);
		_exit(err(futex(other, FUTEX_WAIT, 0, NULL)));
	});
	gate_pass(g);
	asleep(pid);
	show(futex(m, FUTEX_WAKE, 1)); // the first page is another word
	show(futex(m + PAGE / 4, FUTEX_WAKE, 1));
	reap("waiter", pid);
	int *ro = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	show(futex(ro, FUTEX_WAKE, 1));
	struct timespec t = {0, 1000000};
	show(futex(ro, FUTEX_WAIT, 0, &t));
	show(futex(ro, FUTEX_WAKE_OP, 1, 1, ro, FUTEX_OP(FUTEX_OP_ADD, 1, FUTEX_OP_CMP_EQ, 0)));
	show(futex(ro, FUTEX_LOCK_PI, 0, &t));
	must(ftruncate(fd, 0));
	show(futex(m, FUTEX_WAKE, 1)); // past the end of the file
	int *pp = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid = spawn(gate_open(g); show(futex(pp, FUTEX_WAIT_PRIVATE, 0, NULL)));
	gate_pass(g);
	asleep(pid);
	show(futex(pp, FUTEX_WAKE_PRIVATE, 1)); // another process
	kill(pid, SIGKILL);
	reap("waiting process", pid);
	return 0;
}
