// /proc/self/maps and smaps: the form of lines, names of mappings, order, permissions, growth.
#include "../oracle.h"
static void find(const char *what, void *p) {
	char *text = slurp("/proc/self/maps");
	for (char *l = strtok(text, "\n"); l; l = strtok(NULL, "\n")) {
		unsigned long from, to, off, ino;
		unsigned major, minor;
		char perms[5], name[300] = "";
		int n = sscanf(l, "%lx-%lx %4s %lx %x:%x %lu %299[^\n]", &from, &to, perms, &off, &major, &minor, &ino, name);
		if (n >= 7 && (unsigned long)p >= from && (unsigned long)p < to) {
			char *base = strrchr(name, '/');
			fact("%s: %s offset %#lx pages %lu inode %d name '%s' column %d", what, perms, off, *name == '[' ? 0 : (to - from) / PAGE, ino != 0, base ?: name, *name ? (int)(strstr(l, name) - l) : 0);
			free(text);
			return;
		}
	}
	fact("%s: no line", what);
	free(text);
}

int main(void) {
	int anon = MAP_PRIVATE | MAP_ANONYMOUS, rw = PROT_READ | PROT_WRITE, local;
	make("file name", "x"), must(truncate("file name", 4 * PAGE));
	int fd = must(open("file name", O_RDWR));
	char *room = mmap(NULL, 32 * PAGE, PROT_NONE, anon, -1, 0), *a = room + 2 * PAGE, *f = room + 10 * PAGE, *s = room + 20 * PAGE;
	mmap(a, 3 * PAGE, rw, anon | MAP_FIXED, -1, 0), find("anonymous", a), find("none", room);
	mmap(f, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, PAGE), find("file", f);
	mmap(s, PAGE, rw, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0), find("shared anonymous", s);
	mmap(s + PAGE, PAGE, rw, MAP_SHARED | MAP_FIXED, fd, 0), find("shared file", s + PAGE);
	must(mprotect(a + PAGE, PAGE, PROT_READ | PROT_EXEC)), find("split", a), find("middle", a + PAGE), find("end", a + 2 * PAGE), must(mprotect(a + PAGE, PAGE, rw)), find("merged", a);
	mmap(a + 3 * PAGE, PAGE, rw, anon | MAP_FIXED, -1, 0), find("grown by a neighbour", a);
	must(unlink("file name")), find("deleted", f);
	int m = must(memfd_create("mem", 0));
	must(ftruncate(m, PAGE)), mmap(s + 2 * PAGE, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, m, 0), find("memfd", s + 2 * PAGE);
	find("stack", &local), find("heap", sbrk(0) - 1);
	find("text", main);
	char *text = slurp("/proc/self/maps");
	unsigned long last = 0, from, to;
	int ordered = 1;
	for (char *l = strtok(text, "\n"); l; l = strtok(NULL, "\n"))
		sscanf(l, "%lx-%lx", &from, &to), ordered &= from >= last && to > from, last = to;
	show(ordered);
	text = slurp("/proc/self/maps");
	fact("vdso %d vvar %d stack %d heap %d", strstr(text, "[vdso]\n") != NULL, strstr(text, "[vvar") != NULL, strstr(text, "[stack]\n") != NULL, strstr(text, "[heap]\n") != NULL);
	text = slurp("/proc/self/smaps");
	fact("smaps: %d", strstr(text, "\nRss: ") && strstr(text, "\nPrivate_Dirty: ") && strstr(text, "\nVmFlags: ") && strstr(text, " kB\n"));
	text = slurp("/proc/self/smaps_rollup");
	fact("rollup: %d", text && strstr(text, "[rollup]") != NULL);
	int md = must(open("/proc/self/maps", O_RDONLY)), n = 0, k;
	char c[10]; // small reads give the same
	while ((k = read(md, c, 10)) > 0)
		n += k;
	yes(n > 300);
	show(lseek(md, 0, SEEK_SET)), show(read(md, c, 10));
	return 0;
}
