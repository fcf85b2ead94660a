// A long fixed sequence of mmap, munmap, mprotect and mremap, checked page by page against a model.
#include "../oracle.h"
#define PAGES 64
static char *base;
static struct { int prot, value; } model[PAGES]; // prot -1: nothing there
static unsigned seed = 12345;
static unsigned next(unsigned n) { return (seed = seed * 1103515245 + 12345) / 65536 % n; }
static int fds[2];

// look asks the kernel for a page's access and its first byte.
static void look(int i, int *prot, int *value) {
	char c = 0, *p = base + i * PAGE;
	*prot = -1, *value = 0;
	if (msync(p, PAGE, MS_ASYNC) < 0)
		return;
	*prot = PROT_NONE;
	if (write(fds[1], p, 1) != 1)
		return;
	must(read(fds[0], &c, 1));
	*prot = PROT_READ, *value = c;
	must(write(fds[1], &c, 1));
	if (read(fds[0], p, 1) == 1)
		*prot |= PROT_WRITE;
	else
		must(read(fds[0], &c, 1));
}

int main(void) {
	must(pipe(fds));
	base = mmap(NULL, PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(munmap(base, PAGES * PAGE));
	for (int i = 0; i < PAGES; i++)
		model[i].prot = -1;
	static const int prots[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE};
	int wrong = 0, done[4] = {0};
	unsigned sum = 0;
	for (int round = 0; round < 400; round++) {
		int op = next(5), at = next(PAGES), n = 1 + next(PAGES - at > 12 ? 12 : PAGES - at), prot = prots[next(3)], e = 0, whole = 1;
		for (int i = at; i < at + n; i++)
			whole &= model[i].prot >= 0;
		if (op <= 1) {
			e = mmap(base + at * PAGE, n * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED;
			for (int i = at; i < at + n; i++)
				model[i].prot = prot, model[i].value = 0;
		} else if (op == 2) {
			e = munmap(base + at * PAGE, n * PAGE);
			for (int i = at; i < at + n; i++)
				model[i].prot = -1, model[i].value = 0;
		} else if (op == 3) {
			e = err(mprotect(base + at * PAGE, n * PAGE, prot)) != (whole ? 0 : ENOMEM);
			for (int i = at; i < at + n && model[i].prot >= 0; i++)
				model[i].prot = prot;
		} else if (model[at].prot == (PROT_READ | PROT_WRITE))
			base[at * PAGE] = model[at].value = 1 + next(100);
		wrong += e != 0, done[op > 3 ? 3 : op ? op - 1 : 0]++;
		for (int k = 0; k < 8; k++) {
			int i = next(PAGES), p, v;
			look(i, &p, &v);
			wrong += p != model[i].prot || (p > 0 && v != model[i].value);
			sum = sum * 31 + p * 7 + v;
		}
	}
	quiet(spawn(int bad = 0; for (int i = 0; i < PAGES; i++) { int p; int v; look(i, &p, &v); bad += p != model[i].prot || (p > 0 && v != model[i].value); } fact("child: wrong %d", bad)));
	fact("wrong %d, operations %d %d %d %d, sum %u", wrong, done[0], done[1], done[2], done[3], sum);
	return 0;
}
