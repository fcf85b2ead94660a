// sendfile(2), copy_file_range(2): offsets, kinds of files, overlap, flags, errors.
#include "../oracle.h"
#include <sys/sendfile.h>
#include <sys/socket.h>

int main(void) {
	int p[2], s[2];
	char buf[64] = {0};
	off_t off = 3;
	must(pipe2(p, O_NONBLOCK)), must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	make("f", "0123456789"), make("g", "");
	int f = must(open("f", O_RDWR)), g = must(open("g", O_RDWR)), ap = must(open("g", O_WRONLY | O_APPEND));
	show(sendfile(g, f, NULL, 4));
	fact("%s, position %ld", slurp("g"), (long)lseek(f, 0, SEEK_CUR));
	show(sendfile(g, f, &off, 100));
	fact("%s, offset %ld, position %ld", slurp("g"), (long)off, (long)lseek(f, 0, SEEK_CUR));
	show(sendfile(s[0], f, NULL, 3));
	show(read(s[1], buf, 64));
	off = 0;
	show(sendfile(p[1], f, &off, 2));
	show(sendfile(g, p[0], NULL, 2)); // from a pipe
	show(sendfile(g, s[1], NULL, 2));
	show(sendfile(ap, f, &off, 2));
	show(sendfile(f, f, &off, 2));
	fact("%s", slurp("f"));
	off = 100;
	show(sendfile(g, f, &off, 2));
	off = -1;
	show(sendfile(g, f, &off, 2));
	show(sendfile(g, f, (void *)8, 2));
	show(sendfile(g, 999, NULL, 2));
	show(sendfile(must(open("g", O_RDONLY)), f, NULL, 2));
	show(sendfile(g, ap, NULL, 2));
	show(sendfile(g, f, NULL, 0));
#define copy(...) copy_file_range(__VA_ARGS__)
	loff_t a = 0, b = 20;
	must(ftruncate(g, 0)), must(lseek(g, 0, SEEK_SET)), must(lseek(f, 0, SEEK_SET));
	show(copy(f, &a, g, &b, 5, 0));
	struct stat st;
	must(fstat(g, &st));
	fact("%ld %ld, size %ld", (long)a, (long)b, (long)st.st_size);
	show(copy(f, NULL, g, NULL, 100, 0));
	show(copy(f, NULL, g, NULL, 100, 0)); // at the end
	a = 0, b = 2;
	show(copy(f, &a, f, &b, 5, 0)); // overlap
	b = 5;
	show(copy(f, &a, f, &b, 5, 0));
	fact("%s", slurp("f"));
	show(copy(f, &a, g, &b, 5, 1));
	show(copy(f, &a, ap, NULL, 5, 0));
	show(copy(p[0], NULL, g, NULL, 5, 0));
	show(copy(f, NULL, p[1], NULL, 5, 0));
	show(copy(must(open(".", O_RDONLY)), NULL, g, NULL, 5, 0));
	show(copy(f, NULL, must(open("g", O_RDONLY)), NULL, 5, 0));
	show(copy(f, NULL, must(open("/dev/null", O_WRONLY)), NULL, 5, 0));
	a = -1;
	show(copy(f, &a, g, NULL, 5, 0));
	a = 0, b = (1UL << 63) - 1;
	show(copy(f, &a, g, &b, 5, 0));
	return 0;
}
