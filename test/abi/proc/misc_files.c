// oom_score_adj, coredump_filter, timerslack_ns, io, cgroup, filesystems, devices, version, net files.
#include "../oracle.h"
static int put(const char *path, const char *text) {
	int fd = open(path, O_WRONLY);
	if (fd < 0)
		return -1;
	int r = write(fd, text, strlen(text)), e = errno;
	close(fd), errno = e;
	return r;
}
#define text_(p) (slurp(p) ?: "none")

int main(void) {
	fact("oom_score_adj %s", text_("/proc/self/oom_score_adj")), show(put("/proc/self/oom_score_adj", "500")), fact("%s", text_("/proc/self/oom_score_adj")), show(put("/proc/self/oom_score_adj", "1001")), show(put("/proc/self/oom_score_adj", "x")), show(put("/proc/self/oom_score_adj", "-500")), quiet(spawn(fact("child %s", text_("/proc/self/oom_score_adj")))); // lower needs CAP_SYS_RESOURCE
	fact("coredump_filter %s", text_("/proc/self/coredump_filter")), show(put("/proc/self/coredump_filter", "0x7f")), fact("%s", text_("/proc/self/coredump_filter")), show(put("/proc/self/coredump_filter", "zz"));
	fact("timerslack %s", text_("/proc/self/timerslack_ns")), show(put("/proc/self/timerslack_ns", "60000")), show(prctl(PR_GET_TIMERSLACK));
	int a[7];
	char *io = text_("/proc/self/io");
	yes(sscanf(io, "rchar: %d\nwchar: %d\nsyscr: %d\nsyscw: %d\nread_bytes: %d\nwrite_bytes: %d\ncancelled_write_bytes: %d", a, a + 1, a + 2, a + 3, a + 4, a + 5, a + 6) == 7);
	int before = a[1];
	make("f", "0123456789"), sscanf(text_("/proc/self/io"), "rchar: %d\nwchar: %d", a, a + 1), yes(a[1] - before >= 10);
	char *c = text_("/proc/self/cgroup");
	yes(strchr(c, ':') && strchr(strchr(c, ':') + 1, ':')[1] == '/');
	yes(!strncmp(text_("/proc/version"), "Linux version ", 14)), yes(strstr(text_("/proc/devices"), "Character devices:\n") && strstr(text_("/proc/devices"), "Block devices:\n")), yes(strstr(text_("/proc/misc"), "") != NULL), yes(strlen(text_("/proc/cmdline")) >= 1);
	yes(strstr(text_("/proc/net/unix"), "Num") && strstr(text_("/proc/net/dev"), "lo:")), yes(!strncmp(text_("/proc/net/tcp"), "  sl  local_address", 19));
	char b[64] = {0};
	must(readlink("/proc/net", b, 63)), fact("net -> %s", b), memset(b, 0, 64), must(readlink("/proc/mounts", b, 63)), fact("mounts -> %s", b);
	yes(strstr(text_("/proc/self/mountstats"), "mounted on / with fstype")), yes(strstr(text_("/proc/mounts"), " /proc proc "));
	fact("wchan: %d", strlen(text_("/proc/self/wchan")) >= 1);
	yes(!strncmp(text_("/proc/self/syscall"), "running", 7) || atoi(text_("/proc/self/syscall")) == SYS_read);
	struct gate g = gate_new();
	pid_t pid = spawn(gate_open(g); char x; read(0 * 0 + g.fd[0], &x, 0); gate_pass(gate_new()));
	gate_pass(g), asleep(pid);
	char path[64];
	int nr = -1;
	snprintf(path, 64, "/proc/%d/syscall", pid);
	io = text_(path), sscanf(io, "%d", &nr), fact("asleep in read: %d", nr == SYS_read);
	quiet(spawn(must(setuid(1000)); show(open(path, O_RDONLY) < 0 || slurp(path) == NULL || *slurp(path) == 0)));
	kill(pid, SIGKILL), reap("child", pid);
	return 0;
}
