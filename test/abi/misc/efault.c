// Bad pointers to forty calls.
#include "../oracle.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <sys/times.h>
#include <sys/utsname.h>
#define BAD 8
#define t(name, ...) fact(#name ": %s", ename(err(sys(SYS_##name, __VA_ARGS__))))

int main(void) {
	int p[2], s[2], ep = must(epoll_create1(0));
	char ok_[64] = "f";
	must(pipe(p)), must(socketpair(AF_UNIX, SOCK_DGRAM, 0, s)), make("f", "x"), must(symlink("f", "l"));
	must(write(p[1], "abc", 3)), must(write(s[1], "abc", 3));
	t(read, p[0], BAD, 1), t(write, p[1], BAD, 1), t(open, BAD, 0), t(stat, BAD, ok_), t(stat, ok_, BAD), t(lstat, ok_, BAD), t(fstat, 0, BAD), t(poll, BAD, 1, 0), t(select, 8, BAD, 0, 0, 0), t(ioctl, p[0], FIONREAD, BAD), t(access, BAD, 0), t(pipe, BAD), t(nanosleep, BAD, 0), t(getitimer, 0, BAD), t(socketpair, 1, 1, 0, BAD);
	t(sendto, s[0], BAD, 1, 0, 0, 0), t(recvfrom, s[0], BAD, 1, 0, 0, 0), t(getsockname, s[0], BAD, BAD), t(getsockopt, s[0], 1, 3, BAD, BAD), t(setsockopt, s[0], 1, 2, BAD, 4), t(sendmsg, s[0], BAD, 0), t(recvmsg, s[0], BAD, 0), t(bind, s[0], BAD, 10), t(connect, s[0], BAD, 10);
	t(execve, BAD, 0, 0), t(uname, BAD), t(getcwd, BAD, 100), t(chdir, BAD), t(rename, BAD, ok_), t(rename, ok_, BAD), t(mkdir, BAD, 0755), t(rmdir, BAD), t(link, BAD, ok_), t(unlink, BAD), t(symlink, BAD, ok_), t(readlink, BAD, ok_, 9), t(readlink, "l", BAD, 9), t(chmod, BAD, 0), t(chown, BAD, 0, 0), t(gettimeofday, BAD, 0), t(getrlimit, 0, BAD), t(getrusage, 0, BAD), t(sysinfo, BAD), t(times, BAD), t(getgroups, 0, BAD), t(capget, BAD, 0), t(rt_sigaction, 10, BAD, 0, 8), t(rt_sigprocmask, 0, BAD, 0, 8), t(rt_sigpending, BAD, 8), t(rt_sigsuspend, BAD, 8), t(sigaltstack, BAD, 0), t(statfs, ok_, BAD), t(sched_getparam, 0, BAD), t(prctl, PR_SET_NAME, BAD), t(mount, BAD, BAD, BAD, 0, 0), t(sethostname, BAD, 3), t(futex, BAD, 0, 0, 0), t(sched_getaffinity, 0, 8, BAD), t(epoll_wait, ep, BAD, 1, 0), t(epoll_ctl, ep, 1, p[0], BAD);
	t(openat, AT_FDCWD, BAD, 0), t(mkdirat, AT_FDCWD, BAD, 0), t(newfstatat, AT_FDCWD, ok_, BAD, 0), t(unlinkat, AT_FDCWD, BAD, 0), t(utimensat, AT_FDCWD, BAD, 0, 0), t(timerfd_settime, 0, 0, BAD, 0), t(signalfd4, -1, BAD, 8, 0), t(eventfd2, 0, 8), t(pipe2, BAD, 0), t(preadv, p[0], BAD, 1, 0), t(prlimit64, 0, 0, BAD, 0), t(getrandom, BAD, 1, 0), t(memfd_create, BAD, 0), t(statx, AT_FDCWD, ok_, 0, 0, BAD), t(clone3, BAD, 64), t(openat2, AT_FDCWD, ok_, BAD, 24), t(waitid, 0, 1, BAD, 5, 0), t(clock_gettime, 0, BAD), t(clock_nanosleep, 0, 0, BAD, 0), t(timer_create, 0, BAD, ok_), t(setxattr, BAD, ok_, ok_, 1, 0), t(getdents64, must(open(".", 0)), BAD, 100), t(writev, p[1], BAD, 1), t(sendfile, p[1], must(open("f", 0)), BAD, 1), t(setgroups, 1, BAD), t(msgsnd, 0, BAD, 1, 0), t(mq_open, BAD, 0, 0, 0), t(inotify_add_watch, 0, BAD, 1), t(arch_prctl, 0x1003, BAD), t(get_robust_list, 0, BAD, BAD), t(set_robust_list, BAD, 24), t(madvise, BAD, 4096, 4), t(mincore, (long)ok_ & -4096, 1, BAD);
	return 0;
}
