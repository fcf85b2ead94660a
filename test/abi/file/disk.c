// Files of the root file system, which a sandbox may keep on the host's disk: what names,
// attributes, contents and mappings say of each other after changes.
#include "../oracle.h"
#include <dirent.h>

static struct stat of(const char *name) {
	struct stat st;
	must(lstat(name, &st));
	return st;
}

static void show_stat(const char *name) {
	struct stat s = of(name);
	fact("%s: mode %o, links %d, size %ld, owner %d:%d", name, s.st_mode, (int)s.st_nlink, (long)s.st_size, s.st_uid, s.st_gid);
}

static int entries(const char *name) {
	int n = 0;
	DIR *d = opendir(name);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

int main(void) {
	char dir[] = "/disk.XXXXXX";
	if (!mkdtemp(dir) || chdir(dir))
		return fact("no directory: %s", ename(errno)), 1;
	umask(022);
	// Names of a directory that was just made: those that are there and those that are not.
	ok(mkdir("d", 01777));
	ok(open("d/f", O_RDONLY));
	int fd = must(open("d/f", O_RDWR | O_CREAT | O_EXCL, 0666));
	ok(open("d/f", O_RDWR | O_CREAT | O_EXCL, 0666));
	ok(link("d/f", "d/g"));
	ok(rename("d/g", "h"));
	ok(open("d/g", O_RDONLY));
	fact("entries: %d", entries("d"));
	yes(of("d/f").st_ino == of("h").st_ino);
	ok(rename("d/f", "h")); // two names of one file: nothing happens
	fact("entries: %d", entries("d"));
	show_stat("d/f");
	// Contents by descriptor, by mapping, by another name.
	show(write(fd, "0123456789", 10));
	char *m = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	yes(m != MAP_FAILED);
	m[3] = 'x';
	char buf[32] = "";
	int other = must(open("h", O_RDONLY));
	show(pread(other, buf, sizeof buf, 0));
	fact("%s, behind the end %d", buf, m[100]);
	char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, other, 0);
	p[0] = 'P';
	show(pwrite(fd, "AB", 2, 0));
	fact("shared %.4s private %.4s", m, p);
	ok(truncate("h", 4));
	fact("shared after truncation %d %d", m[3], m[4]);
	ok(ftruncate(fd, PAGE + 1));
	show(lseek(other, 0, SEEK_END));
	show(lseek(other, PAGE + 1, SEEK_DATA));
	int app = must(open("h", O_WRONLY | O_APPEND));
	show(pwrite(app, "z", 1, 0)); // appends all the same
	show_stat("h");
	// Gone names, living files.
	ok(unlink("d/f"));
	ok(unlink("h"));
	fact("links %d", (int)({ struct stat s; fstat(fd, &s); s.st_nlink; }));
	show(pread(other, buf, 4, 0));
	ok(linkat(fd, "", AT_FDCWD, "back", AT_EMPTY_PATH));
	// Attributes.
	close(must(open("s", O_WRONLY | O_CREAT, 0755)));
	ok(chown("s", 12, 34));
	ok(chmod("s", 06755));
	show_stat("s");
	ok(chown("s", 13, -1)); // takes the set-id bits away
	show_stat("s");
	struct timespec t[2] = {{-5, 7}, {1000000000, 999999999}};
	ok(utimensat(AT_FDCWD, "s", t, 0));
	struct stat s = of("s");
	fact("times %ld.%ld %ld.%ld", s.st_atim.tv_sec, s.st_atim.tv_nsec, s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
	ok(symlink("to/nowhere", "l"));
	show(readlink("l", buf, 5));
	ok(chmod("l", 0700));
	ok(lchown("l", 5, 6));
	show_stat("l");
	ok(mkfifo("p", 0644));
	ok(renameat2(AT_FDCWD, "p", AT_FDCWD, "s", RENAME_EXCHANGE));
	ok(renameat2(AT_FDCWD, "p", AT_FDCWD, "s", RENAME_NOREPLACE));
	show_stat("s");
	ok(rmdir("d"));
	for (const char **n = (const char *[]){"s", "p", "l", "back", NULL}; *n; n++)
		unlink(*n);
	must(chdir("/"));
	ok(rmdir(dir));
	return 0;
}
