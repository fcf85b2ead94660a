// openat2(2): resolve flags, strictness about flags and modes, structure sizes.
#include "../oracle.h"
#include <linux/openat2.h>
static int dir;
static void row(const char *what, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
	struct open_how h = {flags, mode, resolve};
	long fd;
	do
		fd = sys(SYS_openat2, dir, path, &h, sizeof h);
	while (fd == -1 && errno == EAGAIN && resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT) && !(resolve & RESOLVE_CACHED)); // a rename elsewhere: openat2(2)
	fact("%s: %s", what, fd < 0 ? ename(errno) : "ok");
	if (fd >= 0)
		close(fd);
}

int main(void) {
	must(mkdir("d", 0755)), must(mkdir("d/sub", 0755)), make("d/f", "x"), make("outside", "y");
	must(symlink("f", "d/rel")), must(symlink("/outside", "d/abs")), must(symlink("../outside", "d/up")), must(symlink("/f", "d/rootf"));
	must(symlink("sub/../f", "d/inner")), must(symlink("/proc/self/exe", "d/magic"));
	dir = must(open("d", O_PATH));
	static const char *paths[] = {"f", "rel", "abs", "up", "rootf", "inner", "magic", "../outside", "/outside", "/f", "sub/../../d/f", "..", ".", "sub/../f", "none"};
	static const struct { const char *name; int r; } kinds[] = {{"plain", 0}, {"BENEATH", RESOLVE_BENEATH}, {"IN_ROOT", RESOLVE_IN_ROOT}, {"NO_SYMLINKS", RESOLVE_NO_SYMLINKS}, {"NO_MAGICLINKS", RESOLVE_NO_MAGICLINKS}, {"NO_XDEV", RESOLVE_NO_XDEV}};
	for (unsigned k = 0; k < COUNT(kinds); k++)
		for (unsigned i = 0; i < COUNT(paths); i++) {
			char what[64];
			snprintf(what, 64, "%s %s", kinds[k].name, paths[i]);
			row(what, paths[i], O_RDONLY, 0, kinds[k].r);
		}
	row("BENEATH and IN_ROOT", "f", O_RDONLY, 0, RESOLVE_BENEATH | RESOLVE_IN_ROOT);
	row("NO_XDEV into /proc", "/proc/self/status", O_RDONLY, 0, RESOLVE_NO_XDEV);
	row("unknown resolve", "f", O_RDONLY, 0, 0x100);
	row("unknown flag", "f", 1UL << 40, 0, 0);
	row("mode without CREAT", "f", O_RDONLY, 0600, 0);
	row("mode too large", "n", O_CREAT | O_RDWR, 0200000, 0);
	row("mode with CREAT", "n", O_CREAT | O_RDWR, 0600, 0);
	row("PATH with TRUNC", "f", O_PATH | O_TRUNC, 0, 0);
	row("PATH with CLOEXEC", "f", O_PATH | O_CLOEXEC, 0, 0);
	row("TMPFILE", ".", O_TMPFILE | O_RDWR, 0600, RESOLVE_BENEATH);
	row("CREAT, BENEATH, up", "../made", O_CREAT | O_RDWR, 0600, RESOLVE_BENEATH);
	row("CACHED", "f", O_RDONLY, 0, 0x20);
	row("CACHED with CREAT", "n2", O_CREAT | O_RDWR, 0600, 0x20);
	struct { struct open_how h; uint64_t more; } big = {{O_RDONLY}, 0};
	show(sys(SYS_openat2, dir, "f", &big, 0));
	show(sys(SYS_openat2, dir, "f", &big, 23));
	ok(sys(SYS_openat2, dir, "f", &big, 32));
	big.more = 1;
	show(sys(SYS_openat2, dir, "f", &big, 32));
	show(sys(SYS_openat2, dir, "f", &big, 5000));
	show(sys(SYS_openat2, dir, "f", 8, 24));
	return 0;
}
