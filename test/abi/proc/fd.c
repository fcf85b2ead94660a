// /proc/self/fd and fdinfo: links of each kind, opening again, listing, permissions.
#include "../oracle.h"
#include <dirent.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
static void target(const char *what, int fd) {
	char path[64], t[300] = {0};
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	must(readlink(path, t, 299));
	if (strchr(t, '[') && strspn(strchr(t, '[') + 1, "0123456789"))
		strchr(t, '[')[1] = 0;
	fact("%s: %s", what, *t == '/' && !strstr(t, "memfd") ? strrchr(t, '/') : t);
}
static void info(const char *what, int fd) {
	char path[64], *t;
	snprintf(path, 64, "/proc/self/fdinfo/%d", fd);
	t = slurp(path);
	long pos;
	unsigned flags;
	fact("%s: %d", what, t && sscanf(t, "pos:\t%ld\nflags:\t%o\nmnt_id:", &pos, &flags) == 2), fact("  position %ld flags %#o", pos, flags);
}

int main(void) {
	int p[2], s[2];
	sigset_t set;
	sigemptyset(&set), must(pipe(p)), must(socketpair(AF_UNIX, SOCK_STREAM, 0, s)), make("f", "0123456789");
	int fd = must(open("f", O_RDWR | O_APPEND | O_CLOEXEC)), d = must(open(".", O_RDONLY));
	target("file", fd), target("pipe", p[0]), target("socket", s[0]), target("eventfd", eventfd(0, 0)), target("epoll", epoll_create1(0)), target("signalfd", signalfd(-1, &set, 0)), target("timerfd", timerfd_create(CLOCK_MONOTONIC, 0)), target("inotify", inotify_init()), target("memfd", memfd_create("m", 0)), target("pidfd", sys(SYS_pidfd_open, getpid(), 0)), target("null", must(open("/dev/null", O_RDONLY)));
	must(lseek(fd, 4, SEEK_SET)), info("file", fd), info("directory", d), info("pipe", p[1]);
	char path[64], b[16] = {0};
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	int again = must(open(path, O_RDONLY)); // a new open file
	show(lseek(again, 0, SEEK_CUR)), show(fcntl(again, F_GETFL) & O_APPEND);
	must(unlink("f")), target("deleted", fd), again = must(open(path, O_RDONLY)), show(read(again, b, 16)); // still opens
	struct stat st;
	must(lstat(path, &st)), fact("mode %o size %ld", st.st_mode, (long)st.st_size), must(stat(path, &st)), show(S_ISREG(st.st_mode));
	snprintf(path, 64, "/proc/self/fd/%d", again), must(lstat(path, &st)), fact("read only: %o", st.st_mode);
	snprintf(path, 64, "/proc/self/fd/%d", p[1]), must(lstat(path, &st)), fact("write end: %o", st.st_mode), ok(open(path, O_RDONLY)); // the other direction
	snprintf(path, 64, "/proc/self/fd/%d", s[0]), show(open(path, O_RDWR)); // sockets do not
	show(open("/proc/self/fd/999", O_RDONLY)), show(open("/proc/self/fd/x", O_RDONLY)), show(open("/proc/self/fd/01", O_RDONLY)), show(unlink("/proc/self/fd/0")), show(symlink("x", "/proc/self/fd/55")), ok(open("/dev/fd/0", O_RDONLY)), ok(open("/dev/stdin", O_RDONLY));
	must(sys(SYS_close_range, 3, ~0U, 0));
	must(dup2(0, 7)), must(dup2(0, 100));
	DIR *dir = opendir("/proc/self/fd");
	int mine = dirfd(dir);
	for (struct dirent *e; (e = readdir(dir));)
		if (*e->d_name != '.' && atoi(e->d_name) != mine)
			fact("entry %s type %d", e->d_name, e->d_type);
	closedir(dir);
	pid_t pid = spawn(pause());
	snprintf(path, 64, "/proc/%d/fd/7", pid), ok(open(path, O_RDONLY));
	quiet(spawn(must(setuid(1000)); show(open(path, O_RDONLY)); snprintf(path, 64, "/proc/%d/fd", pid); show(open(path, O_RDONLY)); snprintf(path, 64, "/proc/%d/cwd", pid); show(readlink(path, b, 16))));
	kill(pid, SIGKILL), reap("child", pid);
	return 0;
}
