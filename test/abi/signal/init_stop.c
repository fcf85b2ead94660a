// No signal from inside a PID namespace ends or stops its init, whichever way it comes: by kill(2), as a notice of
// a descriptor (F_SETSIG), as a child's end (clone(2)), from a timer. A tracer can do both (sig_task_ignored, get_signal: kernel/signal.c).
#include "../oracle.h"
#include <sys/ptrace.h>
#include <sys/socket.h>

static int signo;

static void by_kill(void)
{
	fact("kill %d, tgkill %d", kill(1, signo), (int)sys(SYS_tgkill, 1, 1, signo));
	siginfo_t info = {.si_signo = signo, .si_code = SI_QUEUE};
	fact("rt_sigqueueinfo %d", (int)sys(SYS_rt_sigqueueinfo, 1, signo, &info));
}

static void by_descriptor(void)
{
	int s[2];
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	fact("F_SETOWN %d, F_SETSIG %d", fcntl(s[0], F_SETOWN, 1), fcntl(s[0], F_SETSIG, signo));
	fact("O_ASYNC %d", fcntl(s[0], F_SETFL, O_ASYNC));
	fact("write %zd", write(s[1], "x", 1));
}

static void by_tracer(void)
{
	int status = 0;
	fact("attach %ld", ptrace(PTRACE_ATTACH, 1, 0, 0));
	waitpid(1, &status, __WALL);
	fact("stops by %s", signame(WSTOPSIG(status)));
	ptrace(PTRACE_DETACH, 1, 0, signo); // which may be the end of us all
}

// init has a child do something, and ends if it can.
static void init(void (*way)(void))
{
	pid_t p = way ? fork() : sys(SYS_clone, signo, 0, 0, 0, 0);
	if (p == 0) {
		if (way)
			way();
		_exit(0);
	}
	while (waitpid(p, 0, __WALL) < 0)
		;
	struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = signo};
	timer_t t;
	if (!way && timer_create(CLOCK_MONOTONIC, &e, &t) == 0) {
		timer_settime(t, 0, &(struct itimerspec){.it_value.tv_nsec = 1}, 0);
		usleep(10000);
	}
	_exit(7);
}

// look tells what becomes of an init.
static void look(const char *name, void (*way)(void))
{
	int status;
	fact("%s by %s", signame(signo), name);
	if (unshare(CLONE_NEWPID))
		fact("unshare: %s", ename(errno));
	pid_t p = fork();
	if (p == 0)
		init(way);
	waitpid(p, &status, WUNTRACED);
	fact("init %s %d", WIFSTOPPED(status) ? "stops" : WIFSIGNALED(status) ? "is killed" : "ends", WIFEXITED(status) ? WEXITSTATUS(status) : 0);
	kill(p, SIGKILL);
	waitpid(p, &status, 0);
	_exit(0);
}

int main(void)
{
	const int signals[] = {SIGSTOP, SIGKILL, SIGTERM, SIGTSTP};
	const char *names[] = {"kill", "a descriptor", "a child's end and a timer", "a tracer"};
	void (*ways[])(void) = {by_kill, by_descriptor, 0, by_tracer};
	for (int s = 0; s < 4; s++)
		for (int i = 0; i < 4; i++) {
			signo = signals[s];
			if (fork() == 0)
				look(names[i], ways[i]);
			wait(0);
		}
	return 0;
}
