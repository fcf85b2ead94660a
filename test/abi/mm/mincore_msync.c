// mincore(2), msync(2): errors and results for anonymous and file memory.
#include "../oracle.h"

int main(void) {
	int anon = MAP_PRIVATE | MAP_ANONYMOUS, rw = PROT_READ | PROT_WRITE;
	unsigned char vec[8];
	char *p = mmap(NULL, 4 * PAGE, rw, anon, -1, 0);
	p[PAGE] = 1, p[3 * PAGE] = 1;
	memset(vec, 0x5a, sizeof vec);
	show(mincore(p, 4 * PAGE, vec));
	fact("touched pages: %d %d, beyond: %#x", vec[1] & 1, vec[3] & 1, vec[4]);
	show(mincore(p + 1, PAGE, vec));
	show(mincore(p, 0, vec));
	show(mincore(p, PAGE, (void *)1));
	memset(vec, 0x5a, sizeof vec);
	show(mincore(p, PAGE + 1, vec));
	fact("a part of a page counts: %d", vec[1] != 0x5a && vec[2] == 0x5a);
	must(munmap(p + 2 * PAGE, PAGE));
	show(mincore(p, 4 * PAGE, vec));
	show(mincore((void *)(1UL << 57), PAGE, vec));
	make("f", "text");
	int fd = must(open("f", O_RDWR));
	char *m = mmap(NULL, PAGE, rw, MAP_SHARED, fd, 0);
	m[0] = 'T';
	show(msync(m, PAGE, MS_SYNC));
	show(msync(m, PAGE, MS_ASYNC));
	show(msync(m, PAGE, MS_SYNC | MS_ASYNC));
	show(msync(m, PAGE, MS_INVALIDATE));
	show(msync(m, PAGE, 64));
	show(msync(m + 1, PAGE, MS_SYNC));
	show(msync(m, 0, MS_SYNC));
	show(msync(p, 4 * PAGE, MS_SYNC));
	must(mlock(m, PAGE));
	show(msync(m, PAGE, MS_INVALIDATE));
	fact("file: %s", slurp("f"));
	return 0;
}
