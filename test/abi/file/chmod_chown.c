// chmod, chown: who may, which bits are cleared, by what, symlinks, fchmodat2.
#include "../oracle.h"
static void mode(const char *what, const char *p) {
	struct stat st;
	must(lstat(p, &st));
	fact("%s: %o %d:%d", what, st.st_mode & 07777, st.st_uid, st.st_gid);
}

int main(void) {
	make("f", "x"), must(mkdir("d", 0755)), must(symlink("f", "l"));
	must(chown("f", 1000, 500));
	show(chmod("f", 0106755)), mode("odd bits", "f"); // bits above 07777 are dropped
	show(chown("f", -1, -1)), mode("chown -1 -1", "f"); // clears all the same
	must(chmod("f", 06755)), show(chown("f", 1000, 500)), mode("chown to the same", "f");
	must(chmod("f", 06644)), must(chown("f", 1000, 500)), mode("no group execution", "f"); // mandatory locking's bit: kept by root only
	must(chmod("d", 06755)), must(chown("d", 1, 1)), mode("directory", "d");
	must(chmod("f", 06755));
	int fd = must(open("f", O_RDWR));
	must(write(fd, "y", 1)), mode("write by root", "f"); // CAP_FSETID: kept
	must(chmod(".", 0777));
	quiet(spawn({
		must(setgid(500)), must(setuid(1000));
		int w = must(open("f", O_RDWR));
		must(write(w, "z", 1)), mode("write by the owner", "f");
		must(chmod("f", 06755)), must(ftruncate(w, 1)), mode("truncate by the owner", "f");
		must(chmod("f", 06755)), mode("chmod by a member", "f");
		show(chown("f", 1001, -1)), show(chown("f", 1000, -1)), show(chown("f", -1, 501)), show(chown("f", -1, 500));
		mode("chown by the owner", "f");
		must(chmod("f", 06755));
		show(chown("f", -1, -1));
		mode("chown -1 by the owner", "f");
	}));
	quiet(spawn(must(setgid(7)); must(setuid(1000)); show(chmod("f", 02755)); mode("set-gid by somebody outside the group", "f")));
	quiet(spawn(must(setuid(1001)); show(chmod("f", 0777)); show(chown("f", 1001, -1)); show(chown("f", -1, -1)); show(fchmod(fd, 0777))));
	must(lchown("l", 9, 9)), mode("link", "l"), mode("its target", "f");
	show(fchmodat(AT_FDCWD, "l", 0600, AT_SYMLINK_NOFOLLOW));
	show(sys(452, AT_FDCWD, "l", 0600, AT_SYMLINK_NOFOLLOW)); // fchmodat2
	show(sys(452, AT_FDCWD, "l", 0600, 0)), mode("through the link", "f");
	show(sys(452, AT_FDCWD, "l", 0600, 1));
	show(sys(452, fd, "", 0640, AT_EMPTY_PATH)), mode("by descriptor", "f");
	show(chmod("none", 0600)), show(fchmod(999, 0600)), show(chmod("f/", 0600)), show(chmod((void *)8, 0600)), show(chmod("/sys", 0700));
	show(fchownat(AT_FDCWD, "f", 1, 1, 1)), show(fchownat(fd, "", 3, 4, AT_EMPTY_PATH)), mode("fchownat", "f");
	return 0;
}
