// mremap(2): shrinking, growing in place and by moving, MREMAP_FIXED, MREMAP_DONTUNMAP, errors.
#include "../oracle.h"
#define remap(...) (char *)mremap(__VA_ARGS__)

int main(void) {
	int anon = MAP_PRIVATE | MAP_ANONYMOUS, rw = PROT_READ | PROT_WRITE;
	char *area = mmap(NULL, 64 * PAGE, PROT_NONE, anon, -1, 0), *p, *q;
	must(munmap(area, 64 * PAGE)); // room known to be free
	p = mmap(area, 4 * PAGE, rw, anon | MAP_FIXED, -1, 0);
	for (int i = 0; i < 4; i++)
		p[i * PAGE] = 'a' + i;
	q = remap(p, 4 * PAGE, 2 * PAGE, 0);
	yes(q == p);
	fact("shrunk tail: %s", ename(err(msync(p + 2 * PAGE, PAGE, MS_ASYNC))));
	q = remap(p, 2 * PAGE, 6 * PAGE, 0);
	yes(q == p);
	fact("grown: %c %c %d %d", p[0], p[PAGE], p[2 * PAGE], p[5 * PAGE]);
	mmap(area + 6 * PAGE, PAGE, rw, anon | MAP_FIXED, -1, 0);
	mprotect(area + 6 * PAGE, PAGE, PROT_READ);
	fact("blocked, may not move: %s", ename(err(mremap(p, 6 * PAGE, 8 * PAGE, 0))));
	q = remap(p, 6 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
	yes(q != p && q != MAP_FAILED);
	fact("moved: %c %c, old: %s", q[0], q[PAGE], ename(err(msync(p, PAGE, MS_ASYNC))));
	char *to = area + 32 * PAGE;
	mmap(to, PAGE, rw, anon | MAP_FIXED, -1, 0);
	p = remap(q, 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	yes(p == to);
	fact("fixed: %c %c %d; rest of the old: %s", p[0], p[PAGE], p[2 * PAGE], ename(err(msync(q + 2 * PAGE, PAGE, MS_ASYNC))));
	fact("fixed without maymove: %s", ename(err(mremap(p, PAGE, PAGE, MREMAP_FIXED, area))));
	fact("overlap: %s", ename(err(mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE))));
	fact("unaligned: %s", ename(err(mremap(p + 1, PAGE, 2 * PAGE, MREMAP_MAYMOVE))));
	fact("new size 0: %s", ename(err(mremap(p, PAGE, 0, MREMAP_MAYMOVE))));
	fact("old size 0, private: %s", ename(err(mremap(p, 0, PAGE, MREMAP_MAYMOVE))));
	fact("unmapped: %s", ename(err(mremap(area, PAGE, 2 * PAGE, MREMAP_MAYMOVE))));
	fact("over two mappings: %s", ename(err(mremap(p + 2 * PAGE, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE))));
	fact("unknown flag: %s", ename(err(mremap(p, PAGE, PAGE, 64))));
	q = remap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
	fact("dontunmap: new %c %c, old %d %d", q[0], q[PAGE], p[0], p[PAGE]);
	fact("dontunmap, other size: %s", ename(err(mremap(p, PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP))));
	char *s = mmap(NULL, 2 * PAGE, rw, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	strcpy(s, "shared");
	q = remap(s, 0, 2 * PAGE, MREMAP_MAYMOVE); // a second view
	q[0] = 'S';
	fact("old size 0, shared: %s %s", s, q);
	return 0;
}
