// RLIMIT_AS and RLIMIT_DATA refuse mappings with ENOMEM; what counts for which.
#include "../oracle.h"
#define MB (1UL << 20)
static const char *try(size_t size, int prot, int flags) {
	void *p = mmap(NULL, size, prot, flags | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return ename(errno);
	munmap(p, size);
	return "ok";
}

int main(void) {
	struct rlimit l = {256 * MB, RLIM_INFINITY};
	int rw = PROT_READ | PROT_WRITE;
	must(setrlimit(RLIMIT_AS, &l));
	fact("AS 256: none 300 %s", try(300 * MB, PROT_NONE, MAP_PRIVATE));
	fact("AS 256: private 300 %s", try(300 * MB, rw, MAP_PRIVATE));
	fact("AS 256: shared 300 %s", try(300 * MB, rw, MAP_SHARED));
	fact("AS 256: noreserve 300 %s", try(300 * MB, rw, MAP_PRIVATE | MAP_NORESERVE));
	fact("AS 256: private 100 %s", try(100 * MB, rw, MAP_PRIVATE));
	char *p = mmap(NULL, 100 * MB, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	fact("grow to 300: %s", ename(err(mremap(p, 100 * MB, 300 * MB, MREMAP_MAYMOVE))));
	fact("over itself: %s", ename(err(mmap(p, 100 * MB, rw, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0))));
	must(munmap(p, 100 * MB));
	l.rlim_cur = RLIM_INFINITY;
	must(setrlimit(RLIMIT_AS, &l));
	l.rlim_cur = 64 * MB;
	must(setrlimit(RLIMIT_DATA, &l));
	fact("DATA 64: private writable 100 %s", try(100 * MB, rw, MAP_PRIVATE));
	fact("DATA 64: private read-only 100 %s", try(100 * MB, PROT_READ, MAP_PRIVATE));
	fact("DATA 64: none 100 %s", try(100 * MB, PROT_NONE, MAP_PRIVATE));
	fact("DATA 64: shared writable 100 %s", try(100 * MB, rw, MAP_SHARED));
	fact("DATA 64: private writable 30 %s", try(30 * MB, rw, MAP_PRIVATE));
	p = mmap(NULL, 100 * MB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	show(mprotect(p, 100 * MB, rw));
	show(mprotect(p, 30 * MB, rw));
	struct rlimit old;
	must(getrlimit(RLIMIT_DATA, &old));
	yes(old.rlim_cur == 64 * MB && old.rlim_max == RLIM_INFINITY);
	return 0;
}
