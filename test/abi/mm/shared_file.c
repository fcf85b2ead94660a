// Shared and private file mappings against read and write: who sees whose bytes.
#include "../oracle.h"

int main(void) {
	int rw = PROT_READ | PROT_WRITE;
	char buf[16] = {0};
	make("f", "0123456789");
	int fd = must(open("f", O_RDWR));
	char *s = mmap(NULL, PAGE, rw, MAP_SHARED, fd, 0), *t = mmap(NULL, PAGE, rw, MAP_SHARED, fd, 0);
	char *p = mmap(NULL, PAGE, rw, MAP_PRIVATE, fd, 0);
	s[0] = 'S';
	must(pread(fd, buf, 10, 0));
	fact("read after a shared store: %s; second mapping %c, private %c", buf, t[0], p[0]);
	must(pwrite(fd, "W", 1, 1));
	fact("after write: shared %c, private %c", s[1], p[1]);
	p[2] = 'P'; // copies the page
	must(pwrite(fd, "X", 1, 3));
	s[4] = 'Y';
	fact("private after its copy: %.10s", p);
	must(pread(fd, buf, 10, 0));
	fact("file: %s", buf);
	s[10] = 'E', s[11] = 'F'; // past the end, in the page
	struct stat st;
	must(fstat(fd, &st));
	show(st.st_size);
	must(ftruncate(fd, 5));
	must(ftruncate(fd, 20));
	fact("cut and grown: %.5s %d %d %d", s, s[5], s[10], s[11]);
	must(pwrite(fd, "tail", 4, PAGE - 2));
	fact("over the page's end: %.2s", s + PAGE - 2);
	must(close(fd));
	s[0] = 'c'; // mappings outlive the descriptor and the name
	must(unlink("f"));
	fact("after close and unlink: %c %c", t[0], s[0]);
	quiet(spawn(s[1] = 'k'; p[0] = 'q'));
	fact("child's store: shared %c, private %c", s[1], p[0]);
	make("g", "gggg");
	fd = must(open("g", O_RDWR));
	s = mmap(NULL, PAGE, rw, MAP_SHARED, fd, 0);
	must(close(must(open("g", O_RDWR | O_TRUNC))));
	must(write(fd, "new", 3));
	fact("after O_TRUNC and write: %s", s);
	show(write(fd, s, 3)); // a file's own page as source
	fact("file: %s", slurp("g"));
	return 0;
}
