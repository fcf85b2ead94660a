// Calls that meet a bad page half-way: how much they did.
#include "../oracle.h"
#include <sys/uio.h>

int main(void) {
	char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(p, 'a', PAGE);
	must(munmap(p + PAGE, PAGE));
	char *edge = p + PAGE - 10;
	int fd = must(open("f", O_RDWR | O_CREAT, 0644)), pipes[2];
	must(pipe(pipes));
	show(write(fd, edge, 20));
	show(lseek(fd, 0, SEEK_CUR));
	show(pread(fd, edge, 20, 0));
	show(write(fd, p + PAGE, 1));
	show(write(fd, p + PAGE, 0));
	show(read(fd, p + PAGE, 0));
	show(read(fd, p + PAGE, 1)); // at the end: nothing to copy
	lseek(fd, 0, SEEK_SET);
	show(read(fd, p + PAGE, 1));
	show(write(pipes[1], edge, 20));
	show(write(pipes[1], p + PAGE, 5));
	must(write(pipes[1], "0123456789", 10));
	struct iovec v[2] = {{edge, 5}, {p + PAGE, 5}};
	show(readv(pipes[0], v, 2));
	show(writev(fd, v, 2));
	v[0].iov_base = p + PAGE;
	show(writev(fd, v, 1));
	show(writev(fd, v, 0));
	show(writev(fd, v, -1));
	show(writev(fd, v, 1025));
	v[0].iov_len = -1;
	show(writev(fd, v, 1));
	show(writev(fd, (void *)1, 1));
	char path[] = "ffffffffff";
	memcpy(edge, path, 10); // a name without its end before the bad page
	show(open(edge, O_RDONLY));
	edge[9] = 0;
	show(open(edge, O_RDONLY));
	return 0;
}
