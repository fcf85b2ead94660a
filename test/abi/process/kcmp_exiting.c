// kcmp(2) of descriptors of a process that has ended and was not waited for, and of one that ends meanwhile.
#include "../oracle.h"

#define KCMP_FILE 0

static long files(pid_t a, pid_t b) { return sys(SYS_kcmp, a, b, KCMP_FILE, 0, 0); }

int main(void) {
	pid_t me = getpid(), p = must(fork());
	if (p == 0)
		_exit(0);
	await(p, "Z");
	long r = files(me, p);
	fact("of a zombie: %s", r == -1 ? ename(errno) : "done");
	must(waitpid(p, NULL, 0));
	r = files(me, p);
	fact("of nobody: %s", r == -1 ? ename(errno) : "done");
	int odd = 0;
	for (int i = 0; i < 200; i++) {
		p = must(fork());
		if (p == 0)
			_exit(0);
		for (int j = 0; j < 20; j++) {
			r = files(me, p);
			odd += r != 0 && !(r == -1 && (errno == EBADF || errno == EPERM));
		}
		must(waitpid(p, NULL, 0));
	}
	show(odd);
	return 0;
}
