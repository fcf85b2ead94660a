// A symbolic link at the end of a path: who follows it, and who wants a directory there.
#include "../oracle.h"
#include <sys/inotify.h>
#include <linux/openat2.h>

static int dir;
static void try(const char *what, const char *path, int flags) {
	for (int i = 0; i < 3; i++) { // the second time from what is cached
		int fd = openat(dir, path, flags);
		struct stat s = {0};
		if (fd >= 0) must(fstat(fd, &s)), must(close(fd));
		fact("%s %s: %s, type %o", what, path, fd < 0 ? ename(-errno) : "opened", s.st_mode & S_IFMT);
	}
}

static void how(const char *what, const char *path, __u64 flags, __u64 resolve) {
	struct open_how h = {.flags = flags, .resolve = resolve};
	int fd = sys(SYS_openat2, dir, path, &h, sizeof h);
	fact("%s %s: %s", what, path, fd < 0 ? ename(fd) : "opened");
	if (fd >= 0) must(close(fd));
}

int main(void) {
	must(mkdir("b", 0755)), must(mkdir("b/c", 0755)), make("file", "");
	must(symlink("b/c", "d")), must(symlink("file", "f")), must(symlink("nothing", "n")), must(symlink("d", "dd")), must(symlink("b/c/", "ds"));
	must(symlink("/proc/self/cwd", "p"));
	dir = must(open(".", O_RDONLY));
	static const char *paths[] = {"d", "d/", "./d", "dd", "dd/", "ds", "d/.", "f", "f/", "n", "n/", "p", "p/d", "/proc/self/cwd", "/proc/self/cwd/", "file", "b"};
	static const struct { const char *name; int flags; } kinds[] = {{"DIRECTORY", O_DIRECTORY}, {"NOFOLLOW", O_NOFOLLOW},
		{"DIRECTORY NOFOLLOW", O_DIRECTORY | O_NOFOLLOW}, {"PATH NOFOLLOW", O_PATH | O_NOFOLLOW}, {"PATH DIRECTORY NOFOLLOW", O_PATH | O_DIRECTORY | O_NOFOLLOW}};
	for (unsigned k = 0; k < COUNT(kinds); k++)
		for (unsigned i = 0; i < COUNT(paths); i++)
			try(kinds[k].name, paths[i], kinds[k].flags);
	for (unsigned i = 0; i < COUNT(paths); i++)
		how("openat2", paths[i], O_DIRECTORY | O_NOFOLLOW, 0), how("openat2 NO_SYMLINKS", paths[i], O_DIRECTORY | O_NOFOLLOW, RESOLVE_NO_SYMLINKS);
	show(openat(dir, "d", O_TMPFILE | O_RDWR | O_NOFOLLOW, 0600)), show(open("n", O_CREAT | O_NOFOLLOW | O_RDWR, 0600)), show(open("n/", O_CREAT | O_RDWR, 0600));
	int in = must(inotify_init1(0));
	show(inotify_add_watch(in, "d", IN_ALL_EVENTS | IN_ONLYDIR | IN_DONT_FOLLOW)), show(inotify_add_watch(in, "f", IN_ALL_EVENTS | IN_ONLYDIR));
	show(inotify_add_watch(in, "d", IN_ALL_EVENTS | IN_ONLYDIR));
	show(mkdir("d", 0755)), show(rmdir("d")), show(rmdir("d/")), show(unlink("d/")), show(rename("d", "d2")), show(rename("dd/", "x")), show(lchown("d2/", -1, -1));
}
