// O_APPEND from several processes and descriptors: no record is lost or torn; pwrite appends, too.
#include "../oracle.h"

#define WRITERS 4
#define RECORDS 150
#define LEN 24

static void records(char who, int fd) {
	char b[LEN];
	for (int i = 0; i < RECORDS; i++) {
		memset(b, who, LEN), b[LEN - 1] = '\n';
		must(write(fd, b, LEN));
	}
}

int main(void) {
	must(close(must(open("log", O_CREAT | O_WRONLY, 0600))));
	int shared = must(open("log", O_WRONLY | O_APPEND));
	pid_t pids[WRITERS];
	for (int i = 0; i < WRITERS; i++)
		pids[i] = spawn(records('a' + i, i < 2 ? shared : must(open("log", O_WRONLY | O_APPEND))));
	for (int i = 0; i < WRITERS; i++)
		quiet(pids[i]);
	struct stat st;
	must(stat("log", &st)), show(st.st_size);
	int counts[WRITERS] = {0}, torn = 0, fd = must(open("log", O_RDWR | O_APPEND));
	char b[LEN];
	while (must(read(fd, b, LEN)) == LEN) {
		int ok = b[LEN - 1] == '\n';
		for (int i = 1; i < LEN - 1; i++)
			ok &= b[i] == b[0];
		if (ok && b[0] >= 'a' && b[0] < 'a' + WRITERS)
			counts[b[0] - 'a']++;
		else
			torn++;
	}
	fact("torn %d, records %d %d %d %d", torn, counts[0], counts[1], counts[2], counts[3]);
	must(ftruncate(fd, 3)), must(lseek(fd, 1, SEEK_SET));
	show(pwrite(fd, "xy", 2, 0)), show(lseek(fd, 0, SEEK_CUR)), show(write(fd, "z", 1)), show(lseek(fd, 0, SEEK_CUR));
	must(fcntl(fd, F_SETFL, 0)), show(pwrite(fd, "q", 1, 0)), must(pread(fd, b, 6, 0)), fact("%c %.3s", b[0], b + 3);
	// Two descriptors that share a position: nobody writes over the other.
	int one = must(open("both", O_CREAT | O_RDWR, 0600)), two = must(dup(one));
	pid_t p = spawn(records('x', one));
	records('y', two), quiet(p);
	must(fstat(one, &st)), show(st.st_size), show(lseek(two, 0, SEEK_CUR));
	return 0;
}
