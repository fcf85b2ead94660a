// brk(2): growing, shrinking, zeroed memory, a mapping in the way, RLIMIT_DATA.
#include "../oracle.h"
static char *brk_(void *p) { return (char *)sys(SYS_brk, p); }

int main(void) {
	char *start = brk_(0);
	yes(start == brk_((void *)1)); // refused: the old break comes back
	char *base = (char *)(((uintptr_t)start + PAGE - 1) & -PAGE);
	yes(brk_(base + 4 * PAGE) == base + 4 * PAGE);
	base[0] = 'a', base[4 * PAGE - 1] = 'z';
	yes(brk_(base + PAGE + 100) == base + PAGE + 100); // bytes, not pages
	base[PAGE + 200] = 1; // the rest of the page is there
	fact("beyond: %s", ename(err(msync(base + 2 * PAGE, PAGE, MS_ASYNC))));
	yes(brk_(base + 4 * PAGE) == base + 4 * PAGE);
	fact("kept %c, new pages zero: %d", base[0], base[4 * PAGE - 1]);
	char *block = mmap(base + 8 * PAGE, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	yes(block == base + 8 * PAGE);
	yes(brk_(base + 9 * PAGE) == base + 4 * PAGE); // refused
	yes(brk_(base + 7 * PAGE) == base + 7 * PAGE);
	must(munmap(base + 2 * PAGE, PAGE)); // a hole in the heap is allowed
	yes(brk_(base + PAGE) == base + PAGE);
	must(munmap(block, PAGE));
	struct rlimit l = {0, RLIM_INFINITY};
	must(setrlimit(RLIMIT_DATA, &l));
	yes(brk_(base + 2 * PAGE) == base + PAGE);
	l.rlim_cur = 64 << 20;
	must(setrlimit(RLIMIT_DATA, &l));
	yes(brk_(base + 2 * PAGE) == base + 2 * PAGE);
	yes(brk_(base + (65 << 20)) == base + 2 * PAGE);
	int pid = spawn(yes(brk_(0) == base + 2 * PAGE); base[0] = 'c'; brk_(base));
	quiet(pid);
	fact("parent after the child: %c, break kept: %d", base[0], brk_(0) == base + 2 * PAGE);
	return 0;
}
