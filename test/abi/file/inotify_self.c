// inotify: what the watched itself is told beside its directory, IN_ISDIR, extended attributes, the order at the end.
#include "../oracle.h"
#include <sys/inotify.h>
#include <sys/xattr.h>
static int in;

static void told(const char *what) {
	char buf[4096] __attribute__((aligned(8)));
	ssize_t n = read(in, buf, sizeof buf);
	fact("%s", what);
	for (char *p = buf; n > 0 && p < buf + n; p += sizeof(struct inotify_event) + ((struct inotify_event *)p)->len) {
		struct inotify_event *e = (void *)p;
		fact(" %d %#x %s", e->wd, e->mask, e->len ? e->name : "");
	}
}
#define DO(call) (must(call), told(#call))

int main(void) {
	int fd;
	must(mkdir("w", 0755)), must(mkdir("w/s", 0755)), make("w/f", "text");
	in = must(inotify_init1(IN_NONBLOCK));
	show(inotify_add_watch(in, "w", IN_ALL_EVENTS)), show(inotify_add_watch(in, "w/s", IN_ALL_EVENTS)), show(inotify_add_watch(in, "w/f", IN_ALL_EVENTS));
	DO(setxattr("w/f", "user.a", "b", 1, 0)), DO(setxattr("w/s", "user.a", "b", 1, 0)), DO(removexattr("w/f", "user.a"));
	DO(chmod("w/s", 0700)), DO(utimensat(AT_FDCWD, "w/s", NULL, 0));
	DO(fd = open("w/s", O_RDONLY)), DO(fchmod(fd, 0755)), DO(fsetxattr(fd, "user.b", "c", 1, 0)), DO(close(fd));
	DO(link("w/f", "w/g")), DO(unlink("w/g"));
	DO(rename("w/s", "w/t")), DO(rmdir("w/t"));
	DO(fd = open("w/f", O_RDONLY)), DO(unlink("w/f")), DO(close(fd));
	DO(rmdir("w"));
	return 0;
}
