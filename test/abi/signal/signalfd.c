// signalfd(2): reading, fields, polling, what else takes the signal, errors.
#include "../oracle.h"
#include <poll.h>
#include <sys/signalfd.h>

int main(void) {
	sigset_t set;
	struct signalfd_siginfo s[4];
	sigemptyset(&set), sigaddset(&set, SIGUSR1), sigaddset(&set, 34), sigaddset(&set, SIGCHLD), sigaddset(&set, SIGKILL);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int fd = must(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
	show(fcntl(fd, F_GETFD));
	show(sizeof s[0]);
	show(read(fd, s, sizeof s));
	struct pollfd p = {fd, POLLIN | POLLOUT};
	show(poll(&p, 1, 0));
	sigqueue(getpid(), 34, (union sigval){.sival_int = 77});
	raise(SIGUSR1);
	show(poll(&p, 1, 0));
	yes(p.revents == POLLIN);
	show(read(fd, s, 100)); // too short for one
	show(read(fd, s, sizeof s));
	fact("%s code %d", signame(s[0].ssi_signo), s[0].ssi_code);
	fact("%s code %d int %d, from me %d", signame(s[1].ssi_signo), s[1].ssi_code, s[1].ssi_int, s[1].ssi_pid == getpid());
	pid_t pid = spawn(_exit(9));
	await(pid, "Z");
	show(read(fd, s, sizeof s));
	fact("%s code %d status %d child %d", signame(s[0].ssi_signo), s[0].ssi_code, s[0].ssi_status, s[0].ssi_pid == pid);
	reap("child", pid);
	sigdelset(&set, SIGUSR1);
	yes(signalfd(fd, &set, 0) == fd); // changes the set
	raise(SIGUSR1);
	show(read(fd, s, sizeof s));
	sigset_t only;
	sigemptyset(&only), sigaddset(&only, SIGUSR1);
	int second = must(signalfd(-1, &only, 0));
	show(read(second, s, sizeof s[0]));
	pid_t me = getpid();
	pid = spawn(await(me, "S"); kill(me, SIGUSR1));
	show(read(second, s, sizeof s)); // blocks until one is there
	quiet(pid);
	read(fd, s, sizeof s);
	raise(SIGUSR1);
	pid = spawn(fcntl(second, F_SETFL, O_NONBLOCK); show(read(second, s, sizeof s))); // the reader's own signals
	quiet(pid);
	show(write(fd, s, sizeof s[0]));
	show(signalfd(0, &set, 0));
	show(signalfd(999, &set, 0));
	show(signalfd(-1, &set, 1));
	show(sys(SYS_signalfd4, -1, &set, 4, 0));
	show(lseek(fd, 0, SEEK_SET));
	return 0;
}
