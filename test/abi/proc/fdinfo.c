// /proc/PID/fdinfo: what each kind of file adds, and the lines that all have.
#include "../oracle.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
// info prints the lines of a descriptor; numbers after those in vary become a star.
static void info(const char *what, int fd, const char *vary) {
	char path[64];
	snprintf(path, 64, "/proc/self/fdinfo/%d", fd);
	char *t = slurp(path);
	fact("%s", what);
	for (char *l = t ? strtok(t, "\n") : NULL; l; l = strtok(NULL, "\n")) {
		char name[32];
		sscanf(l, "%31[^:]", name);
		if (strstr(vary, name))
			fact("  %s", name);
		else
			fact("  %s", l);
	}
}

int main(void) {
	const char *some = "mnt_id ino Pid NSpid eventfd-id inotify wd tfd it_value lock";
	make("f", "0123456789");
	int fd = must(open("f", O_RDWR | O_APPEND)), d = must(open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)), p[2];
	must(read(fd, p, 3)), info("file", fd, some), info("directory", d, some), must(pipe2(p, O_NONBLOCK)), info("pipe", p[0], some), info("path", must(open("f", O_PATH)), some);
	int e = must(eventfd(0x1234, EFD_SEMAPHORE));
	info("eventfd", e, some);
	sigset_t s;
	sigemptyset(&s), sigaddset(&s, SIGHUP), sigaddset(&s, SIGUSR1), info("signalfd", must(signalfd(-1, &s, SFD_CLOEXEC)), some);
	int t = must(timerfd_create(CLOCK_BOOTTIME, 0));
	struct itimerspec it = {.it_value.tv_sec = 1000, .it_interval = {5, 6}};
	info("timerfd", t, some), must(timerfd_settime(t, 0, &it, NULL)), info("timerfd set", t, some);
	int ep = must(epoll_create1(0));
	struct epoll_event ev = {.events = EPOLLIN | EPOLLET, .data.u64 = 0x55};
	must(epoll_ctl(ep, EPOLL_CTL_ADD, e, &ev)), info("epoll", ep, some);
	int in = must(inotify_init1(0));
	must(inotify_add_watch(in, ".", IN_CREATE | IN_DELETE)), info("inotify", in, some);
	info("pidfd", must(sys(SYS_pidfd_open, getpid(), 0)), some);
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 2, .l_len = 3};
	must(fcntl(fd, F_SETLK, &l)), info("locked", fd, some);
	lseek(fd, 1L << 40, SEEK_SET), info("far", fd, some), must(fcntl(fd, F_SETFL, O_NONBLOCK | O_ASYNC)), info("flags", fd, some);
	struct stat st;
	must(stat("/proc/self/fdinfo/0", &st)), fact("mode %o", st.st_mode), show(open("/proc/self/fdinfo/0", O_WRONLY) < 0), show(open("/proc/self/fdinfo/999", O_RDONLY)), show(open("/proc/self/fdinfo/00", O_RDONLY)), show(readlink("/proc/self/fdinfo/0", (char *)&st, 10));
	return 0;
}
