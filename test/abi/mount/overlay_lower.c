// overlayfs: a directory of the lower layer alone, read before, while and after it is changed; whiteouts in it.
#include "../oracle.h"
#include <dirent.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

static int has(DIR *d, const char *name) {
	rewinddir(d);
	for (struct dirent *e; (e = readdir(d));)
		if (!strcmp(e->d_name, name))
			return e->d_type;
	return -1;
}
static int count(DIR *d) {
	int n = 0;
	for (rewinddir(d); readdir(d); n++)
		;
	return n;
}
// wrong counts the names whose number is not that of stat.
static int wrong(DIR *d) {
	int n = 0;
	struct stat st;
	rewinddir(d);
	for (struct dirent *e; (e = readdir(d));)
		if (strcmp(e->d_name, "..") && strcmp(e->d_name, "white")) // which is listed, but not there
			must(fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW)), n += st.st_ino != e->d_ino;
	return n;
}
static void fill(const char *dir, int to) {
	char path[64];
	for (int i = 0; i < to; i++)
		snprintf(path, sizeof path, "%s/f%04d", dir, i), make(path, "x");
}

int main(void) {
	must(unshare(CLONE_NEWNS)), must(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL)), must(mount("t", ".", "tmpfs", 0, NULL));
	char here[PATH_MAX];
	must(getcwd(here, sizeof here) ? 0 : -1), must(chdir(here));
	static const char *dirs[] = {"l", "up", "work", "m", "l/few", "l/many", "l/none", "l/gone"};
	for (unsigned i = 0; i < COUNT(dirs); i++)
		must(mkdir(dirs[i], 0755));
	fill("l/few", 5), fill("l/many", 2000), fill("l/gone", 3);
	must(mknod("l/few/null", S_IFCHR | 0600, makedev(1, 3))), must(mknod("l/few/white", S_IFCHR, 0)), must(symlink("f0000", "l/few/link"));
	must(mount("o", "m", "overlay", 0, "lowerdir=l,upperdir=up,workdir=work"));
	DIR *few = opendir("m/few"), *many = opendir("m/many"), *none = opendir("m/none"), *again = opendir("m/many");
	fact("%d %d %d", count(few), count(many), count(none)), fact("%d %d %d", wrong(few), wrong(many), wrong(none));
	fact("%d %d %d", has(few, "null"), has(few, "white"), has(few, "link"));
	struct stat a, b;
	must(stat("m/few", &a)), must(stat("m", &b));
	rewinddir(few);
	for (struct dirent *e; (e = readdir(few));)
		if (e->d_name[0] == '.')
			yes(e->d_ino == (e->d_name[1] ? b.st_ino : a.st_ino));

	// Read a part of it, change it, read the rest: each name that stays comes once.
	rewinddir(again);
	int seen[2000] = {0}, n = 0;
	for (int i = 0; i < 700; i++) {
		struct dirent *e = readdir(again);
		if (e->d_name[0] == 'f')
			seen[atoi(e->d_name + 1)]++;
	}
	make("m/many/new", "x"), must(unlink("m/many/f0000")), must(rename("m/many/f0001", "m/few/from"));
	for (struct dirent *e; (e = readdir(again));)
		if (e->d_name[0] == 'f')
			seen[atoi(e->d_name + 1)]++;
	for (int i = 2; i < 2000; i++)
		n += seen[i] != 1;
	show(n);
	fact("%d %d", count(again), count(many)), fact("%d %d %d", has(many, "new"), has(many, "f0000"), has(many, "f0001")), fact("%d %d", has(few, "from"), count(few));
	must(mkdir("m/none/sub", 0755)), fact("%d %d", count(none), has(none, "sub")), must(rmdir("m/none/sub")), show(count(none));
	long at = (rewinddir(few), readdir(few), readdir(few), telldir(few));
	char *name = strdup(readdir(few)->d_name);
	while (readdir(few))
		;
	seekdir(few, at), yes(!strcmp(name, readdir(few)->d_name));
	DIR *gone = opendir("m/gone");
	show(rmdir("m/gone")), show(count(gone)), must(unlink("m/gone/f0000")), must(unlink("m/gone/f0001")), must(unlink("m/gone/f0002")), show(count(gone)), show(rmdir("m/gone"));
	fact("%d %d", wrong(few), wrong(many));
	return 0;
}
