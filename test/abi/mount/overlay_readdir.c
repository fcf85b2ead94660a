// overlayfs: directories read while names go and come, in one layer and merged; positions; numbers.
#include "../oracle.h"
#include <dirent.h>
#include <sys/mount.h>

static void fill(const char *dir, int from, int to) {
	char path[64];
	for (int i = from; i < to; i++)
		snprintf(path, sizeof path, "%s/f%03d", dir, i), make(path, "x");
}
// removed takes away every name as it is read.
static int removed(const char *dir) {
	DIR *d = opendir(dir);
	int n = 0;
	for (struct dirent *e; (e = readdir(d));)
		if (e->d_name[0] != '.')
			must(unlinkat(dirfd(d), e->d_name, 0)), n++;
	closedir(d);
	return n;
}
// numbers tells whether the directory's numbers are those of stat, and how many names there are.
static int numbers(const char *dir) {
	DIR *d = opendir(dir);
	int n = 0, wrong = 0;
	struct stat st;
	for (struct dirent *e; (e = readdir(d));)
		if (strcmp(e->d_name, ".."))
			must(fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW)), wrong += st.st_ino != e->d_ino, n++;
	closedir(d);
	return wrong ? -wrong : n;
}

int main(void) {
	must(unshare(CLONE_NEWNS)), must(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL)), must(mount("t", ".", "tmpfs", 0, NULL));
	char here[PATH_MAX];
	must(getcwd(here, sizeof here) ? 0 : -1), must(chdir(here));
	static const char *dirs[] = {"l1", "l2", "up", "work", "m", "l1/both", "l2/both", "l2/low"};
	for (unsigned i = 0; i < COUNT(dirs); i++)
		must(mkdir(dirs[i], 0755));
	fill("l1/both", 0, 200), fill("l2/both", 100, 300), fill("l2/low", 0, 300);
	must(mount("o", "m", "overlay", 0, "lowerdir=l1:l2,upperdir=up,workdir=work"));
	must(mkdir("m/made", 0755)), fill("m/made", 0, 300), fill("m/both", 300, 350), must(chmod("m/both/f150", 0600)), must(rename("m/low/f001", "m/made/moved"));
	show(numbers("m/both")), show(numbers("m/low")), show(numbers("m/made")), show(numbers("m"));
	DIR *d = opendir("m/made"), *b = opendir("m/both");
	int n = 0, k = 0;
	for (int i = 0; i < 10; i++)
		readdir(d), readdir(b);
	long at = telldir(d), bat = telldir(b);
	char *name = strdup(readdir(d)->d_name), *bname = strdup(readdir(b)->d_name);
	while (readdir(d))
		n++;
	while (readdir(b))
		k++;
	fact("%d %d", n, k), seekdir(d, at), seekdir(b, bat), yes(!strcmp(name, readdir(d)->d_name)), yes(!strcmp(bname, readdir(b)->d_name));
	fill("m/made", 400, 450), fill("m/both", 400, 450), rewinddir(d), rewinddir(b);
	for (n = 0; readdir(d); n++)
		;
	for (k = 0; readdir(b); k++)
		;
	fact("%d %d", n, k), closedir(d), closedir(b);
	show(removed("m/both")), show(removed("m/low")), show(removed("m/made")), show(numbers("m/both")), show(rmdir("m/both")), show(rmdir("m/low")), show(rmdir("m/made"));
	d = opendir("m"), must(mkdir("m/later", 0755));
	while (readdir(d))
		;
	closedir(d), d = opendir("m/later"), show(rmdir("m/later")), errno = 0, readdir(d), fact("%s", ename(errno)), closedir(d);
	return 0;
}
