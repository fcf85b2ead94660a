// mmap(2): hints, MAP_FIXED over old mappings, MAP_FIXED_NOREPLACE, MAP_32BIT, neighbours.
#include "../oracle.h"

int main(void) {
	int anon = MAP_PRIVATE | MAP_ANONYMOUS, rw = PROT_READ | PROT_WRITE;
	char *base = mmap(NULL, 8 * PAGE, rw, anon, -1, 0);
	memset(base, 'a', 8 * PAGE);
	char *p = mmap(base + 2 * PAGE, PAGE, rw, anon | MAP_FIXED, -1, 0);
	yes(p == base + 2 * PAGE);
	fact("replaced: %d, before: %c, after: %c", p[0], p[-1], p[PAGE]);
	fact("noreplace over a mapping: %s", ename(err(mmap(base, PAGE, rw, anon | MAP_FIXED_NOREPLACE, -1, 0))));
	must(munmap(base + 4 * PAGE, 2 * PAGE));
	p = mmap(base + 4 * PAGE, PAGE, rw, anon | MAP_FIXED_NOREPLACE, -1, 0);
	yes(p == base + 4 * PAGE);
	fact("noreplace half over: %s", ename(err(mmap(base + 5 * PAGE, 2 * PAGE, rw, anon | MAP_FIXED_NOREPLACE, -1, 0))));
	p = mmap(base + 5 * PAGE, PAGE, rw, anon, -1, 0);
	yes(p == base + 5 * PAGE); // a free hint is taken
	p = mmap(base, PAGE, rw, anon, -1, 0);
	yes(p != base && p != MAP_FAILED); // a taken hint is not
	p = mmap(base + 100, PAGE, rw, anon, -1, 0);
	yes(p != MAP_FAILED && ((uintptr_t)p & (PAGE - 1)) == 0);
	p = mmap(NULL, PAGE, rw, anon | MAP_32BIT, -1, 0);
	yes(p != MAP_FAILED && (uintptr_t)p < (1UL << 31));
	must(munmap(base, 8 * PAGE));
	show(munmap(base, 8 * PAGE)); // nothing there is no error
	show(munmap(base + 1, PAGE));
	show(munmap(base, 0));
	show(munmap((void *)(1UL << 57), PAGE));
	p = mmap(NULL, 100, rw, anon, -1, 0);
	p[PAGE - 1] = 1; // the whole page is there
	show(munmap(p, 1));
	return 0;
}
