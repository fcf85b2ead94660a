// The name of a task: from exec, PR_SET_NAME, /proc/PID/comm, threads, cmdline rewritten.
#include "../oracle.h"
static char name[17];
static const char *comm(void) {
	must(prctl(PR_GET_NAME, name));
	return name;
}
static void *other(void *a) {
	must(prctl(PR_SET_NAME, "a thread"));
	char path[64];
	snprintf(path, 64, "/proc/self/task/%ld/comm", sys(SYS_gettid));
	fact("thread: %s", slurp(path));
	int fd = must(open("/proc/self/comm", O_WRONLY)); // the first thread's
	show(write(fd, "renamed", 7));
	return NULL;
}

int main(int argc, char **argv) {
	if (argc > 1 && !strcmp(argv[1], "show")) {
		fact("after exec: %s", comm());
		char *c = slurp("/proc/self/cmdline");
		fact("cmdline: %s", c);
		return 0;
	}
	char self[256] = {0};
	must(readlink("/proc/self/exe", self, 255));
	fact("first: %s", comm());
	show(prctl(PR_SET_NAME, "a name of more than fifteen")), fact("%s", comm()), show(prctl(PR_SET_NAME, 8)), show(prctl(PR_GET_NAME, 8));
	quiet(spawn(fact("fork: %s", comm())));
	join(thread(other, NULL)), fact("%s", comm());
	int fd = must(open("/proc/self/comm", O_RDWR));
	show(write(fd, "with\nnewline", 12)), fact("%s", slurp("/proc/self/comm"));
	must(symlink(self, "a-rather-long-link-name")), must(symlink(self, "short"));
	char *args[] = {"argv zero", "show", NULL};
	quiet(spawn(execv("a-rather-long-link-name", args))), quiet(spawn(execv("./short", args)));
	fact("%.16s", strstr(slurp("/proc/self/status"), "Name:"));
	must(prctl(PR_SET_NAME, "odd (name) \\")), fact("%.20s", strstr(slurp("/proc/self/status"), "Name:"));
	char *stat = strchr(slurp("/proc/self/stat"), '(');
	fact("%.16s", stat);
	size_t n = strlen(argv[0]);
	memset(argv[0], 'X', n); // shows in cmdline
	char *c = slurp("/proc/self/cmdline");
	fact("%zu %.4s", strlen(c) == n ? 0 : strlen(c), c);
	char path[32];
	pid_t pid = spawn(pause());
	snprintf(path, 32, "/proc/%d/comm", pid);
	quiet(spawn(must(setuid(1000)); ok(open(path, O_RDONLY)); show(open(path, O_WRONLY))));
	fd = must(open(path, O_WRONLY)), show(write(fd, "x", 1)); // another process's
	kill(pid, SIGKILL), reap("child", pid);
	return 0;
}
