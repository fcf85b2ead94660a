// File times follow the clock: mtime and ctime after write, atime rules, order between files.
#include "../oracle.h"
static int64_t ns(struct timespec t) { return t.tv_sec * 1000000000LL + t.tv_nsec; }
static struct stat st(const char *p) {
	struct stat s;
	must(lstat(p, &s));
	return s;
}
#define tick() usleep(12000) // file times move in ticks

int main(void) {
	int64_t before = now_ns(CLOCK_REALTIME_COARSE);
	make("f", "hello");
	struct stat a = st("f"), b;
	yes(ns(a.st_mtim) >= before && ns(a.st_mtim) <= now_ns(CLOCK_REALTIME));
	yes(ns(a.st_mtim) == ns(a.st_ctim));
	tick();
	must(chmod("f", 0600));
	b = st("f");
	fact("chmod: mtime same %d, ctime later %d", ns(a.st_mtim) == ns(b.st_mtim), ns(b.st_ctim) > ns(a.st_ctim));
	a = b, tick();
	int fd = must(open("f", O_RDWR));
	b = st("f");
	fact("open: nothing %d", ns(a.st_mtim) == ns(b.st_mtim) && ns(a.st_ctim) == ns(b.st_ctim));
	must(write(fd, "x", 1));
	b = st("f");
	fact("write: mtime later %d, ctime equal to it %d", ns(b.st_mtim) > ns(a.st_mtim), ns(b.st_ctim) == ns(b.st_mtim));
	a = b, tick();
	must(write(fd, "x", 0));
	b = st("f");
	fact("write of nothing: same %d", ns(b.st_mtim) == ns(a.st_mtim));
	must(ftruncate(fd, 5));
	b = st("f");
	fact("truncate to the same size: later %d", ns(b.st_mtim) > ns(a.st_mtim));
	a = b, tick();
	must(mkdir("d", 0755));
	a = st("d"), tick();
	make("d/x", "");
	b = st("d");
	fact("directory after create: mtime later %d", ns(b.st_mtim) > ns(a.st_mtim));
	a = b, tick();
	must(rename("d/x", "d/y"));
	b = st("d");
	fact("after rename: later %d", ns(b.st_mtim) > ns(a.st_mtim));
	struct stat f = st("f");
	tick();
	must(link("f", "d/l"));
	b = st("f");
	fact("link: ctime later %d, mtime same %d", ns(b.st_ctim) > ns(f.st_ctim), ns(b.st_mtim) == ns(f.st_mtim));
	f = b, tick();
	must(unlink("d/l"));
	b = st("f");
	fact("unlink: ctime later %d", ns(b.st_ctim) > ns(f.st_ctim));
	f = b, tick();
	must(rename("f", "g"));
	b = st("g");
	fact("rename: ctime later %d", ns(b.st_ctim) > ns(f.st_ctim));
	char c;
	struct timespec old[2] = {{1, 0}, {1, 0}};
	must(utimensat(AT_FDCWD, "g", old, 0)), tick();
	must(pread(fd, &c, 1, 0));
	b = st("g");
	fact("read after an old atime: newer %d", b.st_atim.tv_sec > 1);
	f = b, tick();
	must(pread(fd, &c, 1, 0));
	b = st("g");
	fact("again: %s", ns(b.st_atim) == ns(f.st_atim) ? "same (relatime)" : "newer");
	return 0;
}
