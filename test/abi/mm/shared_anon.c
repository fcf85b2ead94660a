// MAP_SHARED|MAP_ANONYMOUS and /dev/zero: shared with children, zero at first, fit for atomics.
#include "../oracle.h"

int main(void) {
	int rw = PROT_READ | PROT_WRITE;
	volatile long *s = mmap(NULL, 2 * PAGE, rw, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int zero = must(open("/dev/zero", O_RDWR));
	volatile long *z = mmap(NULL, PAGE, rw, MAP_SHARED, zero, 0);
	volatile long *zp = mmap(NULL, PAGE, rw, MAP_PRIVATE, zero, 0);
	fact("zero at first: %ld %ld %ld", s[0], z[0], zp[0]);
	pid_t pids[4];
	for (int i = 0; i < 4; i++)
		pids[i] = spawn({
			for (int k = 0; k < 1000; k++) {
				__atomic_fetch_add(&s[0], 1, __ATOMIC_SEQ_CST);
				__atomic_fetch_add(&z[0], 2, __ATOMIC_SEQ_CST);
				zp[0]++;
			}
		});
	for (int i = 0; i < 4; i++)
		quiet(pids[i]);
	fact("after four children: %ld %ld %ld", s[0], z[0], zp[0]);
	volatile long *z2 = mmap(NULL, PAGE, rw, MAP_SHARED, zero, 0);
	fact("another mapping of /dev/zero: %ld", z2[0]);
	quiet(spawn(must(munmap((void *)s, PAGE)); s[PAGE / 8] = 5));
	fact("child's munmap is its own: %ld %ld", s[0], s[PAGE / 8]);
	char text[64] = "xxxx";
	show(read(zero, text, 64));
	fact("%d %d", text[0], text[63]);
	show(write(zero, text, 64));
	char path[64], link[64] = {0};
	snprintf(path, sizeof path, "/proc/self/map_files/%lx-%lx", (long)s, (long)s + 2 * PAGE);
	must(readlink(path, link, sizeof link - 1));
	fact("its file: %s", link);
	return 0;
}
