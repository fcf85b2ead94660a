// splice(2): pipe to file, file to pipe, pipe to pipe; offsets, flags, errors, end of file.
#include "../oracle.h"

int main(void) {
	int p[2], q[2], fd;
	char buf[64] = {0};
	loff_t off;
	must(pipe2(p, O_NONBLOCK)), must(pipe2(q, O_NONBLOCK));
	make("f", "0123456789abcdef");
	fd = must(open("f", O_RDWR));
	show(splice(fd, NULL, p[1], NULL, 4, 0));
	show(lseek(fd, 0, SEEK_CUR));
	off = 10;
	show(splice(fd, &off, p[1], NULL, 3, SPLICE_F_MOVE));
	fact("offset %ld, position %ld", (long)off, (long)lseek(fd, 0, SEEK_CUR));
	show(splice(p[0], NULL, q[1], NULL, 5, 0));
	show(read(q[0], buf, 64));
	fact("%s", buf);
	off = 2;
	show(splice(p[0], NULL, fd, &off, 100, 0)); // what there is
	fact("%s offset %ld", slurp("f"), (long)off);
	show(splice(p[0], NULL, fd, NULL, 10, 0)); // empty, O_NONBLOCK on the pipe
	show(splice(p[0], NULL, fd, NULL, 10, SPLICE_F_NONBLOCK));
	show(splice(fd, NULL, p[1], NULL, 0, 0));
	lseek(fd, 0, SEEK_END);
	show(splice(fd, NULL, p[1], NULL, 10, 0));
	off = -1;
	show(splice(fd, &off, p[1], NULL, 10, 0));
	off = 0;
	show(splice(p[0], &off, fd, NULL, 10, 0));
	show(splice(fd, NULL, fd, NULL, 10, 0));
	show(splice(p[0], NULL, p[1], NULL, 10, 0));
	show(splice(fd, NULL, p[0], NULL, 10, 0));
	show(splice(p[1], NULL, fd, NULL, 10, 0));
	show(splice(fd, NULL, p[1], NULL, 10, 64));
	show(splice(999, NULL, p[1], NULL, 10, 0));
	show(splice(fd, (void *)8, p[1], NULL, 10, 0));
	int ro = must(open("f", O_RDONLY)), ap = must(open("f", O_WRONLY | O_APPEND)), dir = must(open(".", O_RDONLY));
	must(write(p[1], "Z", 1));
	show(splice(p[0], NULL, ro, NULL, 1, 0));
	show(splice(p[0], NULL, ap, NULL, 1, 0));
	show(splice(dir, NULL, p[1], NULL, 10, 0));
	int zero = must(open("/dev/zero", O_RDONLY)), null = must(open("/dev/null", O_WRONLY));
	show(splice(zero, NULL, p[1], NULL, 10, 0));
	show(splice(p[0], NULL, null, NULL, 100, 0));
	close(p[1]);
	must(read(p[0], buf, 64) >= 0 ? 0 : -1);
	show(splice(p[0], NULL, fd, NULL, 10, 0)); // no writers: end
	must(pipe(p));
	close(p[0]);
	signal(SIGPIPE, SIG_IGN);
	lseek(fd, 0, SEEK_SET);
	show(splice(fd, NULL, p[1], NULL, 10, 0));
	return 0;
}
