// O_TMPFILE: no name, linkat gives one, O_EXCL forbids it.
#include "../oracle.h"

int main(void) {
	struct stat st;
	char path[64], b[32] = {0};
	int fd = must(open(".", O_TMPFILE | O_RDWR, 0640));
	must(fstat(fd, &st));
	fact("links %ld mode %o size %ld", (long)st.st_nlink, st.st_mode, (long)st.st_size);
	must(write(fd, "nameless", 8));
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	must(readlink(path, b, 31));
	show(strstr(b, "(deleted)") != NULL || strchr(b, '#') != NULL);
	show(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
	fact("%s", slurp("named"));
	must(fstat(fd, &st));
	show(st.st_nlink);
	show(linkat(fd, "", AT_FDCWD, "second", AT_EMPTY_PATH));
	must(unlink("named")), must(unlink("second"));
	show(linkat(fd, "", AT_FDCWD, "third", AT_EMPTY_PATH)); // no names left: gone for good
	fd = must(open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600));
	show(linkat(fd, "", AT_FDCWD, "named", AT_EMPTY_PATH));
	show(open(".", O_TMPFILE | O_RDONLY, 0600));
	show(open("none", O_TMPFILE | O_RDWR, 0600));
	make("f", "");
	show(open("f", O_TMPFILE | O_RDWR, 0600));
	show(open(".", O_TMPFILE | O_RDWR | O_CREAT, 0600));
	show(open(".", (O_TMPFILE & ~O_DIRECTORY) | O_RDWR, 0600));
	must(mkdir("d", 0755));
	quiet(spawn(must(setuid(1000)); show(open("d", O_TMPFILE | O_RDWR, 0600))));
	must(chmod("d", 0777));
	quiet(spawn(must(setuid(1000)); int t = must(open("d", O_TMPFILE | O_RDWR, 0600)); show(linkat(t, "", AT_FDCWD, "d/n", AT_EMPTY_PATH)); snprintf(path, 64, "/proc/self/fd/%d", t); show(linkat(AT_FDCWD, path, AT_FDCWD, "d/m", AT_SYMLINK_FOLLOW))));
	umask(077);
	fd = must(open(".", O_TMPFILE | O_WRONLY, 0666));
	must(fstat(fd, &st));
	fact("mode %o", st.st_mode);
	return 0;
}
