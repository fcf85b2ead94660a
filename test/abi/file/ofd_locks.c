// Open file description locks: between descriptors of one process, shared over fork and dup, no deadlock check.
#include "../oracle.h"
static int set(int fd, int cmd, int type, off_t start, off_t len) { return fcntl(fd, cmd, &(struct flock){.l_type = type, .l_start = start, .l_len = len}); }

int main(void) {
	make("f", "");
	int a = must(open("f", O_RDWR)), b = must(open("f", O_RDWR)), c = must(open("f", O_RDWR));
	show(set(a, F_OFD_SETLK, F_WRLCK, 0, 10)), show(set(b, F_OFD_SETLK, F_RDLCK, 5, 10)), show(set(b, F_OFD_SETLK, F_RDLCK, 10, 10));
	struct flock l = {.l_type = F_WRLCK, .l_start = 0, .l_len = 20};
	show(fcntl(c, F_OFD_GETLK, &l));
	fact("type %d start %ld len %ld pid %d", l.l_type == F_WRLCK, (long)l.l_start, (long)l.l_len, l.l_pid);
	l.l_pid = 5;
	show(fcntl(c, F_OFD_SETLK, &l));
	show(set(c, F_SETLK, F_WRLCK, 0, 1)); // against locks of the process too
	show(set(c, F_SETLK, F_WRLCK, 50, 1)), show(set(a, F_OFD_SETLK, F_WRLCK, 50, 1));
	int d = must(dup(a));
	must(close(a)), show(set(c, F_OFD_SETLK, F_WRLCK, 0, 5));
	must(close(d)), show(set(c, F_OFD_SETLK, F_WRLCK, 0, 5)); // but the close took the process's locks as well
	show(set(b, F_OFD_SETLK, F_WRLCK, 50, 1));
	quiet(spawn(show(set(c, F_OFD_SETLK, F_UNLCK, 0, 0)))); // the child shares the file
	show(set(b, F_OFD_SETLK, F_WRLCK, 0, 5));
	struct gate g = gate_new();
	pid_t pid = spawn(gate_open(g); _exit(err(set(c, F_OFD_SETLKW, F_WRLCK, 0, 1))));
	gate_pass(g);
	asleep(pid);
	show(set(b, F_OFD_SETLK, F_UNLCK, 0, 0));
	reap("waiter", pid);
	char info[64], *line;
	must(set(b, F_OFD_SETLK, F_RDLCK, 100, 5));
	snprintf(info, 64, "/proc/self/fdinfo/%d", b);
	line = strstr(slurp(info), "lock:");
	fact("fdinfo: %d %d", line != NULL, line && strstr(line, "OFDLCK") != NULL);
	return 0;
}
