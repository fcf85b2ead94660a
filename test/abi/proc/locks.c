// /proc/locks and the lock lines of fdinfo: flock, POSIX and OFD locks, leases, who waits for whom.
#include "../oracle.h"
#include <sys/file.h>

static struct stat st;
static pid_t pids[8];
static int npids;

// shown prints the locks of the file, in order of what they say: processes by their number here, the file by name.
static int cmp(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }
static void shown(const char *when) {
	char id[64], *text = slurp("/proc/locks"), *lines[64], *save;
	int n = 0, keep = 0;
	snprintf(id, sizeof id, " %02x:%02x:%lu ", (unsigned)(st.st_dev >> 8), (unsigned)(st.st_dev & 255), (unsigned long)st.st_ino);
	fact("%s:", when);
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		char *at = strstr(l, id), *body = strchr(l, ':'), out[256];
		if (at == NULL && !(strstr(l, "-> ") && strstr(l, " <none>:0 ") && keep))
			continue;
		if (!strstr(body, "-> "))
			keep = 1;
		if (at == NULL)
			at = strstr(l, " <none>:0 ");
		char *num = at;
		while (num[-1] != ' ')
			num--;
		int pid = atoi(num), who = -1;
		for (int i = 0; i < npids; i++)
			if (pids[i] == pid)
				who = i;
		snprintf(out, sizeof out, "%.*s%s%d FILE%s", (int)(num - body), body, pid == -1 ? "no " : "", pid == -1 ? 0 : who, strchr(at + 1, ' '));
		lines[n++] = strdup(out);
	}
	qsort(lines, n, sizeof *lines, cmp);
	for (int i = 0; i < n; i++)
		fact("%s", lines[i]);
}
static int lock(int fd, int cmd, int type, long start, long len) {
	struct flock l = {.l_type = type, .l_start = start, .l_len = len};
	return fcntl(fd, cmd, &l);
}
// waiter is a child that waits for a lock.
#define waiter(...) ({ struct gate g_ = gate_new(); pid_t c_ = pids[npids++] = spawn({ gate_pass(g_); __VA_ARGS__; exit(0); }); gate_open(g_); asleep(c_); c_; })
static void end(pid_t p) { kill(p, SIGKILL), waitpid(p, NULL, 0), npids--; }

int main(void) {
	signal(SIGIO, SIG_IGN), make("f", "text");
	int fd = must(open("f", O_RDWR)), other = must(open("f", O_RDWR));
	must(fstat(fd, &st)), pids[npids++] = getpid();
	shown("none"), must(flock(fd, LOCK_SH)), shown("flock"), must(flock(other, LOCK_SH)), must(flock(fd, LOCK_UN)), must(flock(other, LOCK_EX)), shown("exclusive");
	pid_t a = waiter(flock(open("f", O_RDWR), LOCK_EX)), b = waiter(flock(open("f", O_RDWR), LOCK_SH)), c = waiter(flock(open("f", O_RDWR), LOCK_EX));
	shown("three wait"), end(c), end(b), end(a), shown("alone"), must(flock(other, LOCK_UN));
	must(lock(fd, F_SETLK, F_WRLCK, 0, 10)), must(lock(fd, F_SETLK, F_RDLCK, 20, 0)), shown("ranges"), must(lock(fd, F_SETLK, F_UNLCK, 3, 2)), shown("cut");
	a = waiter(lock(open("f", O_RDWR), F_SETLKW, F_WRLCK, 0, 3)), b = waiter(lock(open("f", O_RDWR), F_OFD_SETLKW, F_RDLCK, 6, 1)), shown("two wait");
	end(b), end(a), must(lock(other, F_OFD_SETLK, F_RDLCK, 100, 100)), shown("of a file");
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", other);
	for (char *l = strtok(slurp(path), "\n"); l; l = strtok(NULL, "\n"))
		if (!strncmp(l, "lock:", 5))
			fact("%.*s", (int)(strrchr(l, ':') - l - 6), l);
	must(close(other)), must(close(fd)), shown("closed");
	quiet(spawn(setsid(), fd = must(open("f", O_RDWR)), must(flock(fd, LOCK_EX)), quiet(spawn(shown("by a parent")))));
	fd = must(open("f", O_RDONLY)), must(fcntl(fd, F_SETLEASE, F_RDLCK)), shown("lease"), must(fcntl(fd, F_SETLEASE, F_WRLCK)), shown("to write");
	a = waiter(open("f", O_RDONLY)), shown("to be broken"), must(fcntl(fd, F_SETLEASE, F_RDLCK)), waitpid(a, NULL, 0), npids--, shown("weaker"), must(fcntl(fd, F_SETLEASE, F_UNLCK)), shown("given up");
	return 0;
}
