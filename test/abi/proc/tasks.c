// Threads and children: /proc/PID/task, children, their own stat and comm; syscall, timers, wchan; stat of real-time threads.
#include "../oracle.h"
#include <time.h>
static struct gate g, h;
static int tid;
static void *body(void *a) {
	tid = sys(SYS_gettid), prctl(PR_SET_NAME, "thread");
	if (a)
		gate_pass(*(struct gate *)a);
	gate_open(g), gate_pass(h);
	return NULL;
}
// field is number n of /proc/.../stat, counted as in proc(5).
static long long field(const char *path, int n) {
	char *p = strrchr(slurp(path), ')') + 1;
	for (int i = 2; i < n - 1; i++)
		p = strchr(p + 1, ' ');
	return n == 3 ? p[1] : strtoll(p + 1, NULL, 10);
}

int main(void) {
	char path[96], want[32];
	g = gate_new(), h = gate_new();
	pthread_t t = thread(body, NULL);
	gate_pass(g), asleep(tid);
	snprintf(path, 96, "/proc/self/task/%d/stat", tid), show(field(path, 4) == getppid()), show(field(path, 5) == getpgrp()), show(field(path, 20)), show(field(path, 38)), show(field("/proc/self/stat", 38));
	snprintf(path, 96, "/proc/%d/task/%d/status", getpid(), tid);
	char *s = slurp(path);
	snprintf(want, 32, "\nTgid:\t%d\n", getpid()), show(strstr(s, want) != NULL), snprintf(want, 32, "\nPid:\t%d\n", tid), show(strstr(s, want) != NULL), show(strstr(s, "Name:\tthread\n") == s), show(strstr(s, "\nThreads:\t2\n") != NULL), show(strstr(s, "S (sleeping)") != NULL);
	snprintf(path, 96, "/proc/%d/comm", tid), fact("%s", slurp(path)), snprintf(path, 96, "/proc/%d/status", tid), snprintf(want, 32, "\nPid:\t%d\n", tid), show(strstr(slurp(path), want) != NULL); // not listed
	snprintf(path, 96, "/proc/self/task/%d/syscall", tid), show(atoi(slurp(path)) == SYS_read), show(strstr(slurp(path), " 0x1 ") != NULL);
	snprintf(path, 96, "/proc/self/task/%d/children", getpid()), fact("[%s]", slurp(path));
	pid_t a = spawn(pause()), b = spawn(pause());
	char both[32];
	snprintf(both, 32, "%d %d ", a, b), show(!strcmp(slurp(path), both)), snprintf(path, 96, "/proc/self/task/%d/children", tid), fact("[%s]", slurp(path)), kill(a, SIGKILL), reap("first", a), snprintf(path, 96, "/proc/self/task/%d/children", getpid()), snprintf(both, 32, "%d ", b), show(!strcmp(slurp(path), both)), kill(b, SIGKILL), reap("second", b), show(access("/proc/self/children", F_OK));
	static const char *not[] = {"task", "timers", "map_files", "mountstats", "coredump_filter", "timerslack_ns"};
	for (unsigned i = 0; i < COUNT(not); i++)
		snprintf(path, 96, "/proc/self/task/%d/%s", tid, not[i]), named(not[i], access(path, F_OK));
	gate_open(h), join(t), snprintf(path, 96, "/proc/self/task/%d", tid);
	for (int i = 0; i < 1000 && access(path, F_OK) == 0; i++)
		usleep(100); // joined is not yet gone
	show(access(path, F_OK));
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 7}, none = {.sigev_notify = SIGEV_NONE, .sigev_signo = SIGUSR2};
	timer_t one, two;
	must(timer_create(CLOCK_MONOTONIC, &ev, &one)), must(timer_create(CLOCK_REALTIME, &none, &two));
	s = slurp("/proc/self/timers");
	for (char *l = strtok(s, "\n"); l; l = strtok(NULL, "\n"))
		if (!strncmp(l, "signal:", 7))
			fact("signal %d, value %d", atoi(l + 8), strchr(l, '/') && strstr(strchr(l, '/'), "7") != NULL);
		else if (!strncmp(l, "notify:", 7))
			fact("%.*s", (int)strcspn(l, "."), l);
		else
			fact("%s", l);
	timer_delete(one), timer_delete(two), fact("[%s]", slurp("/proc/self/timers"));
	struct sched_param p = {.sched_priority = 7};
	must(sched_setscheduler(0, SCHED_RR, &p)), show(field("/proc/self/stat", 18)), show(field("/proc/self/stat", 40)), show(field("/proc/self/stat", 41)), p.sched_priority = 0, must(sched_setscheduler(0, SCHED_BATCH, &p)), show(field("/proc/self/stat", 18)), show(field("/proc/self/stat", 41));
	quiet(spawn(must(setpgid(0, 0)); show(field("/proc/self/stat", 5) == getpid()); must(0 * setsid()); show(field("/proc/self/stat", 6) == getsid(0))));
	int st;
	pid_t pid = spawn(exit(7));
	await(pid, "Z"), snprintf(path, 96, "/proc/%d/stat", pid), show(field(path, 52)), show(field(path, 23)), show(field(path, 20)), waitpid(pid, &st, 0), show(err(open(path, O_RDONLY)) == ENOENT);
	quiet(spawn(int v = vfork(); if (!v) _exit(field("/proc/self/stat", 38) != SIGCHLD); waitpid(v, &st, 0); show(WEXITSTATUS(st))));
	return 0;
}
