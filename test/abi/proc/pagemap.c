// /proc/PID/pagemap: eight bytes a page, which are there, without page frames for others than root.
#include "../oracle.h"
#include <stdbool.h>
static int fd;
static void look(const char *what, char *p) {
	uint64_t w = 0;
	must(pread(fd, &w, 8, (uintptr_t)p / PAGE * 8));
	fact("%s: present %d swapped %d file %d", what, (int)(w >> 63), (int)(w >> 62 & 1), (int)(w >> 61 & 1));
}

int main(void) {
	fd = must(open("/proc/self/pagemap", O_RDONLY));
	char *m = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(madvise(m, 4 * PAGE, MADV_NOHUGEPAGE));
	look("untouched", m), m[0] = 1, look("touched", m), must(madvise(m, PAGE, MADV_DONTNEED)), look("given back", m);
	must(munmap(m, PAGE)), look("unmapped", m);
	char *s = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	s[0] = 1, look("shared", s);
	uint64_t w[4];
	show(pread(fd, w, 32, (uintptr_t)m / PAGE * 8)), show(pread(fd, w, 7, 0)), show(pread(fd, w, 8, 4)), show(pread(fd, w, 0, 0)), show(pread(fd, w, 8, 1L << 60)), show(write(fd, w, 8)), show(open("/proc/self/pagemap", O_WRONLY) < 0);
	struct gate g = gate_new();
	pid_t pid = spawn(gate_open(g); pause());
	gate_pass(g);
	char path[64];
	snprintf(path, 64, "/proc/%d/pagemap", pid);
	quiet(spawn(must(setuid(1000)); show(open(path, O_RDONLY))));
	quiet(spawn({
		must(setresuid(1000, 1000, 1000)), must(prctl(PR_SET_DUMPABLE, 1));
		int own = must(open("/proc/self/pagemap", O_RDONLY));
		s[0] = 2, must(pread(own, w, 8, (uintptr_t)s / PAGE * 8)), fact("frame %#lx", (long)(w[0] & ((1UL << 55) - 1)));
	}));
	fd = must(open(path, O_RDONLY)), kill(pid, SIGKILL), await(pid, "Z"), show(pread(fd, w, 8, 0)), reap("child", pid), show(pread(fd, w, 8, 0));
	return 0;
}
