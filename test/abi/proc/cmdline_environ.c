// /proc/PID/cmdline and environ: contents, other processes, after rewriting, of zombies.
#include "../oracle.h"
static void raw(const char *path) {
	char b[256];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, b, sizeof b);
	if (n < 0) {
		fact("%s", ename(errno));
		return;
	}
	for (ssize_t i = 0; i < n; i++)
		putchar(b[i] ? b[i] : '|');
	printf(" (%zd)\n", n);
	close(fd);
}

int main(int argc, char **argv) {
	char path[64];
	if (argc > 1 && !strcmp(argv[1], "wait")) {
		if (argc > 2 && !strcmp(argv[2], "rewrite"))
			strcpy(argv[0], "NEW"), setenv("LATER", "1", 1);
		must(write(1, "", 0)), raise(SIGSTOP);
		return 0;
	}
	static char *lists[][6] = {{"prog", "wait", "two words", "", "x"}, {"prog", "wait", "rewrite"}, {"", "wait"}};
	for (int i = 0; i < 3; i++) {
		pid_t pid = spawn(char *env[] = {"A=1", "EMPTY=", "B=two words", NULL}; execve("/proc/self/exe", lists[i], env));
		int st;
		must(waitpid(pid, &st, WUNTRACED));
		snprintf(path, 64, "/proc/%d/cmdline", pid), raw(path), snprintf(path, 64, "/proc/%d/environ", pid), raw(path);
		quiet(spawn(must(setuid(1000)); snprintf(path, 64, "/proc/%d/cmdline", pid); raw(path); snprintf(path, 64, "/proc/%d/environ", pid); raw(path)));
		kill(pid, SIGKILL), await(pid, "Z"), snprintf(path, 64, "/proc/%d/cmdline", pid), raw(path), snprintf(path, 64, "/proc/%d/environ", pid), raw(path), waitpid(pid, NULL, 0), raw(path);
	}
	pid_t pid = spawn(raise(SIGSTOP)); // fork: the same as the parent
	must(waitpid(pid, NULL, WUNTRACED)), snprintf(path, 64, "/proc/%d/cmdline", pid), raw(path), kill(pid, SIGKILL), waitpid(pid, NULL, 0);
	int fd = must(open("/proc/self/cmdline", O_RDONLY));
	char b[8] = {0};
	show(pread(fd, b, 4, 1)), fact("%s", b), show(pread(fd, b, 4, 5000)), show(open("/proc/self/cmdline", O_WRONLY) < 0);
	return 0;
}
