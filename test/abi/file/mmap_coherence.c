// Mappings and read/write of one file agree at once, in both directions; truncation takes mapped pages away
// (SIGBUS) and gives zeroes back; private mappings keep what they copied.
#include "../oracle.h"
#include <setjmp.h>
#include <sys/wait.h>
static sigjmp_buf env;
static void bus(int s) { siglongjmp(env, s); }
static const char *touch(volatile char *p) { int s = sigsetjmp(env, 1); return s ? signame(s) : ((void)*p, "ok"); }

static void all(const char *where) {
	fact("%s", where);
	int fd = must(open("mapped", O_CREAT | O_RDWR | O_TRUNC, 0600));
	must(ftruncate(fd, 3 * PAGE));
	char *m = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), *p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0), b[8] = {0};
	must(m == MAP_FAILED || p == MAP_FAILED ? -1 : 0);
	must(pwrite(fd, "written", 7, PAGE)), fact("written, then mapped: %.7s, private %.7s", m + PAGE, p + PAGE);
	memcpy(m + 10, "stored", 6), must(pread(fd, b, 6, 10)), fact("stored, then read: %.6s, private %.6s", b, p + 10);
	p[PAGE] = 'P', must(pread(fd, b, 1, PAGE)), fact("a private store: file %c, shared %c", b[0], m[PAGE]);
	must(pwrite(fd, "again", 5, PAGE)), fact("the copied page stays: %.7s, shared %.7s", p + PAGE, m + PAGE);
	int two = must(open("mapped", O_RDWR));
	must(pwrite(two, "other", 5, 2 * PAGE)), fact("another descriptor: %.5s", m + 2 * PAGE);
	quiet(spawn(memcpy(m, "child", 5))), must(read(two, b, 5)), fact("a child's store: %.5s", b);
	fact("beyond the end: %s", touch(m + 3 * PAGE));
	must(ftruncate(two, PAGE + 3)), fact("cut off: %s, last page %s, %.3s then %d", touch(m + 2 * PAGE), touch(m + PAGE), m + PAGE, m[PAGE + 3]);
	fact("private, copied: %s, not: %s", touch(p + PAGE), touch(p + 2 * PAGE));
	m[PAGE + 100] = 'z'; // behind the end, in the last page: lost
	must(ftruncate(fd, 4 * PAGE)), fact("longer again: %s %d, kept %d", touch(m + 3 * PAGE), m[2 * PAGE], m[PAGE + 3]);
	must(pread(fd, b, 1, PAGE + 2)), fact("still there: %c", b[0]);
	char *ro = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, PAGE);
	must(write(two, "moved", 5)), must(pwrite(two, "RO", 2, PAGE)), fact("a mapping made later: %.2s", ro);
	show(msync(m, 4 * PAGE, MS_SYNC)), show(msync(m, PAGE, MS_ASYNC | MS_SYNC)), show(fdatasync(fd));
	must(unlink("mapped")), must(close(fd)), must(close(two)), m[0] = 'u', fact("unlinked: %c %s", m[0], touch(m + 3 * PAGE));
	must(munmap(m, 4 * PAGE)), must(munmap(p, 3 * PAGE)), must(munmap(ro, PAGE));
}

int main(void) {
	on(SIGBUS, bus, 0), on(SIGSEGV, bus, 0);
	all("here");
	char dir[] = "/mmap.XXXXXX";
	if (!mkdtemp(dir) || chdir(dir))
		return fact("no directory: %s", ename(errno)), 1;
	all("on the root file system");
	must(chdir("/")), show(rmdir(dir));
	return 0;
}
