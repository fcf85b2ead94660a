// posix_fadvise, readahead, sync_file_range, sync, syncfs: arguments and errors.
#include "../oracle.h"
#define advise(...) sys(SYS_fadvise64, __VA_ARGS__)

int main(void) {
	make("f", "some text");
	int fd = must(open("f", O_RDWR)), ro = must(open("f", O_RDONLY)), wo = must(open("f", O_WRONLY)), dir = must(open(".", O_RDONLY)), path = must(open("f", O_PATH)), p[2];
	must(pipe(p));
	for (int advice = 0; advice <= 7; advice++)
		fact("advice %d: %s", advice, ename(err(advise(fd, 0, 0, advice))));
	show(advise(fd, 0, -1, 0)), show(advise(fd, -1, 1, 0)), show(advise(fd, 1L << 62, 1, 3)), show(advise(p[0], 0, 0, 0)), show(advise(dir, 0, 0, 4)), show(advise(path, 0, 0, 0)), show(advise(999, 0, 0, 0)), show(advise(p[0], 0, 0, 77)), show(advise(ro, 5, 100, 3));
	show(readahead(fd, 0, 4096)), show(readahead(ro, 1 << 20, 10)), show(readahead(wo, 0, 1)), show(readahead(dir, 0, 1)), show(readahead(p[0], 0, 1)), show(readahead(path, 0, 1)), show(readahead(999, 0, 1)), show(readahead(fd, -1, 1));
	show(sync_file_range(fd, 0, 0, 0)), show(sync_file_range(fd, 0, 0, 7)), show(sync_file_range(fd, 0, 0, 8)), show(sync_file_range(fd, -1, 1, 2)), show(sync_file_range(fd, 1, -1, 2)), show(sync_file_range(fd, LONG_MAX, 2, 2));
	show(sync_file_range(ro, 3, 4, 2)), show(sync_file_range(dir, 0, 0, 2)), show(sync_file_range(p[0], 0, 0, 2)), show(sync_file_range(path, 0, 0, 2)), show(sync_file_range(999, 0, 0, 2));
	show(fsync(ro)), show(fdatasync(wo)), show(fsync(dir)), show(fsync(p[0])), show(fsync(path)), show(fsync(999)), show(syncfs(fd)), show(syncfs(p[0])), show(syncfs(path)), show(syncfs(999)), sync();
	fact("%s", slurp("f"));
	return 0;
}
