// Lines that are too long, a master that writes ahead, TIOCEXCL, old requests, a hangup, /dev/ptmx elsewhere.
#include "../oracle.h"
#include <asm/termbits.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
int unlockpt(int);
char *ptsname(int);
static int m, s;
static char name[64];
static void pair(void) {
	m = must(open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK)), must(unlockpt(m)), strcpy(name, ptsname(m)), s = must(open(name, O_RDWR | O_NOCTTY | O_NONBLOCK));
}
static void settle(void) { typed(s); }
static void full(void) { // the text comes in pieces
	for (int n = 0, i = 0; n < 4095 && i < 10000; i++)
		usleep(i ? 1000 : 0), must(ioctl(s, FIONREAD, &n));
}

int main(void) {
	static char b[1 << 16];
	struct termios t;
	struct termio old;
	int n;
	pair();
	must(ioctl(s, TCGETS, &t)), t.c_lflag &= ~ECHO, must(ioctl(s, TCSETS, &t));
	memset(b, 'x', 6000), must(write(m, b, 5000)), settle(), must(write(m, "yz", 2)), settle(), show(read(s, b, sizeof b)), must(write(m, "\n", 1)), settle(), must(ioctl(s, FIONREAD, &n)), show(n), n = must(read(s, b, sizeof b)), show(n), fact("ends with %c%c %d", b[4093], b[4094], b[4095]);
	must(write(m, "a\nb\n", 4)), settle(), t.c_lflag &= ~ICANON, must(ioctl(s, TCSETS, &t)), show(read(s, b, 64)), fact("%.4s", b);
	must(write(m, "a\x04", 2)), settle(), t.c_lflag |= ICANON, must(ioctl(s, TCSETS, &t)), show(read(s, b, 64)), fact("%d %d", b[0], b[1]), must(write(m, "a\x04" "b", 3)), settle(), t.c_lflag &= ~ICANON, must(ioctl(s, TCSETS, &t)), show(read(s, b, 64)), fact("%d %d %d", b[0], b[1], b[2]);
	memset(b, 'x', sizeof b), must(write(m, b, 5000)), full(), must(ioctl(s, FIONREAD, &n)), show(n), show(read(s, b, sizeof b)), settle(), show(read(s, b, sizeof b)), t.c_lflag |= ICANON, must(ioctl(s, TCSETS, &t));
	show(ioctl(s, TCGETA, &old)), fact("%#o %#o %#o %#o %d", old.c_iflag, old.c_oflag, old.c_cflag, old.c_lflag, old.c_cc[VINTR]), old.c_cc[VINTR] = 1, old.c_lflag |= ECHO, show(ioctl(s, TCSETA, &old)), must(ioctl(s, TCGETS, &t)), fact("%d %d %#o", t.c_cc[VINTR], t.c_cc[VSUSP], t.c_lflag);
	struct termios2 t2;
	t.c_cflag = (t.c_cflag & ~CBAUD) | B9600, must(ioctl(s, TCSETS, &t)), must(ioctl(s, TCGETS2, &t2)), fact("%u %u", t2.c_ispeed, t2.c_ospeed), t2.c_cflag = (t2.c_cflag & ~CBAUD) | BOTHER, t2.c_ispeed = t2.c_ospeed = 12345, must(ioctl(s, TCSETS2, &t2)), must(ioctl(s, TCGETS2, &t2)), fact("%u %u %#o", t2.c_ispeed, t2.c_ospeed, t2.c_cflag & CBAUD), t2.c_cflag = (t2.c_cflag & ~CBAUD) | B115200, must(ioctl(s, TCSETS2, &t2)), must(ioctl(s, TCGETS2, &t2)), fact("%u", t2.c_ospeed);
	show(ioctl(s, TIOCGEXCL, &n)), show(n), show(ioctl(s, TIOCEXCL)), show(ioctl(m, TIOCGEXCL, &n)), must(ioctl(s, TIOCGEXCL, &n)), show(n), ok(open(name, O_RDWR | O_NOCTTY)), quiet(spawn(must(chmod(name, 0666)); must(setuid(1000)); ok(open(name, O_RDWR | O_NOCTTY)))), show(ioctl(s, TIOCNXCL)), quiet(spawn(must(setuid(1000)); ok(open(name, O_RDWR | O_NOCTTY))));
	unsigned dev;
	struct stat st;
	must(fstat(s, &st)), show(ioctl(s, TIOCGDEV, &dev)), yes(dev == st.st_rdev), must(ioctl(m, TIOCGDEV, &dev)), yes(dev == st.st_rdev);
	n = 0, show(ioctl(s, TIOCSETD, &n)), n = 99, show(ioctl(s, TIOCSETD, &n)), show(ioctl(s, TCSBRK, 0)), show(ioctl(s, TIOCSBRK)), show(ioctl(s, TIOCCBRK)), show(ioctl(s, TCSBRKP, 1)), show(ioctl(m, TIOCSIG, SIGTERM)), show(ioctl(s, TIOCSIG, SIGINT)), show(ioctl(m, TIOCOUTQ, &n)), show(n);
	show(ioctl(m, TIOCGSID, &n)), show(ioctl(m, TIOCGPGRP, &n)), show(n), show(ioctl(m, TIOCSPGRP, &n)), show(ioctl(s, TIOCGSID, &n)), show(ioctl(m, TIOCNOTTY));
	show(lseek(s, 0, SEEK_SET)), show(pread(s, b, 1, 0)), show(read(m, b, 0)), show(write(m, b, 0)), show(ftruncate(s, 0)), show(fsync(s)), show(mmap(0, 4096, PROT_READ, MAP_SHARED, s, 0) == MAP_FAILED ? errno : 0);
	struct pollfd p = {s, POLLIN | POLLOUT};
	quiet(spawn(must(setuid(1000)); show(ioctl(s, TIOCVHANGUP)))), must(write(m, "q\n", 2)), show(ioctl(s, TIOCVHANGUP)), must(poll(&p, 1, 0)), fact("hung up: %#x", p.revents), show(read(s, b, 1)), show(write(s, b, 1)), show(ioctl(s, TCGETS, &t)), show(ioctl(s, TIOCSPGRP, &n)), n = must(open(name, O_RDWR | O_NOCTTY | O_NONBLOCK)), ok(ioctl(n, TCGETS, &t)), show(write(n, "w", 1)), close(n), close(s), close(m);
	must(unshare(CLONE_NEWNS)), must(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL)), must(mkdir("d", 0755)), must(mount("d", "d", "tmpfs", 0, "")), must(chdir("d"));
	show(mknod("elsewhere", S_IFCHR | 0666, makedev(5, 2))), ok(open("elsewhere", O_RDWR)), show(mknod("slave", S_IFCHR | 0666, makedev(136, 0))), ok(open("slave", O_RDWR)), must(mkdir("pts", 0755)), ok(open("elsewhere", O_RDWR)), must(mount("p", "pts", "devpts", 0, "max=1,uid=7")), m = must(open("elsewhere", O_RDWR)), ok(open("elsewhere", O_RDWR)), n = 0, must(ioctl(m, TIOCSPTLCK, &n)), s = must(ioctl(m, TIOCGPTPEER, O_RDWR | O_NOCTTY)), must(stat("pts/0", &st)), fact("%o %d", st.st_mode, st.st_uid), snprintf(name, sizeof name, "/proc/self/fd/%d", s), b[readlink(name, b, 64)] = 0, fact("%s", strrchr(b, 'd')), ok(open("pts/0", O_RDWR | O_NOCTTY));
	return 0;
}
