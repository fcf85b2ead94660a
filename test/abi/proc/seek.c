// Positions in files of /proc: small reads, pread, lseek, both together, the same text.
#include "../oracle.h"
static const char *files[] = {"/proc/self/status", "/proc/self/maps", "/proc/self/limits", "/proc/self/mountinfo", "/proc/version", "/proc/filesystems", "/proc/self/environ", "/proc/self/cmdline", "/proc/self/auxv", "/proc/sys/kernel/ostype", "/proc/devices", "/proc/self/comm", "/proc/self/oom_score_adj", "/proc/swaps"};

static int piecewise(const char *path, int step, char *into) {
	int fd = must(open(path, O_RDONLY)), n = 0, k;
	while ((k = read(fd, into + n, step)) > 0)
		n += k;
	close(fd);
	return n;
}

int main(void) {
	static char all[1 << 16], b[1 << 16];
	for (unsigned i = 0; i < COUNT(files); i++) {
		const char *p = files[i];
		int n = piecewise(p, 1 << 16, all), changes = strstr(p, "status") || strstr(p, "maps"), m = piecewise(p, 3, b), same = (changes || m == n) && !memcmp(all, b, changes ? 6 : n);
		int fd = must(open(p, O_RDONLY));
		char c[8] = {0}, d[8] = {0};
		long a = pread(fd, c, 4, 2), at = lseek(fd, 0, SEEK_CUR), b1 = read(fd, d, 4), pos = lseek(fd, 0, SEEK_CUR);
		fact("%s: pieces %d, pread %ld %d, position %ld, read %ld %d, then %ld", p, same, a, !memcmp(c, all + 2, 4), at, b1, !memcmp(d, all, 4), pos);
		long s = lseek(fd, 1, SEEK_SET), e = err(lseek(fd, -1, SEEK_SET)), end = lseek(fd, 0, SEEK_END), ee = errno;
		fact("  set %ld, negative %s, end %s", s, ename(e), end < 0 ? ename(ee) : "a position");
		must(lseek(fd, 0, SEEK_SET)), a = read(fd, b, 1), fact("  from the beginning %ld %d", a, b[0] == all[0]);
		show(pread(fd, b, 10, 1 << 20)), show(pread(fd, b, 4, -1)), show(write(fd, "x", 1));
		close(fd);
	}
	int fd = must(open("/proc/sys/kernel/pid_max", O_RDONLY));
	char c[8];
	show(read(fd, c, 1)), show(read(fd, c, 1)), show(pread(fd, c, 4, 1)); // numbers are read at once
	must(lseek(fd, 0, SEEK_SET)), show(read(fd, c, 8) > 1), show(lseek(fd, 0, SEEK_END));
	return 0;
}
