// memfd_create(2): name, flags, size, sharing, seals F_ADD_SEALS.
#include "../oracle.h"

int main(void) {
	char link[128], *p;
	int fd = must(memfd_create("name", MFD_CLOEXEC | MFD_ALLOW_SEALING));
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	char target[64] = {0};
	must(readlink(link, target, sizeof target - 1));
	fact("link: %s", target);
	struct stat st;
	must(fstat(fd, &st));
	fact("mode %o, size %ld, links %ld", st.st_mode, (long)st.st_size, (long)st.st_nlink);
	show(fcntl(fd, F_GETFD));
	show(fcntl(fd, F_GETFL) & O_ACCMODE);
	show(memfd_create("x", 0x8000));
	show(memfd_create((char *)1, 0));
	char name[300];
	memset(name, 'n', 250), name[250] = 0;
	show(memfd_create(name, 0));
	name[249] = 0;
	ok(memfd_create(name, 0));
	int plain = must(memfd_create("plain", 0));
	show(fcntl(plain, F_GET_SEALS));
	show(fcntl(plain, F_ADD_SEALS, F_SEAL_WRITE));
	show(fcntl(fd, F_GET_SEALS));
	must(ftruncate(fd, 2 * PAGE));
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	show(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE)); // a writable mapping is in the way
	show(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	show(ftruncate(fd, PAGE));
	show(ftruncate(fd, 3 * PAGE));
	show(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	show(ftruncate(fd, 4 * PAGE));
	show(pwrite(fd, "x", 1, 3 * PAGE));
	show(pwrite(fd, "xy", 2, 3 * PAGE - 1));
	show(fallocate(fd, 0, 0, 4 * PAGE));
	must(munmap(p, PAGE));
	show(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
	show(pwrite(fd, "x", 1, 0));
	fact("map writable: %s", ename(err(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0))));
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	fact("map to read: %s", p == MAP_FAILED ? ename(errno) : "ok");
	show(mprotect(p, PAGE, PROT_READ | PROT_WRITE));
	must(munmap(p, PAGE));
	show(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	show(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE));
	show(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
	show(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	show(fcntl(fd, F_ADD_SEALS, 0x1000));
	show(fcntl(fd, F_GET_SEALS));
	int ro = must(open(link, O_RDONLY));
	show(fcntl(ro, F_GET_SEALS));
	show(fcntl(ro, F_ADD_SEALS, 0));
	make("f", "");
	show(fcntl(must(open("f", O_RDWR)), F_GET_SEALS)); // tmpfs files are sealed against sealing
	return 0;
}
