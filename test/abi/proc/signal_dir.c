// pidfd_send_signal(2) with an open /proc/PID in place of a pidfd (fs/proc/base.c, tgid_pidfd_to_pid).
#include "../oracle.h"

static long send(int fd, int sig) { return syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0); }

int main(void) {
	char path[64];
	int status;
	pid_t child = must(fork());
	if (child == 0)
		for (;;)
			pause();
	snprintf(path, sizeof path, "/proc/%d", child);
	int dir = must(open(path, O_RDONLY | O_DIRECTORY)), opath = must(open(path, O_PATH));
	int self = must(open("/proc/self", O_RDONLY)), proc = must(open("/proc", O_RDONLY));
	int fds = must(open("/proc/self/fd", O_RDONLY)), task = must(open("/proc/self/task", O_RDONLY)), file = must(open("/proc/self/stat", O_RDONLY));
	int thread = must(open("/proc/thread-self", O_RDONLY));
	show(send(dir, 0));
	show(send(self, 0));
	show(send(proc, 0));
	show(send(fds, 0));
	show(send(task, 0));
	show(send(file, 0));
	show(send(thread, 0));
	show(send(opath, 0));
	show(send(dir, 1000));
	show(send(dir, SIGTERM));
	must(waitpid(child, &status, 0));
	fact("status %#x", status);
	show(send(dir, 0));
	show(syscall(SYS_waitid, 3 /* P_PIDFD */, self, NULL, WEXITED | WNOHANG, NULL));
	return 0;
}
