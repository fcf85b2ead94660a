// A file of /proc/self/fdinfo may be its own subject, and that of a descriptor whose read blocks.
#include "../oracle.h"
#include <pthread.h>

static void *reader(void *arg) {
	char b[256];
	must(read(*(int *)arg, b, sizeof b));
	return NULL;
}

int main(void) {
	char path[64], b[256];
	int probe = must(open("/dev/null", O_RDONLY));
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", probe);
	int fd = must(open(path, O_RDONLY));
	must(dup2(fd, probe));
	for (int i = 0; i < 2; i++) {
		long n = must(pread(probe, b, sizeof b - 1, 0));
		b[n] = 0;
		fact("own: %d %s", n > 0, strncmp(b, "pos:\t0\n", 7) == 0 ? "pos 0" : b);
	}
	long n = must(read(probe, b, sizeof b - 1));
	fact("read: %d, then %ld", n > 0, must(read(probe, b, sizeof b)));
	int p[2];
	must(pipe(p));
	pthread_t t;
	must(pthread_create(&t, NULL, reader, &p[0]));
	usleep(20000);
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", p[0]);
	int info = must(open(path, O_RDONLY));
	fact("while a read blocks: %d", must(read(info, b, sizeof b)) > 0);
	must(write(p[1], "x", 1));
	pthread_join(t, NULL);
	return 0;
}
