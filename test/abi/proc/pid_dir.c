// /proc as a directory: entries of processes and threads, self, owners, modes, what vanishes with a process.
#include "../oracle.h"
#include <dirent.h>
static struct gate g, h;
static void *body(void *a) {
	*(int *)a = sys(SYS_gettid);
	gate_open(g), gate_pass(h);
	return NULL;
}
static int list(const char *path) {
	DIR *d = opendir(path);
	int n = 0;
	for (struct dirent *e; d && (e = readdir(d));)
		n += *e->d_name >= '0' && *e->d_name <= '9';
	if (d)
		closedir(d);
	return n;
}

int main(void) {
	char path[64], b[64] = {0};
	struct stat st;
	g = gate_new(), h = gate_new();
	must(readlink("/proc/self", b, 63)), yes(atoi(b) == getpid()), memset(b, 0, 64), must(readlink("/proc/thread-self", b, 63)), snprintf(path, 64, "%d/task/%d", getpid(), getpid()), yes(!strcmp(b, path));
	static const char *files[] = {"cmdline", "environ", "stat", "status", "statm", "maps", "mem", "limits", "mounts", "mountinfo", "mountstats", "comm", "auxv", "oom_score", "oom_score_adj", "cgroup", "wchan", "io", "uid_map", "smaps", "syscall", "personality", "timers", "timerslack_ns", "setgroups", "coredump_filter"};
	for (unsigned i = 0; i < COUNT(files); i++) {
		snprintf(path, 64, "/proc/self/%s", files[i]);
		if (stat(path, &st))
			fact("%s: %s", files[i], ename(errno));
		else
			fact("%s: mode %o size %ld uid %d", files[i], st.st_mode, (long)st.st_size, st.st_uid);
	}
	static const char *dirs[] = {"fd", "fdinfo", "ns", "task", "net", "map_files"};
	for (unsigned i = 0; i < COUNT(dirs); i++)
		snprintf(path, 64, "/proc/self/%s", dirs[i]), must(stat(path, &st)), fact("%s: mode %o", dirs[i], st.st_mode);
	static const char *links[] = {"exe", "cwd", "root"};
	for (unsigned i = 0; i < COUNT(links); i++)
		snprintf(path, 64, "/proc/self/%s", links[i]), must(lstat(path, &st)), fact("%s: mode %o", links[i], st.st_mode);
	memset(b, 0, 64), must(readlink("/proc/self/root", b, 63)), fact("root %s", b);
	static const char *ns[] = {"cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "user", "uts"};
	for (unsigned i = 0; i < COUNT(ns); i++)
		snprintf(path, 64, "/proc/self/ns/%s", ns[i]), memset(b, 0, 64), must(readlink(path, b, 63)), fact("ns %s: %.*s", ns[i], (int)strcspn(b, "["), b);
	int tid;
	pthread_t t = thread(body, &tid);
	gate_pass(g);
	show(list("/proc/self/task")), snprintf(path, 64, "/proc/self/task/%d/comm", tid), fact("%s", slurp(path)), snprintf(path, 64, "/proc/%d/task", tid), show(list(path)), snprintf(path, 64, "/proc/%d", tid), ok(open(path, O_RDONLY)); // not listed, but there
	gate_open(h), join(t);
	pid_t pid = spawn(gate_open(g); pause());
	gate_pass(g), snprintf(path, 64, "/proc/%d", pid);
	int dir = must(open(path, O_RDONLY | O_DIRECTORY)), f = must(openat(dir, "status", O_RDONLY));
	must(stat(path, &st)), fact("mode %o links %d", st.st_mode, st.st_nlink > 2), yes(list("/proc") >= 3);
	kill(pid, SIGKILL), await(pid, "Z"), show(readlinkat(dir, "exe", b, 64)), show(list(path)), snprintf(path, 64, "/proc/%d/fd", pid), show(list(path)), reap("child", pid);
	show(openat(dir, "stat", O_RDONLY)), show(read(f, b, 10)), snprintf(path, 64, "/proc/%d", pid), show(access(path, F_OK)), show(faccessat(dir, ".", F_OK, 0) == 0 || errno == ENOENT);
	show(mkdir("/proc/x", 0755)), show(open("/proc/x", O_CREAT | O_RDWR, 0600)), show(unlink("/proc/version")), show(rename("/proc/version", "/proc/v2")), show(access("/proc/0", F_OK)), show(access("/proc/999999", F_OK)), show(open("/proc/version", O_WRONLY) < 0);
	return 0;
}
