// TIOCGLCKTRMIOS, TIOCSLCKTRMIOS: settings that cannot be changed any more.
#include "../oracle.h"
#include <asm/termbits.h>
#include <sys/ioctl.h>
int unlockpt(int), grantpt(int);

static int s;
static void now(const char *what) {
	struct termios t;
	must(ioctl(s, TCGETS, &t));
	fact("%s: iflag %#o oflag %#o cflag %#o lflag %#o line %d intr %d quit %d min %d", what, t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag,
		 t.c_line, t.c_cc[VINTR], t.c_cc[VQUIT], t.c_cc[VMIN]);
}

int main(void) {
	int m = must(open("/dev/ptmx", O_RDWR | O_NOCTTY)), n, zero = 0;
	char path[32];
	must(ioctl(m, TIOCSPTLCK, &zero)), must(ioctl(m, TIOCGPTN, &n)), snprintf(path, sizeof path, "/dev/pts/%d", n);
	s = must(open(path, O_RDWR | O_NOCTTY));
	struct termios t, lock, other;
	memset(&lock, 0xff, sizeof lock), memset(&other, 0, sizeof other);
	show(ioctl(s, TIOCGLCKTRMIOS, &lock)), show(memcmp(&lock, &other, sizeof lock));
	must(ioctl(s, TCGETS, &t)), now("at first");

	lock.c_iflag = IXON | IGNBRK, lock.c_oflag = OPOST, lock.c_cflag = CBAUD | CSIZE, lock.c_lflag = ECHO | ISIG, lock.c_line = 1;
	lock.c_cc[VINTR] = 1, lock.c_cc[VMIN] = 200;
	show(ioctl(m, TIOCSLCKTRMIOS, &lock)); // of the slave
	show(ioctl(s, TIOCGLCKTRMIOS, &other)), show(memcmp(&lock, &other, sizeof lock));
	other = t;
	other.c_iflag = ~t.c_iflag & 07777, other.c_oflag = 0, other.c_lflag = TOSTOP, other.c_line = 5, other.c_cflag = B50 | CS5 | HUPCL;
	other.c_cc[VINTR] = 'i', other.c_cc[VQUIT] = 'q', other.c_cc[VMIN] = 7;
	show(ioctl(s, TCSETS, &other)), now("some are locked");
	show(ioctl(m, TCSETSF, &t)), now("back");
	memset(&lock, 0, sizeof lock);
	show(ioctl(s, TIOCSLCKTRMIOS, &lock)), show(ioctl(s, TCSETSW, &other)), now("none are locked");

	show(ioctl(s, TIOCGLCKTRMIOS, 8)), show(ioctl(s, TIOCSLCKTRMIOS, 8));
	int null = must(open("/dev/null", O_RDWR));
	show(ioctl(null, TIOCGLCKTRMIOS, &lock));
	pid_t p = spawn(must(setuid(1000)); show(ioctl(s, TIOCGLCKTRMIOS, &lock)); show(ioctl(s, TIOCSLCKTRMIOS, &lock)); show(ioctl(s, TIOCSLCKTRMIOS, 8)));
	must(waitpid(p, NULL, 0));
}
