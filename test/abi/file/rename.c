// rename(2), renameat2: kinds over kinds, into itself, same file, NOREPLACE, EXCHANGE, WHITEOUT.
#include "../oracle.h"
#include <ftw.h>
#include <sys/sysmacros.h>
static int drop(const char *p, const struct stat *st, int kind, struct FTW *f) { return remove(p); }
static void reset(void) {
	nftw("a", drop, 8, FTW_DEPTH | FTW_PHYS);
	must(mkdir("a", 0755)), must(mkdir("a/d", 0755)), must(mkdir("a/full", 0755)), must(mkdir("a/full/x", 0755));
	make("a/f", "f"), make("a/g", "g"), must(link("a/f", "a/hard")), must(symlink("f", "a/sym")), must(symlink("none", "a/dang")), must(mkfifo("a/p", 0600));
}
static void row(const char *from, const char *to, int flags) {
	reset();
	char x[64], y[64];
	snprintf(x, 64, "a/%s", from), snprintf(y, 64, "a/%s", to);
	struct stat a, b, c;
	int had = lstat(x, &a);
	int e = err(renameat2(AT_FDCWD, x, AT_FDCWD, y, flags));
	int left = lstat(x, &b), now = lstat(y, &c);
	fact("%s -> %s%s: %s, source %s, target %s", from, to, flags == 1 ? " NOREPLACE" : flags == 2 ? " EXCHANGE" : "", ename(e), left ? "gone" : b.st_ino == a.st_ino ? "there" : "other", now ? "none" : !had && c.st_ino == a.st_ino ? "is it" : "other");
}

int main(void) {
	static const char *pairs[][2] = {{"f", "g"}, {"f", "new"}, {"f", "d"}, {"d", "f"}, {"d", "new"}, {"d", "full"}, {"full", "d"}, {"f", "hard"}, {"f", "f"}, {"d", "d"}, {"d", "d/in"}, {"full", "full/x/y"}, {"full/x", "full"}, {"sym", "g"}, {"g", "sym"}, {"dang", "g"}, {"none", "g"}, {"p", "f"}, {"f", "none/x"}, {"f", "g/x"}, {"f/", "new"}, {"f", "new/"}, {"d/", "new/"}, {"d", "new/"}, {"d/.", "new"}, {"d", "."}, {"d/..", "new"}, {"", "new"}};
	for (unsigned i = 0; i < COUNT(pairs); i++)
		row(pairs[i][0], pairs[i][1], 0);
	static const char *more[][2] = {{"f", "g"}, {"f", "new"}, {"f", "d"}, {"d", "full"}, {"f", "hard"}, {"f", "f"}, {"d", "d/in"}, {"full/x", "full"}, {"none", "f"}, {"f", "full/x"}};
	for (int flags = 1; flags <= 2; flags++)
		for (unsigned i = 0; i < COUNT(more); i++)
			row(more[i][0], more[i][1], flags);
	reset();
	show(renameat2(AT_FDCWD, "a/f", AT_FDCWD, "a/g", RENAME_NOREPLACE | RENAME_EXCHANGE));
	show(renameat2(AT_FDCWD, "a/f", AT_FDCWD, "a/g", 8));
	show(rename("a/f", "/proc/f")), show(rename("a/f", "/dev/shm/f")), show(rename("/proc", "/x"));
	show(renameat2(AT_FDCWD, "a/f", AT_FDCWD, "a/moved", RENAME_WHITEOUT));
	struct stat st;
	must(lstat("a/f", &st));
	fact("whiteout: mode %o device %u,%u", st.st_mode, major(st.st_rdev), minor(st.st_rdev));
	must(stat("a", &st));
	show(st.st_nlink);
	must(rename("a/d", "d"));
	must(stat("a", &st));
	show(st.st_nlink);
	int fd = must(open("a/g", O_RDONLY));
	must(rename("a/g", "elsewhere"));
	char link[32], target[256] = {0};
	snprintf(link, 32, "/proc/self/fd/%d", fd);
	must(readlink(link, target, 255));
	fact("%s", strrchr(target, '/'));
	must(chdir("d"));
	must(rename("../d", "../dd"));
	must(readlink("/proc/self/cwd", target, 255) > 0 ? 0 : -1);
	fact("%.3s", strrchr(target, '/'));
	return 0;
}
