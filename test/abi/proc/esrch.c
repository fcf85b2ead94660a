// What files of a process say once it is a zombie, and once it is gone, through descriptors opened before.
#include "../oracle.h"
static const char *files[] = {"status", "stat", "statm", "limits", "cmdline", "environ", "auxv", "maps", "smaps", "smaps_rollup", "comm", "cgroup", "oom_score_adj", "oom_score", "io", "wchan", "mounts", "mountinfo", "uid_map", "setgroups", "personality", "syscall", "timers", "coredump_filter", "timerslack_ns", "task/../comm", "fdinfo/0", "loginuid", "mem"};

static void each(const char *what, int *fds, int dir) {
	char b[64];
	for (unsigned i = 0; i < COUNT(files); i++) {
		int n = pread(fds[i], b, sizeof b, strcmp(files[i], "mem") ? 0 : 1 << 20), e = errno;
		int again = openat(dir, files[i], O_RDONLY), e2 = errno;
		fact("%s %s: %s, open %s", what, files[i], n < 0 ? ename(e) : n ? "text" : "empty", again < 0 ? ename(e2) : "ok");
		if (again >= 0)
			close(again);
	}
}

int main(void) {
	char path[64];
	int fds[COUNT(files)];
	struct gate g = gate_new();
	pid_t pid = spawn(gate_open(g); pause());
	gate_pass(g), snprintf(path, 64, "/proc/%d", pid);
	int dir = must(open(path, O_RDONLY | O_DIRECTORY)), fddir = must(openat(dir, "fd", O_RDONLY)), task = must(openat(dir, "task", O_RDONLY)), path_ = must(openat(dir, "status", O_PATH));
	for (unsigned i = 0; i < COUNT(files); i++)
		fds[i] = must(openat(dir, files[i], O_RDONLY));
	int w = must(openat(dir, "comm", O_WRONLY)), adj = must(openat(dir, "oom_score_adj", O_WRONLY));
	kill(pid, SIGKILL), await(pid, "Z"), each("zombie", fds, dir);
	char b[256];
	static const char *links[] = {"exe", "cwd", "root", "ns/pid", "ns/net", "ns/user", "fd/0"};
	for (unsigned i = 0; i < COUNT(links); i++)
		named(links[i], readlinkat(dir, links[i], b, sizeof b));
	show(sys(SYS_getdents64, fddir, b, sizeof b) >= 0), ok(sys(SYS_getdents64, task, b, sizeof b)), show(write(adj, "3", 1));
	reap("child", pid), each("gone", fds, dir);
	show(write(w, "x", 1)), show(write(adj, "4", 1)), show(sys(SYS_getdents64, dir, b, sizeof b)), lseek(fddir, 0, SEEK_SET), show(sys(SYS_getdents64, fddir, b, sizeof b)), lseek(task, 0, SEEK_SET), show(sys(SYS_getdents64, task, b, sizeof b));
	struct stat st;
	ok(fstat(dir, &st)), ok(fstat(fds[0], &st)), ok(fstat(path_, &st)), show(openat(fddir, "0", O_RDONLY)), show(openat(task, "1", O_RDONLY)), show(fchdir(dir));
	snprintf(path, 64, "/proc/self/fd/%d", fds[0]), memset(b, 0, sizeof b), must(readlink(path, b, sizeof b)), fact("deleted %d", strstr(b, "(deleted)") != NULL);
	return 0;
}
