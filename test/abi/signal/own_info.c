// What a process says of a signal that it sends to itself is what its handler sees, whoever it claims to be (rt_sigqueueinfo(2)).
#include "../oracle.h"

static void handler(int s, siginfo_t *info, void *context) { fact("%s: code %d, pid %d, uid %d", signame(s), info->si_code, info->si_pid, info->si_uid); }

int main(void)
{
	const int codes[] = {SI_USER, SI_TKILL, SI_QUEUE, SI_KERNEL};
	struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
	sigaction(SIGUSR1, &a, 0);
	for (int i = 0; i < 4; i++) {
		siginfo_t info = {.si_signo = SIGUSR1, .si_code = codes[i]};
		info.si_pid = 4711, info.si_uid = 99;
		fact("%s", ename(sys(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &info) ? errno : 0));
	}
	return 0;
}
