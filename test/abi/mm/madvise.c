// madvise(2): what DONTNEED, FREE, REMOVE, DONTFORK, WIPEONFORK, POPULATE do, and errors.
#include "../oracle.h"

int main(void) {
	int anon = MAP_PRIVATE | MAP_ANONYMOUS, rw = PROT_READ | PROT_WRITE;
	char *p = mmap(NULL, 4 * PAGE, rw, anon, -1, 0);
	memset(p, 'x', 4 * PAGE);
	show(madvise(p + PAGE, 2 * PAGE, MADV_DONTNEED));
	fact("private anonymous: %d %d %d %d", p[0], p[PAGE], p[2 * PAGE], p[3 * PAGE]);
	make("f", "file text");
	int fd = must(open("f", O_RDWR));
	char *m = mmap(NULL, PAGE, rw, MAP_PRIVATE, fd, 0);
	m[0] = 'F';
	must(madvise(m, PAGE, MADV_DONTNEED));
	fact("private file: %s", m);
	char *s = mmap(NULL, 2 * PAGE, rw, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	strcpy(s, "shared");
	must(madvise(s, PAGE, MADV_DONTNEED));
	fact("shared anonymous: %s", s);
	show(madvise(s, PAGE, MADV_REMOVE));
	fact("after remove: %d", s[0]);
	show(madvise(p, PAGE, MADV_REMOVE));
	show(madvise(p, PAGE, MADV_FREE));
	p[0] = 'y'; // written after: kept
	fact("freed and written: %c", p[0]);
	show(madvise(s, PAGE, MADV_FREE));
	show(madvise(p + 1, PAGE, MADV_DONTNEED));
	show(madvise(p, 0, MADV_DONTNEED));
	show(madvise(p, 1, MADV_NORMAL));
	show(madvise(p, PAGE, 9999));
	show(madvise(p, PAGE, MADV_SEQUENTIAL));
	show(madvise(p, PAGE, MADV_RANDOM));
	show(madvise(p, PAGE, MADV_WILLNEED));
	show(madvise(p, PAGE, MADV_POPULATE_WRITE));
	show(madvise(p, PAGE, MADV_COLD));
	must(munmap(p + 2 * PAGE, PAGE));
	memset(p, 'z', PAGE), p[3 * PAGE] = 'z';
	show(madvise(p, 4 * PAGE, MADV_DONTNEED)); // ENOMEM, but done to all there is
	fact("around the hole: %d %d", p[0], p[3 * PAGE]);
	must(mprotect(p, PAGE, PROT_NONE));
	show(madvise(p, PAGE, MADV_POPULATE_READ));
	char *w = mmap(NULL, 2 * PAGE, rw, anon, -1, 0);
	strcpy(w, "wipe"), strcpy(w + PAGE, "gone");
	show(madvise(w, PAGE, MADV_WIPEONFORK));
	show(madvise(w + PAGE, PAGE, MADV_DONTFORK));
	show(madvise(s, PAGE, MADV_WIPEONFORK));
	quiet(spawn(fact("child: wipe %d, gone %s", w[0], ename(err(msync(w + PAGE, PAGE, MS_ASYNC))))));
	fact("parent: %s %s", w, w + PAGE);
	must(madvise(w, PAGE, MADV_KEEPONFORK)), must(madvise(w + PAGE, PAGE, MADV_DOFORK));
	quiet(spawn(fact("child: %s %s", w, w + PAGE)));
	return 0;
}
