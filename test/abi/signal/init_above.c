// The init of a PID namespace is stopped and killed from above, and by nothing else from there that it has no handler for.
#include "../oracle.h"

int main(void)
{
	int status;
	siginfo_t info = {.si_code = SI_QUEUE};
	unshare(CLONE_NEWPID);
	pid_t p = fork();
	if (p == 0)
		for (;;)
			pause();
	const int signals[] = {SIGTERM, SIGTSTP, SIGSTOP};
	for (int i = 0; i < 3; i++) {
		info.si_signo = signals[i];
		fact("%s from above %d", signame(signals[i]), (int)sys(SYS_rt_sigqueueinfo, p, signals[i], &info));
	}
	waitpid(p, &status, WUNTRACED);
	fact("%s", WIFSTOPPED(status) ? "stops" : "does not stop");
	kill(p, SIGCONT);
	info.si_signo = SIGKILL;
	fact("KILL from above %d", (int)sys(SYS_rt_sigqueueinfo, p, SIGKILL, &info));
	waitpid(p, &status, 0);
	fact("%s", WIFSIGNALED(status) ? signame(WTERMSIG(status)) : "is not killed");
	return 0;
}
