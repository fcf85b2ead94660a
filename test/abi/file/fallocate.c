// fallocate(2): modes, holes, zeroing, sizes; SEEK_DATA and SEEK_HOLE.
#include "../oracle.h"
static int fd;
static void look(const char *what) {
	struct stat st;
	must(fstat(fd, &st));
	fact("%s: size %ld, blocks %ld", what, (long)st.st_size, (long)st.st_blocks / 8);
}
static void map(void) {
	off_t end = lseek(fd, 0, SEEK_END), at = 0;
	printf("  data:");
	while (at < end) {
		off_t d = lseek(fd, at, SEEK_DATA);
		if (d < 0)
			break;
		off_t h = lseek(fd, d, SEEK_HOLE);
		printf(" %ld-%ld", (long)d, (long)h);
		at = h;
	}
	printf("\n");
}

int main(void) {
	char b[8];
	fd = must(open("f", O_RDWR | O_CREAT, 0600));
	show(fallocate(fd, 0, 0, 3 * PAGE)), look("allocated"), map();
	show(fallocate(fd, FALLOC_FL_KEEP_SIZE, 3 * PAGE, PAGE)), look("beyond the end");
	must(pwrite(fd, "abcdef", 6, PAGE - 3));
	show(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE, PAGE)), look("hole");
	show(pread(fd, b, 6, PAGE - 3));
	fact("%.3s %d", b, b[3]);
	show(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE - 2, 1));
	show(pread(fd, b, 3, PAGE - 3));
	fact("%c %d %c", b[0], b[1], b[2]);
	show(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, PAGE)); // needs KEEP_SIZE
	show(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, PAGE)), show(fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, PAGE)), show(fallocate(fd, FALLOC_FL_INSERT_RANGE, 0, PAGE));
	show(fallocate(fd, 0x100, 0, PAGE)), show(fallocate(fd, 0, -1, PAGE)), show(fallocate(fd, 0, 0, 0)), show(fallocate(fd, 0, 0, -1)), show(fallocate(fd, 0, LONG_MAX, 1));
	show(fallocate(must(open("f", O_RDONLY)), 0, 0, 1)), show(fallocate(must(open(".", O_RDONLY)), 0, 0, 1)), show(fallocate(999, 0, 0, 1));
	int p[2];
	must(pipe(p));
	show(fallocate(p[1], 0, 0, 1)), show(fallocate(must(open("/dev/null", O_RDWR)), 0, 0, 1));
	fact("posix_fallocate: %s", ename(posix_fallocate(fd, 0, 10 * PAGE)));
	must(ftruncate(fd, 0)), look("truncated");
	must(pwrite(fd, "x", 1, 10 * PAGE)), must(ftruncate(fd, 20 * PAGE)), must(pwrite(fd, "y", 1, 5 * PAGE + 17));
	look("sparse"), map();
	show(lseek(fd, 0, SEEK_HOLE)), show(lseek(fd, 5 * PAGE + 100, SEEK_DATA) == 5 * PAGE + 100), show(lseek(fd, 11 * PAGE, SEEK_DATA)), show(lseek(fd, 20 * PAGE, SEEK_HOLE)), show(lseek(fd, 20 * PAGE, SEEK_DATA)), show(lseek(fd, -1, SEEK_DATA));
	char *m = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 2 * PAGE);
	m[0] = 1, map(); // a store makes data
	show(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED)), show(posix_fadvise(fd, 0, 0, 99)), show(posix_fadvise(p[0], 0, 0, POSIX_FADV_NORMAL)), show(readahead(fd, 0, PAGE)), show(readahead(p[0], 0, PAGE));
	return 0;
}
