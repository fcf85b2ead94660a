// link, symlink, readlink, unlink, rmdir: rules and errors.
#include "../oracle.h"
#include <dirent.h>

int main(void) {
	struct stat st;
	char b[32];
	make("f", "x"), must(mkdir("d", 0755)), must(symlink("f", "l")), must(symlink("none", "dangling"));
	show(link("f", "g")), show(link("f", "g")), show(link("none", "h")), show(link("d", "h")), show(link("f", "d")), show(link("f", "nodir/h"));
	must(stat("f", &st));
	show(st.st_nlink);
	show(link("l", "l2")); // the link itself
	must(lstat("l2", &st));
	fact("link of a link: %d, links %ld", S_ISLNK(st.st_mode), (long)st.st_nlink);
	show(linkat(AT_FDCWD, "l", AT_FDCWD, "l3", AT_SYMLINK_FOLLOW));
	must(lstat("l3", &st));
	fact("followed: %d, links %ld", S_ISREG(st.st_mode), (long)st.st_nlink);
	show(linkat(AT_FDCWD, "dangling", AT_FDCWD, "l4", AT_SYMLINK_FOLLOW));
	show(linkat(AT_FDCWD, "f", AT_FDCWD, "l5", 1));
	show(link("f", "/proc/x")), show(link("f", "/dev/shm/x")), show(link("f/", "x")), show(link("f", "x/"));
	show(symlink("", "e")), show(symlink("anything at all", "s")), show(symlink("f", "l")), show(symlink("x", "nodir/l")), show(symlink("x", "s/"));
	must(lstat("s", &st));
	fact("mode %o size %ld", st.st_mode, (long)st.st_size);
	show(readlink("s", b, 5)); // cut, no terminator
	fact("%.5s", b);
	show(readlink("s", b, 0)), show(readlink("s", b, -1)), show(readlink("f", b, 5)), show(readlink("none", b, 5)), show(readlink("s", (void *)8, 5));
	char big[5000];
	memset(big, 'a', sizeof big), big[4096] = 0;
	show(symlink(big, "long")), big[4095] = 0, show(symlink(big, "long"));
	show(unlink("d")), show(rmdir("f")), show(unlink("none")), show(unlink("f/")), show(rmdir("l")), show(unlink("d/"));
	make("d/x", ""), show(rmdir("d")), must(unlink("d/x")), show(rmdir("d/.")), show(rmdir("d/..")), show(rmdir(".")), show(rmdir("d/"));
	show(unlinkat(AT_FDCWD, "g", AT_REMOVEDIR)), show(unlinkat(AT_FDCWD, "g", 1)), show(unlink("."));
	show(rmdir("/")), show(rmdir("/proc")), show(unlink("dangling"));
	int fd = must(open("f", O_RDWR));
	must(unlink("f")), must(unlink("g")), must(unlink("l3"));
	must(fstat(fd, &st));
	fact("open and unlinked: links %ld, size %ld", (long)st.st_nlink, (long)st.st_size);
	show(write(fd, "still here", 10));
	must(mkdir("gone", 0755));
	int d = must(open("gone", O_RDONLY));
	must(chdir("gone")), must(rmdir("../gone"));
	show(open("new", O_CREAT | O_RDWR, 0600)), show(mkdirat(d, "n", 0755)), show(open(".", O_RDONLY) >= 0), show(stat("..", &st)), show(getdents64(d, b, 32));
	show(sys(SYS_getcwd, b, 32));
	must(fstat(d, &st));
	show(st.st_nlink);
	return 0;
}
