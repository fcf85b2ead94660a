// open(2), more: long names, bad pointers, deep links, umask, permissions in directories, O_NOATIME's owner.
#include "../oracle.h"

int main(void) {
	char name[5000];
	memset(name, 'n', sizeof name);
	name[256] = 0;
	show(open(name, O_CREAT | O_RDWR, 0600));
	name[255] = 0;
	ok(open(name, O_CREAT | O_RDWR, 0600));
	memset(name, '/', sizeof name);
	name[4096] = 0;
	show(open(name, O_RDONLY));
	name[4095] = 0;
	ok(open(name, O_RDONLY));
	show(open((void *)8, O_RDONLY));
	show(open(NULL, O_RDONLY));
	char from[16], to[16];
	make("l0", "end");
	for (int i = 1; i <= 41; i++) {
		snprintf(from, 16, "l%d", i), snprintf(to, 16, "l%d", i - 1);
		must(symlink(to, from));
	}
	ok(open("l40", O_RDONLY));
	show(open("l41", O_RDONLY));
	show(openat(999, "x", O_RDONLY));
	show(openat(999, "/dev/null", O_RDONLY) >= 0); // absolute: not used
	int file = must(open("l0", O_RDONLY));
	show(openat(file, "x", O_RDONLY));
	show(openat(file, "", O_RDONLY));
	must(mkdir("d", 0711));
	int d = must(open("d", O_PATH));
	ok(openat(d, "in", O_CREAT | O_WRONLY, 0666));
	umask(027);
	struct stat st;
	int fd = must(open("masked", O_CREAT | O_RDWR, 07777));
	must(fstat(fd, &st));
	fact("mode %o", st.st_mode);
	fd = must(open("none", O_CREAT | O_RDWR, 0)); // the new descriptor may write all the same
	show(write(fd, "x", 1));
	must(chmod("d/in", 0640));
	make("readonly", "x"), must(chmod("readonly", 0444)), must(chmod(".", 0777));
	quiet(spawn({
		must(setuid(1000));
		show(open("none", O_RDONLY));
		show(open("d/in", O_RDONLY));
		show(open("d", O_RDONLY)); // only search
		show(open("d/new", O_CREAT | O_WRONLY, 0600));
		show(open("readonly", O_RDWR));
		show(open("readonly", O_RDONLY | O_TRUNC));
		ok(open("readonly", O_RDONLY));
		show(open("readonly", O_RDONLY | O_NOATIME));
		show(open("readonly", 3)); // needs both
		ok(open("none", O_PATH));
		ok(open("mine", O_CREAT | O_RDWR | O_EXCL, 0));
		show(open("mine", O_RDONLY));
		ok(open("mine", O_PATH));
	}));
	must(stat("mine", &st));
	fact("uid %d gid %d mode %o", st.st_uid, st.st_gid, st.st_mode);
	show(creat("l0", 0600) >= 0);
	must(stat("l0", &st));
	fact("size %ld mode %o", (long)st.st_size, st.st_mode);
	return 0;
}
