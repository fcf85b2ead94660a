// /dev: null, zero, full, random, urandom, tty, ptmx, fd links, shm; mmap, poll, seek, ioctl of each.
#include "../oracle.h"
#include <sys/random.h>
#include <sys/sysmacros.h>

int main(void) {
	static const char *names[] = {"null", "zero", "full", "random", "urandom", "tty"};
	struct stat st;
	char b[64], path[32];
	for (unsigned i = 0; i < COUNT(names); i++) {
		snprintf(path, 32, "/dev/%s", names[i]), must(stat(path, &st));
		fact("%s: mode %o device %u,%u", names[i], st.st_mode, major(st.st_rdev), minor(st.st_rdev));
		int fd = open(path, O_RDWR);
		if (fd < 0) {
			fact("  open: %s", ename(errno));
			continue;
		}
		memset(b, 7, 64);
		fact("  read: %zd, write %s, seek %ld", read(fd, b, 16), ename(err(write(fd, b, 16))), (long)lseek(fd, 100, SEEK_SET));
		fact("  pread: %zd, truncate %s, fsync %s", pread(fd, b, 4, 4), ename(err(ftruncate(fd, 5))), ename(err(fsync(fd))));
		void *m = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0), *s = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		fact("  map private %d shared %d", m != MAP_FAILED, s != MAP_FAILED);
	}
	int fd = must(open("/dev/urandom", O_RDONLY));
	unsigned char x[64], y[64];
	must(read(fd, x, 64)), must(read(fd, y, 64)), yes(memcmp(x, y, 64) != 0);
	show(read(fd, (void *)8, 10)), show(read(fd, x, 0));
	show(getrandom(x, 64, 0)), show(getrandom(x, 64, GRND_NONBLOCK)), show(getrandom(x, 64, GRND_RANDOM)), show(getrandom(x, 64, 64)), show(getrandom((void *)8, 64, 0)), show(getrandom(x, 0, 0)), show(getrandom(x, 8, GRND_INSECURE)), show(getrandom(x, 8, GRND_INSECURE | GRND_RANDOM));
	static const char *links[] = {"fd", "stdin", "stdout", "stderr", "ptmx"};
	for (unsigned i = 0; i < COUNT(links); i++)
		snprintf(path, 32, "/dev/%s", links[i]), memset(b, 0, 64), must(readlink(path, b, 63)), fact("%s -> %s", links[i], b);
	must(stat("/dev/shm", &st)), fact("shm mode %o", st.st_mode), must(stat("/dev/mqueue", &st)), fact("mqueue mode %o", st.st_mode);
	int shm = must(open("/dev/shm/oracle", O_CREAT | O_EXCL | O_RDWR, 0600));
	must(ftruncate(shm, PAGE));
	char *m = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, shm, 0);
	quiet(spawn(strcpy(m, "by child"))), fact("%s", m), show(unlink("/dev/shm/oracle"));
	show(mknod("/dev/shm/dev", S_IFCHR | 0600, makedev(1, 3))), show(open("/dev/shm/dev", O_RDWR)), unlink("/dev/shm/dev"); // nodev
	must(mknod("x", S_IFCHR | 0600, makedev(1, 3))), show(open("x", O_RDWR)), must(mknod("blk", S_IFBLK | 0600, makedev(250, 77))), show(open("blk", O_RDONLY)), show(open("/dev/none", O_RDONLY));
	return 0;
}
