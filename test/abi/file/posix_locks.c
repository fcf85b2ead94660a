// fcntl(2) record locks: ranges, splitting, merging, release at any close, deadlock, children.
#include "../oracle.h"
static int fd;
static int lock(int type, off_t start, off_t len) { return fcntl(fd, F_SETLK, &(struct flock){.l_type = type, .l_start = start, .l_len = len}); }
// see asks from another process what stops a write lock.
static void see(off_t start, off_t len) {
	pid_t me = getpid();
	quiet(spawn({
		struct flock l = {.l_type = F_WRLCK, .l_start = start, .l_len = len};
		must(fcntl(fd, F_GETLK, &l));
		if (l.l_type == F_UNLCK)
			fact("  %ld+%ld: free", (long)start, (long)len);
		else
			fact("  %ld+%ld: %s at %ld+%ld by %s", (long)start, (long)len, l.l_type == F_RDLCK ? "read" : "write", (long)l.l_start, (long)l.l_len, l.l_pid == me ? "parent" : "other");
	}));
}

int main(void) {
	make("f", "0123456789");
	fd = must(open("f", O_RDWR));
	show(lock(F_WRLCK, 10, 20)), see(0, 10), see(5, 10), see(30, 5), see(0, 0);
	show(lock(F_UNLCK, 15, 5)), see(10, 20), see(15, 5), see(20, 1);
	show(lock(F_RDLCK, 12, 10)), see(10, 2), see(12, 1), see(22, 1);
	show(lock(F_RDLCK, 30, 10)), show(lock(F_RDLCK, 0, 0)), see(100, 1);
	show(lock(F_UNLCK, 0, 0)), see(0, 0);
	show(lock(F_WRLCK, 20, -5)), see(0, 0), show(lock(F_WRLCK, 3, -5)), show(lock(F_WRLCK, -1, 5)), show(lock(9, 0, 1));
	show(lock(F_UNLCK, 0, 0));
	show(fcntl(fd, F_SETLK, &(struct flock){.l_type = F_WRLCK, .l_whence = SEEK_END, .l_start = -2, .l_len = 2})), see(0, 0);
	show(fcntl(fd, F_SETLK, &(struct flock){.l_type = F_WRLCK, .l_whence = 9})), show(fcntl(fd, F_SETLK, 8)), show(lock(F_WRLCK, LONG_MAX, 2));
	int other = must(open("f", O_RDONLY));
	struct flock w = {.l_type = F_WRLCK};
	show(fcntl(other, F_SETLK, &w)); // needs to be open for writing
	must(close(other)), see(0, 0); // any close of the file lets all go
	must(lock(F_WRLCK, 0, 1));
	quiet(spawn(show(lock(F_RDLCK, 0, 1)); show(lock(F_WRLCK, 1, 1)))); // not inherited
	see(0, 0);
	struct gate g = gate_new(), h = gate_new();
	pid_t pid = spawn(must(lock(F_WRLCK, 1, 1)); gate_open(g); _exit(err(fcntl(fd, F_SETLKW, &(struct flock){.l_type = F_WRLCK, .l_start = 0, .l_len = 1}))));
	gate_pass(g);
	asleep(pid);
	show(fcntl(fd, F_SETLKW, &(struct flock){.l_type = F_WRLCK, .l_start = 1, .l_len = 1})); // each waits for the other
	show(lock(F_UNLCK, 0, 0));
	reap("other", pid);
	pid = spawn(must(lock(F_WRLCK, 0, 5)); gate_open(g); gate_pass(h));
	gate_pass(g);
	show(lock(F_RDLCK, 0, 1));
	gate_open(h), quiet(pid);
	show(lock(F_RDLCK, 0, 1)); // released at exit
	must(lock(F_UNLCK, 0, 0)), must(lock(F_WRLCK, 0, 1));
	pid = spawn(char *args[] = {"sh", "-c", "exit 0", NULL}; must(lock(F_WRLCK, 5, 1)); execv("/bin/sh", args));
	quiet(pid);
	return 0;
}
