// What getdents64(2) says behind the end of a directory, to a program that goes through many: nothing, unless it was rewound by
// whomever, or the directory is gone, of which it may learn by memory alone.
#include "../oracle.h"
#include <dirent.h>

static char top[] = "/tmp/listedXXXXXX", buf[8192];
static volatile int *turn;

static int opened(const char *name) {
	struct stat st;
	int fd = must(open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	must(fstat(fd, &st));
	return fd;
}
static int more(int fd) { return getdents64(fd, buf, sizeof buf); }

// wait_for lets the other process do its next piece, without a call.
static void wait_for(void) {
	int now = ++*turn;
	while (*turn == now)
		;
}
static void comes(int n) {
	while (*turn != n)
		usleep(10);
}
static int empty(void) {
	int right = 0;
	for (int i = 0; i < 100; i++) {
		int fd = opened("d");
		right += more(fd) > 0 && more(fd) == 0 && more(fd) == 0 && close(fd) == 0;
	}
	return right;
}
static int rewound(int dups) {
	int right = 0;
	for (int i = 0; i < 100; i++) {
		int fd = opened("d"), other = dups ? must(fcntl(fd, F_DUPFD, 0)) : fd, n = more(fd);
		must(lseek(other, 0, SEEK_SET));
		right += n > 0 && more(fd) == n && more(other) == 0;
		close(fd);
		if (dups)
			close(other);
	}
	return right;
}

int main(void) {
	turn = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(mkdtemp(top) ? 0 : -1), must(chdir(top)), must(mkdir("d", 0700)), close(must(open("d/file", O_CREAT | O_RDWR, 0600)));
	fact("empty behind the end: %d", empty());
	fact("rewound: %d, by another descriptor: %d", rewound(0), rewound(1));
	int shared = opened("d"), right = 0;
	pid_t p = fork();
	if (p == 0) {
		for (int i = 0; i < 30; i++) {
			comes(4 * i + 1), lseek(shared, 0, SEEK_SET), ++*turn;
			comes(4 * i + 3), rmdir("gone"), ++*turn;
		}
		_exit(0);
	}
	int gone = 0;
	for (int i = 0; i < 30; i++) {
		int n = more(shared);
		wait_for();
		right += n > 0 && more(shared) == n;
		lseek(shared, 0, SEEK_SET);
		mkdir("gone", 0700);
		empty();
		int fd = opened("gone");
		n = more(fd);
		wait_for();
		gone += n > 0 && more(fd) == -1 && errno == ENOENT;
		close(fd);
	}
	fact("rewound by another process: %d, gone: %d", right, gone);
	must(waitpid(p, NULL, 0));
	must(unlink("d/file")), must(rmdir("d")), must(rmdir(top));
	return 0;
}
