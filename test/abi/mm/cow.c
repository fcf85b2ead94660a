// Copy on write: parent, child and grandchild each see only their own stores; so do read and vmsplice targets.
#include "../oracle.h"

int main(void) {
	int rw = PROT_READ | PROT_WRITE, pipes[2];
	must(pipe(pipes));
	char *p = mmap(NULL, 64 * PAGE, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *s = mmap(NULL, PAGE, rw, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < 64; i++)
		p[i * PAGE] = i;
	struct gate a = gate_new(), b = gate_new();
	int pid = spawn({
		int sum = 0;
		for (int i = 0; i < 64; i++)
			sum += p[i * PAGE];
		fact("child sees %d", sum);
		for (int i = 0; i < 64; i += 2)
			p[i * PAGE] = 100;
		quiet(spawn({
			int same = 0;
			for (int i = 0; i < 64; i++)
				same += p[i * PAGE] == (i % 2 ? i : 100);
			fact("grandchild sees %d right", same);
			p[0] = 101;
		}));
		fact("child after the grandchild: %d", p[0]);
		gate_open(a);
		gate_pass(b);
		must(write(pipes[1], "\xff", 1));
		must(read(pipes[0], p + PAGE, 1)); // the kernel writes: breaks sharing too
		fact("child after read: %d", p[PAGE] & 0xff);
		s[0] = 7;
	});
	gate_pass(a);
	int right = 0;
	for (int i = 0; i < 64; i++)
		right += p[i * PAGE] == i;
	fact("parent sees %d right", right);
	p[3 * PAGE] = 33;
	gate_open(b);
	quiet(pid);
	fact("parent: %d %d %d shared %d", p[0], p[PAGE], p[3 * PAGE], s[0]);
	must(mprotect(p, 64 * PAGE, PROT_READ));
	pid = spawn(must(mprotect(p, PAGE, rw)); p[0] = 55; fact("child: %d", p[0]));
	quiet(pid);
	fact("parent: %d", p[0]);
	for (int i = 0; i < 40; i++) // many generations
		if (fork() == 0)
			p = p, must(mprotect(p, PAGE, rw)), p[0]++;
		else
			quiet(-1), exit(i == 0 ? (fact("first parent: %d", p[0]), 0) : 0);
	fact("fortieth child: %d", p[0]);
	return 0;
}
