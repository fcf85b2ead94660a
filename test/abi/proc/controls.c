// Files of a process that are written: comm, oom_score_adj, oom_adj, timerslack_ns, coredump_filter, loginuid; their limits.
#include "../oracle.h"
static int put(const char *path, const char *text) {
	int fd = open(path, O_WRONLY | O_TRUNC);
	if (fd < 0)
		return -1;
	int r = write(fd, text, strlen(text)), e = errno;
	close(fd), errno = e;
	return r;
}
#define line(p) fact("%.*s", (int)strcspn(slurp(p) ?: "none", "\n"), slurp(p) ?: "none")
static void *body(void *a) {
	char path[64];
	snprintf(path, 64, "/proc/self/task/%ld/comm", sys(SYS_gettid)), show(put(path, "worker")), show(put("/proc/self/comm", "leader\n")), fact("%s", slurp(path)), line("/proc/self/comm"), line("/proc/thread-self/comm");
	char name[16];
	prctl(PR_GET_NAME, name), fact("%s", name);
	return a;
}

int main(void) {
	show(put("/proc/self/comm", "a name longer than fits")), line("/proc/self/comm"), show(put("/proc/self/comm", "")), show(put("/proc/self/comm", "two\nlines")), fact("%s", slurp("/proc/self/comm")), show(put("/proc/self/comm", "x"));
	join(thread(body, NULL));
	pid_t pid = spawn(pause());
	char path[64];
	snprintf(path, 64, "/proc/%d/comm", pid), show(put(path, "other"));
	snprintf(path, 64, "/proc/%d/timerslack_ns", pid), show(put(path, "70000")), line(path), quiet(spawn(must(setuid(1000)); show(put(path, "1")); show(slurp(path) && *slurp(path))));
	snprintf(path, 64, "/proc/%d/oom_score_adj", pid), show(put(path, "-1000")), line(path), show(put(path, " 7 \n")), line(path), show(put(path, "0x10")), line(path), show(put(path, "5x")), show(put(path, "")), show(put(path, "-1001"));
	quiet(spawn(must(setuid(1000)); show(put(path, "100"))));
	snprintf(path, 64, "/proc/%d/oom_adj", pid), line(path), show(put(path, "15")), line(path), show(put(path, "-17")), line(path), show(put(path, "16"));
	snprintf(path, 64, "/proc/%d/oom_score_adj", pid), line(path), kill(pid, SIGKILL), reap("child", pid);
	show(put("/proc/self/oom_score_adj", "100")), quiet(spawn(must(setuid(1000)); must(prctl(PR_SET_DUMPABLE, 1)); show(put("/proc/self/oom_score_adj", "300")); show(put("/proc/self/oom_score_adj", "100")); show(put("/proc/self/oom_score_adj", "99")); line("/proc/self/oom_score_adj")));
	show(put("/proc/self/oom_score_adj", "0"));
	show(put("/proc/self/timerslack_ns", "0")), line("/proc/self/timerslack_ns"), show(put("/proc/self/timerslack_ns", "-1")), show(put("/proc/self/timerslack_ns", "123")), line("/proc/self/timerslack_ns");
	show(put("/proc/self/coredump_filter", "0")), line("/proc/self/coredump_filter"), show(put("/proc/self/coredump_filter", "0xfff")), line("/proc/self/coredump_filter"), quiet(spawn(line("/proc/self/coredump_filter"))), show(put("/proc/self/coredump_filter", "-1")), show(put("/proc/self/coredump_filter", "51")), line("/proc/self/coredump_filter");
	show(put("/proc/self/setgroups", "deny")), show(put("/proc/self/setgroups", "x")), show(put("/proc/self/uid_map", "0 0 1")), show(put("/proc/self/uid_map", "x")), line("/proc/self/uid_map"), line("/proc/self/setgroups");
	show(put("/proc/self/stat", "x")), show(put("/proc/self/limits", "x")), show(chmod("/proc/self/stat", 0600)), show(chown("/proc/self/stat", 1, 1)), show(truncate("/proc/self/comm", 5)), show(utimensat(AT_FDCWD, "/proc/self/comm", NULL, 0));
	return 0;
}
