// kill(-1) also ends what is about to be born: init of a namespace kills everybody while a worker forks, and all come to an end.
#include "../oracle.h"

static void work(void) {
	for (;;) {
		pid_t pid = fork();
		if (pid == 0)
			for (;;)
				pause();
		if (pid > 0)
			kill(pid, SIGKILL), waitpid(pid, NULL, 0);
	}
}

static void init(void) {
	int ended = 0, others = 0;
	for (int i = 0; i < 150; i++) {
		if (fork() == 0)
			work();
		usleep(i * 37 % 3000);
		kill(-1, SIGKILL);
		while (waitpid(-1, NULL, 0) > 0)
			ended++;
		others += kill(-1, 0) == 0;
	}
	yes(ended >= 150);
	fact("left: %d", others);
}

int main(void) {
	must(unshare(CLONE_NEWPID));
	quiet(spawn(init()));
	return 0;
}
