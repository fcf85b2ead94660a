// inotify: events of each operation, cookies of renames, masks, removal, ONESHOT, overflow of small buffers.
#include "../oracle.h"
#include <sys/inotify.h>
#include <sys/ioctl.h>
static int in;
static void drain(const char *what) {
	char buf[4096] __attribute__((aligned(8)));
	ssize_t n = read(in, buf, sizeof buf);
	uint32_t cookie = 0;
	printf("%s:", what);
	for (char *p = buf; n > 0 && p < buf + n; p += sizeof(struct inotify_event) + ((struct inotify_event *)p)->len) {
		struct inotify_event *e = (void *)p;
		static const char *names[] = {"ACCESS", "MODIFY", "ATTRIB", "CLOSE_WRITE", "CLOSE_NOWRITE", "OPEN", "MOVED_FROM", "MOVED_TO", "CREATE", "DELETE", "DELETE_SELF", "MOVE_SELF", 0, "UNMOUNT", "OVERFLOW", "IGNORED"};
		printf(" [%d", e->wd);
		for (int i = 0; i < 16; i++)
			if (e->mask >> i & 1)
				printf(" %s", names[i]);
		printf("%s%s%s", e->mask & IN_ISDIR ? " ISDIR" : "", e->len ? " " : "", e->len ? e->name : "");
		if (e->cookie)
			printf(cookie == e->cookie ? " same cookie" : " cookie"), cookie = e->cookie;
		printf("]");
	}
	printf("%s\n", n < 0 ? ename(errno) : "");
}

int main(void) {
	in = must(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
	must(mkdir("d", 0755)), must(mkdir("e", 0755)), make("f", "");
	show(inotify_add_watch(in, "d", IN_ALL_EVENTS)), show(inotify_add_watch(in, "f", IN_ALL_EVENTS)), show(inotify_add_watch(in, "d", IN_ALL_EVENTS));
	show(inotify_add_watch(in, "none", IN_OPEN)), show(inotify_add_watch(in, "f", 0)), show(inotify_add_watch(in, "f", IN_ONLYDIR | IN_OPEN)), show(inotify_add_watch(0, "f", IN_OPEN)), show(inotify_init1(1));
	drain("nothing");
	int k = -1;
	show(ioctl(in, FIONREAD, &k)), show(k), show(ioctl(in, TIOCOUTQ, &k)), show(ioctl(in, FIONREAD, 8));
	make("d/x", "hello"), show(ioctl(in, FIONREAD, &k)), show(k), drain("create and write"), show(ioctl(in, FIONREAD, &k)), show(k);
	free(slurp("d/x")), drain("read");
	must(chmod("d/x", 0600)), drain("chmod");
	must(truncate("d/x", 1)), drain("truncate");
	must(rename("d/x", "d/y")), drain("rename inside");
	must(rename("d/y", "e/y")), drain("rename out");
	must(rename("e/y", "d/z")), drain("rename in");
	must(mkdir("d/sub", 0755)), drain("mkdir"), must(rmdir("d/sub")), drain("rmdir");
	must(symlink("a", "d/l")), drain("symlink"), must(link("f", "d/h")), drain("link"), must(unlink("d/h")), drain("unlink of a second name");
	int fd = must(open("f", O_RDWR));
	must(write(fd, "a", 1)), must(write(fd, "b", 1)), must(write(fd, "c", 1)), drain("three writes, merged");
	must(unlink("f")), drain("unlink while open");
	must(close(fd)), drain("last close");
	show(inotify_rm_watch(in, 1)), drain("removed"), show(inotify_rm_watch(in, 1)), show(inotify_rm_watch(in, 99));
	int wd = must(inotify_add_watch(in, "d", IN_CREATE | IN_ONESHOT));
	make("d/1", ""), make("d/2", ""), drain("oneshot");
	wd = must(inotify_add_watch(in, "d", IN_CREATE));
	yes(inotify_add_watch(in, "d", IN_DELETE | IN_MASK_ADD) == wd), show(inotify_add_watch(in, "d", IN_DELETE | IN_MASK_CREATE));
	make("d/3", ""), must(unlink("d/3")), drain("mask added");
	must(rename("d", "dd")), drain("move of the watched without MOVE_SELF");
	char small[16];
	make("dd/4", ""), show(read(in, small, 16)), drain("still there");
	static const char *names[] = {"4", "2", "1", "l", "z"};
	must(chdir("dd"));
	for (unsigned i = 0; i < COUNT(names); i++)
		must(unlink(names[i]));
	must(rmdir("../dd")), drain("all deleted"), must(chdir(".."));
	drain("nobody there any more");
	return 0;
}
