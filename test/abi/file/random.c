// A long fixed sequence of reads, writes, truncations and mappings of one file, checked against a copy in memory.
#include "../oracle.h"
#define MAX 40000
static char copy[MAX], buf[MAX];
static int size, seed = 777;
static unsigned next(unsigned n) { return (seed = seed * 1103515245 + 12345) / 65536u % n; }
static unsigned hash(const char *p, int n) {
	unsigned h = 5381;
	while (n-- > 0)
		h = h * 33 + *p++;
	return h;
}

int main(void) {
	int fd = must(open("f", O_RDWR | O_CREAT, 0600)), other = must(open("f", O_RDWR)), wrong = 0;
	char *map = mmap(NULL, MAX, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	for (int round = 0; round < 600; round++) {
		int at = next(MAX - 5000), n = 1 + next(4999), f = next(2) ? fd : other;
		switch (next(7)) {
		case 0:
		case 1:
			for (int i = 0; i < n; i++)
				buf[i] = next(256);
			wrong += pwrite(f, buf, n, at) != n;
			if (at + n > size)
				size = at + n;
			memcpy(copy + at, buf, n);
			break;
		case 2: {
			int want = at >= size ? 0 : at + n > size ? size - at : n;
			wrong += pread(f, buf, n, at) != want || memcmp(buf, copy + at, want);
			break;
		}
		case 3:
			wrong += ftruncate(f, at) != 0;
			if (at < size)
				memset(copy + at, 0, size - at);
			size = at;
			break;
		case 4:
			if (at < size)
				map[at] = copy[at] = next(256);
			break;
		case 5:
			if (at < size)
				wrong += map[at] != copy[at];
			break;
		case 6:
			if (at + n <= size) {
				wrong += fallocate(f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, n) != 0;
				memset(copy + at, 0, n);
			}
		}
		struct stat st;
		must(fstat(f, &st)), wrong += st.st_size != size;
	}
	int n = must(pread(other, buf, MAX, 0));
	fact("wrong %d, size %d read %d, equal %d, hash %u", wrong, size, n, !memcmp(buf, copy, size), hash(buf, n));
	return 0;
}
