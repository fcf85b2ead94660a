// open(2): the matrix of flags on files that are there and that are not, kinds, and modes.
#include "../oracle.h"

static void row(const char *path) {
	static const struct { const char *name; int flags; } f[] = {
		{"RDONLY", O_RDONLY}, {"WRONLY", O_WRONLY}, {"RDWR", O_RDWR}, {"CREAT", O_WRONLY | O_CREAT}, {"CREAT|EXCL", O_WRONLY | O_CREAT | O_EXCL},
		{"TRUNC", O_WRONLY | O_TRUNC}, {"DIRECTORY", O_DIRECTORY}, {"CREAT|DIRECTORY", O_CREAT | O_DIRECTORY}, {"NOFOLLOW", O_NOFOLLOW},
		{"PATH", O_PATH}, {"PATH|NOFOLLOW", O_PATH | O_NOFOLLOW}, {"PATH|DIRECTORY", O_PATH | O_DIRECTORY}, {"APPEND", O_WRONLY | O_APPEND},
		{"NOATIME", O_NOATIME}, {"access mode 3", 3}, {"TMPFILE", O_TMPFILE | O_RDWR}, {"TMPFILE, read", O_TMPFILE | O_RDONLY}};
	for (unsigned i = 0; i < COUNT(f); i++) {
		make("file", "text"), mkdir("dir", 0755), mkfifo("fifo", 0600);
		unlink("link"), unlink("dangling"), unlink("dirlink"), unlink("loop"), unlink("new"), unlink("target");
		symlink("file", "link"), symlink("target", "dangling"), symlink("dir", "dirlink"), symlink("loop", "loop");
		int fd = open(path, f[i].flags | O_NONBLOCK, 0600);
		if (fd < 0)
			fact("%s %s: %s", path, f[i].name, ename(errno));
		else {
			int fl = fcntl(fd, F_GETFL) & ~O_NONBLOCK;
			struct stat st;
			fstat(fd, &st);
			fact("%s %s: ok, flags %#o, mode %o, size %ld", path, f[i].name, fl, st.st_mode, S_ISREG(st.st_mode) ? (long)st.st_size : 0);
			close(fd);
		}
		if (access("target", F_OK) == 0)
			fact("  made the link's target");
	}
}

int main(void) {
	row("file"), row("dir"), row("new"), row("link"), row("dangling"), row("dirlink"), row("loop"), row("dir/"), row("file/"), row("new/"), row("link/");
	row("file/x"), row("nodir/x"), row("");
	return 0;
}
