// /dev/pts as a file system: numbers, modes, owners, a second instance.
#include "../oracle.h"
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
static void look(const char *path) {
	struct stat st;
	if (stat(path, &st))
		fact("%s: %s", path, ename(errno));
	else
		fact("%s: mode %o uid %d gid %d device %u,%u", path, st.st_mode, st.st_uid, st.st_gid, major(st.st_rdev), minor(st.st_rdev) == 0);
}

int main(void) {
	int n = -1, lock = 0;
	look("/dev/tty");
	look("/dev/pts/ptmx");
	must(unshare(CLONE_NEWNS));
	must(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	must(mkdir("pts", 0755));
	ok(mount("x", "pts", "devpts", 0, "newinstance,ptmxmode=0640,mode=0610,gid=7"));
	look("pts/ptmx");
	int m = must(open("pts/ptmx", O_RDWR | O_NOCTTY));
	must(ioctl(m, TIOCGPTN, &n));
	show(n);
	look("pts/0");
	must(ioctl(m, TIOCSPTLCK, &lock));
	int s = must(open("pts/0", O_RDWR | O_NOCTTY));
	struct stat st;
	must(fstat(s, &st));
	fact("%d", S_ISCHR(st.st_mode) && major(st.st_rdev) == 136);
	must(fstat(m, &st));
	fact("master: %u,%u", major(st.st_rdev), minor(st.st_rdev));
	int m2 = must(open("pts/ptmx", O_RDWR | O_NOCTTY));
	must(ioctl(m2, TIOCGPTN, &n));
	show(n);
	close(m), close(s);
	look("pts/0");
	look("pts/1");
	m = must(open("pts/ptmx", O_RDWR | O_NOCTTY));
	must(ioctl(m, TIOCGPTN, &n));
	show(n); // the lowest free one
	show(fchmod(m, 0600));
	show(chmod("pts/0", 0622));
	show(chown("pts/0", 5, 6));
	look("pts/0");
	show(open("pts/new", O_CREAT | O_RDWR, 0600));
	show(unlink("pts/0"));
	show(mkdir("pts/d", 0700));
	show(rename("pts/0", "pts/1"));
	show(umount("pts"));
	close(m), close(m2);
	show(umount("pts"));
	show(open("/dev/pts/99", O_RDWR));
	return 0;
}
