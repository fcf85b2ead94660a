// Who owns the files of a process and who may look: by its ids, by whether it is dumpable, by the caller's.
#include "../oracle.h"
#include <grp.h>
static const char *files[] = {"", "/status", "/environ", "/mem", "/maps", "/fd", "/fdinfo", "/task", "/ns", "/exe", "/io", "/net", "/oom_score_adj", "/syscall", "/auxv", "/limits"};
static void owners(const char *what, pid_t pid) {
	char line[400] = "", path[64];
	for (unsigned i = 0; i < COUNT(files); i++) {
		struct stat st;
		snprintf(path, 64, "/proc/%d%s", pid, files[i]), must(lstat(path, &st));
		sprintf(line + strlen(line), " %d:%d", st.st_uid, st.st_gid);
	}
	fact("%s:%s", what, line);
}
static void try(const char *what, pid_t pid) {
	static const char *names[] = {"status", "stat", "environ", "maps", "smaps_rollup", "mem", "fd", "fdinfo", "fd/0", "fdinfo/0", "task", "ns", "cwd/", "exe", "io", "syscall", "auxv", "oom_score_adj", "comm", "cmdline", "limits", "personality", "timerslack_ns", "map_files"};
	for (unsigned i = 0; i < COUNT(names); i++) {
		char path[64], b[16];
		snprintf(path, 64, "/proc/%d/%s", pid, names[i]);
		int fd = open(path, O_RDONLY), e = errno, n = fd < 0 ? -1 : read(fd, b, 16);
		fact("%s %s: %s", what, names[i], fd < 0 ? ename(e) : n < 0 ? ename(errno) : n ? "text" : "empty");
		if (fd >= 0)
			close(fd);
	}
	char path[64], b[16];
	snprintf(path, 64, "/proc/%d/exe", pid), ok(readlink(path, b, 16)), snprintf(path, 64, "/proc/%d/ns/pid", pid), ok(readlink(path, b, 16)), snprintf(path, 64, "/proc/%d/fd/0", pid), ok(readlink(path, b, 16));
}

int main(void) {
	struct gate g = gate_new();
	pid_t root = spawn(gate_open(g); pause()), user = spawn(must(setresgid(200, 200, 200)); must(setresuid(100, 100, 100)); must(prctl(PR_SET_DUMPABLE, 1)); gate_open(g); pause()), undump = spawn(must(setresgid(200, 200, 200)); must(setresuid(100, 100, 100)); gate_open(g); pause()), mixed = spawn(must(setresuid(100, 101, 102)); must(prctl(PR_SET_DUMPABLE, 1)); gate_open(g); pause());
	gate_pass(g), gate_pass(g), gate_pass(g), gate_pass(g);
	owners("root", root), owners("user", user), owners("not dumpable", undump), owners("mixed", mixed);
	quiet(spawn(must(setgroups(0, NULL)); must(setresgid(200, 200, 200)); must(setresuid(100, 100, 100)); try("root's", root); try("own", user); try("own, not dumpable", undump); try("mixed", mixed)));
	quiet(spawn(must(setgroups(0, NULL)); must(setresgid(7, 7, 7)); must(setresuid(100, 100, 100)); try("other group", user)));
	kill(root, SIGKILL), kill(user, SIGKILL), kill(undump, SIGKILL), kill(mixed, SIGKILL);
	quiet(spawn(must(setresuid(100, 100, 100)); owners("self", getpid()); try("self", getpid()); ok(open("/proc/self/fd/0", O_RDONLY)); ok(open("/proc/self/task", O_RDONLY)); ok(open("/proc/self/comm", O_WRONLY)); ok(open("/proc/self/oom_score_adj", O_WRONLY))));
	return 0;
}
