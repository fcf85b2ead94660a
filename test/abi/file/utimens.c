// utimensat, futimens, utimes: now, omit, who may, symlinks, ranges.
#include "../oracle.h"
#include <sys/time.h>
static void times_(const char *what, const char *p) {
	struct stat st;
	must(lstat(p, &st));
	fact("%s: %ld.%09ld %ld.%09ld", what, st.st_atim.tv_sec, st.st_atim.tv_nsec, st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}
static long ut(int d, const char *p, struct timespec *t, int f) { return sys(SYS_utimensat, d, p, t, f); }

int main(void) {
	make("f", ""), must(symlink("f", "l"));
	struct timespec t[2] = {{1000, 5}, {2000, 999999999}}, now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}}, omit[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}}, half[2] = {{0, UTIME_OMIT}, {77, 0}}, bad[2] = {{0, 1000000000}, {0, 0}};
	show(ut(AT_FDCWD, "f", t, 0)), times_("both", "f");
	show(ut(AT_FDCWD, "f", half, 0)), times_("one", "f");
	show(ut(AT_FDCWD, "f", omit, 0)), times_("none", "f");
	show(ut(AT_FDCWD, "none", omit, 0)); // checks nothing
	show(ut(AT_FDCWD, "f", bad, 0)), show(ut(AT_FDCWD, "f", t, 1)), show(ut(AT_FDCWD, "none", t, 0)), show(ut(999, "f", t, 0)), show(ut(AT_FDCWD, "f", (void *)8, 0)), show(ut(AT_FDCWD, NULL, t, 0));
	show(ut(AT_FDCWD, "l", t, AT_SYMLINK_NOFOLLOW)), times_("link", "l"), times_("its target", "f");
	int fd = must(open("f", O_RDONLY));
	show(ut(fd, NULL, t, 0)), times_("by descriptor", "f");
	t[0] = (struct timespec){-100, 0}, t[1] = (struct timespec){5000000000, 1};
	show(ut(AT_FDCWD, "f", t, 0)), times_("before 1970 and after 2038", "f");
	int64_t before = time(NULL);
	show(ut(AT_FDCWD, "f", now, 0));
	struct stat st;
	must(stat("f", &st));
	yes(st.st_mtime >= before - 1 && st.st_atime >= before - 1);
	must(chmod("f", 0666));
	quiet(spawn({
		must(setuid(1000));
		show(ut(AT_FDCWD, "f", NULL, 0)); // write permission is enough for now
		show(ut(AT_FDCWD, "f", now, 0));
		show(ut(AT_FDCWD, "f", t, 0)); // but not for times of one's own
		struct timespec mixed[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
		show(ut(AT_FDCWD, "f", mixed, 0));
		show(ut(AT_FDCWD, "f", omit, 0));
	}));
	must(chmod("f", 0644));
	quiet(spawn(must(setuid(1000)); show(ut(AT_FDCWD, "f", NULL, 0))));
	struct timeval tv[2] = {{10, 5}, {20, 6}};
	show(utimes("f", tv)), times_("utimes", "f");
	tv[0].tv_usec = 1000000;
	show(sys(SYS_utimes, "f", tv));
	long old[2] = {30, 40};
	show(sys(SYS_utime, "f", old)), times_("utime", "f");
	tv[0].tv_usec = 1;
	show(sys(SYS_futimesat, AT_FDCWD, "f", tv)), times_("futimesat", "f");
	show(ut(AT_FDCWD, "/sys", NULL, 0));
	return 0;
}
