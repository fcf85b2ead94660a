// execve(2) from a thread that is not the first: one thread is left, with the group's pid.
#include "../oracle.h"
static char *self;
static pid_t group;
static void *sleeper(void *a) {
	pause();
	return NULL;
}
static void *execs(void *a) {
	char text[16];
	snprintf(text, sizeof text, "%d", group);
	char *args[] = {self, text, NULL};
	execve(self, args, NULL);
	return NULL;
}

int main(int argc, char **argv) {
	if (argc > 1) {
		yes(getpid() == atoi(argv[1]));
		yes(sys(SYS_gettid) == getpid());
		char *p = strstr(slurp("/proc/self/status"), "Threads:");
		fact("threads: %d", atoi(p + 8));
		return 11;
	}
	self = argv[0];
	pid_t pid = spawn(group = getpid(); thread(sleeper, NULL); thread(sleeper, NULL); thread(execs, NULL); pause());
	reap("exec in a thread", pid);
	pid = spawn({
		group = getpid();
		thread(execs, NULL);
		sys(SYS_exit, 4); // the first thread may be gone already
	});
	reap("exec in a thread after the first thread's end", pid);
	pid = spawn({
		pthread_t t = thread(sleeper, NULL);
		char *args[] = {"x", NULL};
		fact("failed exec leaves the threads: %s", ename(err(execve("/nowhere", args, NULL))));
		char *p = strstr(slurp("/proc/self/status"), "Threads:");
		fact("threads: %d", atoi(p + 8));
		pthread_kill(t, SIGTERM);
		pause();
	});
	reap("signal to a thread ends all", pid);
	return 0;
}
