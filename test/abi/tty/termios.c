// tcgetattr, tcsetattr: the settings a new pty has; TCSETS kinds; winsize; other ioctls and their errors.
#include "../oracle.h"
#include <asm/termbits.h>
#include <poll.h>
#include <sys/ioctl.h>
int unlockpt(int);

int main(void) {
	int m = must(open("/dev/ptmx", O_RDWR | O_NOCTTY)), n = -1, lock = -1;
	show(ioctl(m, TIOCGPTN, &n));
	char path[32];
	snprintf(path, sizeof path, "/dev/pts/%d", n);
	show(ioctl(m, TIOCGPTLCK, &lock));
	show(lock);
	show(open(path, O_RDWR | O_NOCTTY)); // locked
	lock = 0;
	show(ioctl(m, TIOCSPTLCK, &lock));
	int s = must(open(path, O_RDWR | O_NOCTTY));
	struct termios t;
	show(ioctl(s, TCGETS, &t));
	fact("iflag %#o oflag %#o cflag %#o lflag %#o line %d", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag, t.c_line);
	for (int i = 0; i < 17; i++)
		printf("%d ", t.c_cc[i]);
	printf("\n");
	struct termios2 t2;
	show(ioctl(s, TCGETS2, &t2));
	fact("speed %d %d", t2.c_ispeed, t2.c_ospeed);
	struct winsize w = {1, 1, 1, 1};
	show(ioctl(s, TIOCGWINSZ, &w));
	fact("%d %d", w.ws_row, w.ws_col);
	w = (struct winsize){25, 80, 1, 2};
	show(ioctl(m, TIOCSWINSZ, &w));
	w.ws_row = 0;
	show(ioctl(s, TIOCGWINSZ, &w));
	fact("%d %d %d %d", w.ws_row, w.ws_col, w.ws_xpixel, w.ws_ypixel);
	t.c_lflag &= ~ECHO;
	show(ioctl(m, TCSETSW, &t)); // through the master: the same settings
	t.c_lflag = 0;
	show(ioctl(s, TCGETS, &t));
	show((t.c_lflag & ECHO) != 0);
	t.c_cflag = (t.c_cflag & ~CSIZE) | CS5 | PARENB; // a pty forces its own size
	show(ioctl(s, TCSETSF, &t));
	show(ioctl(s, TCGETS, &t));
	show((t.c_cflag & CSIZE) == CS8);
	show((t.c_cflag & PARENB) != 0);
	int k = -1;
	must(write(m, "abc\nde", 6));
	poll(&(struct pollfd){s, POLLIN}, 1, 0); // takes the input in
	show(ioctl(s, FIONREAD, &k));
	show(k);
	must(write(s, "12345", 5));
	poll(&(struct pollfd){m, POLLIN}, 1, 0);
	show(ioctl(m, FIONREAD, &k));
	show(k);
	show(ioctl(s, TIOCOUTQ, &k));
	show(ioctl(s, TCFLSH, TCIFLUSH));
	show(ioctl(s, FIONREAD, &k));
	show(k);
	show(ioctl(s, TCFLSH, 9));
	show(ioctl(s, TCSBRK, 1));
	show(ioctl(s, TIOCGETD, &k));
	show(k);
	show(ioctl(s, 0x5499, &k));
	show(ioctl(s, TCGETS, 8));
	show(isatty(s));
	show(isatty(m));
	int null = open("/dev/null", O_RDWR);
	show(ioctl(null, TCGETS, &t));
	show(isatty(null));
	show(ioctl(s, TIOCGPTN, &n)); // only for masters
	int peer = ioctl(m, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	struct stat a, b;
	fstat(peer, &a), fstat(s, &b);
	yes(peer >= 0 && a.st_rdev == b.st_rdev);
	return 0;
}
