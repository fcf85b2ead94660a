// Sticky directories, group inheritance by setgid directories, set-id bits lost by writes and changes of owner.
#include "../oracle.h"
#include <grp.h>

static void look(const char *path) {
	struct stat st;
	must(lstat(path, &st)), fact("  %s: %o %d:%d", path, st.st_mode, st.st_uid, st.st_gid);
}
#define as(uid, gid, ...) quiet(spawn(must(setgroups(0, NULL)), must(setresgid(gid, gid, gid)), must(setresuid(uid, uid, uid)); umask(0); __VA_ARGS__))

int main(void) {
	umask(0);
	must(mkdir("t", 0)), must(chmod("t", 01777));
	as(1000, 1000, make("t/a", "a"); must(mkdir("t/d", 0777)); make("t/d/in", "");must(symlink("x", "t/l")));
	as(1001, 1001, show(unlink("t/a")); show(rename("t/a", "t/b")); show(rmdir("t/d")); show(unlink("t/l")); show(unlink("t/d/in")); make("t/mine", ""); show(rename("t/mine", "t/a")); show(link("t/mine", "t/m2")); show(renameat2(AT_FDCWD, "t/mine", AT_FDCWD, "t/a", RENAME_EXCHANGE)));
	must(chown("t", 1001, 0));
	as(1001, 1001, show(unlink("t/a")); show(rmdir("t/d"))); // the directory's owner may
	must(mkdir("s", 0)), must(chown("s", 0, 1002)), must(chmod("s", 02777)), look("s");
	as(1000, 1000, make("s/f", ""); must(mkdir("s/d", 0755)); must(mkfifo("s/p", 0644)); must(symlink("x", "s/l")); show(open("s/x", O_CREAT | O_WRONLY, 02755) >= 0); show(open("s/y", O_CREAT | O_WRONLY, 02745) >= 0); show(mkdir("s/sub", 02700)));
	look("s/f"), look("s/d"), look("s/p"), look("s/l"), look("s/x"), look("s/y"), look("s/sub");
	as(1000, 1002, show(open("s/z", O_CREAT | O_WRONLY, 02755) >= 0); int fd = must(open("s", O_TMPFILE | O_RDWR, 02711)); struct stat st; must(fstat(fd, &st)); fact("%o %d", st.st_mode, st.st_gid));
	look("s/z");
	make("w", "text"), must(chown("w", 1000, 1000));
	static const mode_t modes[] = {06777, 06767, 04755, 02745};
	for (unsigned i = 0; i < COUNT(modes); i++) {
		must(chmod("w", modes[i]));
		as(1001, 1001, int fd = open("w", O_WRONLY); if (fd < 0) fact("%s", ename(errno)); else must(write(fd, "", 0)));
		look("w");
		as(1001, 1001, int fd = open("w", O_WRONLY); if (fd < 0) fact("%s", ename(errno)); else must(write(fd, "x", 1)));
		look("w"), must(chmod("w", modes[i]));
		as(1000, 1000, must(truncate("w", 2))), look("w"), must(chmod("w", modes[i]));
		must(chown("w", -1, -1)), look("w"), must(chmod("w", modes[i]));
		must(chown("w", 1000, 1000)), look("w");
		must(chmod("w", modes[i])), must(write(must(open("w", O_WRONLY)), "r", 1)), look("w"); // root
	}
	as(1000, 1000, show(chmod("w", 02755)); show(chmod("w", 04755)));
	look("w"), must(chown("w", 1000, 1003));
	as(1000, 1000, show(chmod("w", 02755)); show(chown("w", -1, 1000)); show(chown("w", 1001, -1)); show(chown("w", -1, 1002))); // not of that group
	look("w"), must(chmod("s/d", 06755)), must(chown("s/d", 1000, 1000)), look("s/d"); // a directory keeps them
	return 0;
}
