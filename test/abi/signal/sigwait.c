// sigwaitinfo(2), sigtimedwait: what is taken, order, timeouts, interruption, thread against process.
#include "../oracle.h"
static void handler(int s) {}

int main(void) {
	sigset_t set, usr2;
	siginfo_t i;
	struct timespec zero = {0, 0}, shortly = {0, 5000000}, bad = {0, 1000000000};
	sigemptyset(&set), sigaddset(&set, SIGUSR1), sigaddset(&set, 34), sigaddset(&set, 35), sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	show(sigtimedwait(&set, &i, &zero));
	show(sigtimedwait(&set, &i, &shortly));
	show(sigtimedwait(&set, &i, &bad));
	show(sys(SYS_rt_sigtimedwait, &set, &i, &zero, 4));
	sigqueue(getpid(), 35, (union sigval){.sival_int = 1});
	sigqueue(getpid(), 34, (union sigval){.sival_int = 2});
	raise(SIGUSR1);
	for (int k = 0; k < 3; k++) {
		int s = sigwaitinfo(&set, &i);
		fact("%s code %d value %d", signame(s), i.si_code, i.si_code == SI_QUEUE ? i.si_value.sival_int : 0);
	}
	pid_t pid = spawn(_exit(3));
	yes(sigwaitinfo(&set, &i) == SIGCHLD && i.si_pid == pid);
	fact("CHLD: code %d status %d", i.si_code, i.si_status);
	quiet(-1);
	pid_t me = getpid();
	pid = spawn(await(me, "S"); kill(me, SIGUSR1));
	fact("wakes: %s", signame(sigwaitinfo(&set, NULL)));
	waitpid(pid, NULL, 0);
	sigtimedwait(&set, &i, &zero); // its CHLD
	on(SIGUSR2, handler, SA_RESTART);
	struct gate g = gate_new();
	pid = spawn(await(me, "S"); kill(me, SIGUSR2); gate_pass(g));
	fact("another signal's handler: %s", ename(err(sigwaitinfo(&set, &i))));
	gate_open(g);
	waitpid(pid, NULL, 0);
	sigtimedwait(&set, &i, &zero);
	pid = spawn(signal(SIGUSR2, SIG_IGN); sigaddset(&set, SIGKILL); struct timespec t = {0, 1000000}; show(sigtimedwait(&set, &i, &t)));
	quiet(pid);
	sigtimedwait(&set, &i, &zero);
	sigemptyset(&usr2), sigaddset(&usr2, SIGUSR2);
	signal(SIGUSR2, SIG_IGN);
	sigprocmask(SIG_BLOCK, &usr2, NULL);
	raise(SIGUSR2); // blocked: kept although ignored
	fact("ignored but blocked: %s", signame(sigtimedwait(&usr2, NULL, &zero)));
	int r;
	fact("sigwait: %s", ename((raise(SIGUSR1), sigwait(&set, &r))));
	return 0;
}
