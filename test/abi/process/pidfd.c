// pidfd_open(2), poll on it, pidfd_send_signal, pidfd_getfd, fdinfo, nonblocking waitid.
#include "../oracle.h"
#include <poll.h>
#include <sys/syscall.h>
#define open_(...) sys(SYS_pidfd_open, __VA_ARGS__)
#define send_(...) sys(SYS_pidfd_send_signal, __VA_ARGS__)
#define getfd_(...) sys(SYS_pidfd_getfd, __VA_ARGS__)

int main(void) {
	struct gate g = gate_new(), ready = gate_new();
	pid_t pid = spawn({
		int fd = must(memfd_create("of the child", 0));
		must(dup2(fd, 50));
		gate_open(ready);
		gate_pass(g);
		_exit(8);
	});
	gate_pass(ready);
	show(open_(0, 0));
	show(open_(-1, 0));
	show(open_(999999, 0));
	show(open_(pid, 1));
	int fd = must(open_(pid, 0)), nb = must(open_(pid, O_NONBLOCK));
	show(fcntl(fd, F_GETFD));
	show(fcntl(fd, F_GETFL) & O_ACCMODE);
	struct pollfd p = {fd, POLLIN | POLLOUT};
	show(poll(&p, 1, 0));
	show(send_(fd, 0, NULL, 0));
	show(send_(fd, 65, NULL, 0));
	show(send_(fd, 0, NULL, 8));
	show(send_(0, 0, NULL, 0));
	siginfo_t i = {.si_signo = SIGUSR1, .si_code = SI_USER};
	show(send_(fd, SIGUSR2, &i, 0)); // another number than in the info
	show(send_(fd, SIGUSR1, &i, 0)); // si_code as of kill, to another process
	show(waitid(3, nb, &i, WEXITED)); // P_PIDFD
	int got = getfd_(fd, 50, 0);
	char link[64], target[64] = {0};
	snprintf(link, sizeof link, "/proc/self/fd/%d", got);
	readlink(link, target, 63);
	fact("fetched: %s, close-on-exec %d", target, fcntl(got, F_GETFD));
	show(getfd_(fd, 51, 0));
	show(getfd_(fd, 50, 1));
	show(getfd_(0, 50, 0));
	gate_open(g);
	p.revents = 0;
	show(poll(&p, 1, 10000));
	fact("at its end: %s", p.revents == POLLIN ? "POLLIN" : "other");
	show(send_(fd, SIGKILL, NULL, 0)); // a zombie
	show(getfd_(fd, 50, 0));
	reap("child", pid);
	show(send_(fd, SIGKILL, NULL, 0));
	show(open_(pid, 0));
	show(poll(&p, 1, 0));
	show(read(fd, target, 1));
	show(lseek(fd, 0, SEEK_SET));
	char info[64], *text;
	int self = must(open_(getpid(), 0));
	snprintf(info, sizeof info, "/proc/self/fdinfo/%d", self);
	text = strstr(slurp(info), "Pid:");
	yes(atoi(text + 4) == getpid());
	return 0;
}
