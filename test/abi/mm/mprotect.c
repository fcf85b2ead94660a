// mprotect(2): splitting, errors, partial effect before a hole, growsdown.
#include "../oracle.h"

// readable asks the kernel, which answers EFAULT instead of a signal.
static const char *access_of(char *p) {
	static int fds[2];
	if (!fds[1])
		must(pipe(fds));
	char c = 'x';
	int r = write(fds[1], p, 1) == 1;
	if (!r)
		must(write(fds[1], &c, 1));
	int w = read(fds[0], p, 1) == 1;
	if (!w)
		must(read(fds[0], &c, 1));
	return r && w ? "rw" : r ? "r-" : w ? "-w" : "--";
}

int main(void) {
	char *p = mmap(NULL, 6 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < 6; i++)
		p[i * PAGE] = 'a' + i;
	must(mprotect(p + PAGE, 2 * PAGE, PROT_READ));
	must(mprotect(p + 2 * PAGE, 2 * PAGE, PROT_NONE));
	for (int i = 0; i < 6; i++)
		fact("page %d: %s", i, access_of(p + i * PAGE));
	must(mprotect(p, 6 * PAGE, PROT_READ | PROT_WRITE));
	for (int i = 0; i < 6; i++)
		fact("page %d: %s %c", i, access_of(p + i * PAGE), p[i * PAGE]);
	show(mprotect(p + 1, PAGE, PROT_READ));
	show(mprotect(p, 0, PROT_READ));
	show(mprotect(p, PAGE, 0x100));
	show(mprotect(p, -1UL, PROT_READ));
	must(munmap(p + 3 * PAGE, PAGE));
	show(mprotect(p, 6 * PAGE, PROT_READ)); // up to the hole it takes effect
	for (int i = 0; i < 6; i++)
		fact("page %d: %s", i, access_of(p + i * PAGE));
	show(mprotect(p + 3 * PAGE, PAGE, PROT_READ));
	make("f", "text");
	int fd = must(open("f", O_RDONLY));
	char *m = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	show(mprotect(m, PAGE, PROT_READ | PROT_WRITE));
	m = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	show(mprotect(m, PAGE, PROT_READ | PROT_WRITE));
	m[0] = 'T';
	fact("private: %.4s, file: %s", m, slurp("f"));
	show(mprotect(p, PAGE, PROT_READ | PROT_GROWSDOWN));
	show(mprotect(p, PAGE, PROT_READ | PROT_GROWSDOWN | PROT_GROWSUP));
	return 0;
}
