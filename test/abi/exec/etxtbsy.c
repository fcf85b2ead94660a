// ETXTBSY: a program that runs cannot be opened for writing, one that is open for writing cannot run.
#include "../oracle.h"

int main(int argc, char **argv) {
	if (argc > 1) {
		must(write(atoi(argv[1]), "r", 1));
		pause();
	}
	char self[256] = {0}, num[8];
	must(readlink("/proc/self/exe", self, 255));
	int in = must(open(self, O_RDONLY)), out = must(open("prog", O_CREAT | O_RDWR, 0755));
	static char buf[1 << 20];
	ssize_t n = must(read(in, buf, sizeof buf));
	must(write(out, buf, n));
	char *args[] = {"prog", num, NULL};
	struct gate g = gate_new();
	int p[2];
	must(pipe(p)), snprintf(num, 8, "%d", p[1]);
	quiet(spawn(fact("open for writing: %s", ename(err(execv("prog", args))))));
	must(close(out));
	pid_t pid = spawn(execv("prog", args));
	char c;
	must(read(p[0], &c, 1));
	show(open("prog", O_WRONLY)), show(open("prog", O_RDWR | O_APPEND)), show(truncate("prog", 10)), ok(open("prog", O_RDONLY)), show(open("prog", O_RDONLY | O_TRUNC));
	show(chmod("prog", 0700)), show(rename("prog", "moved")), show(open("moved", O_WRONLY)), show(unlink("moved"));
	char path[64], target[256] = {0};
	snprintf(path, 64, "/proc/%d/exe", pid), must(readlink(path, target, 255)), fact("%s", strrchr(target, '/'));
	show(open(path, O_WRONLY)), ok(open(path, O_RDONLY));
	int fd = must(open(path, O_PATH));
	kill(pid, SIGKILL), reap("prog", pid);
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	ok(open(path, O_WRONLY)); // nobody runs it any more
	int own = open("/proc/self/exe", O_WRONLY);
	fact("own: %s", own < 0 ? ename(errno) : "ok");
	char *m = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, in, 0); // a mapping alone is no obstacle
	make("lib", "x");
	int lib = must(open("lib", O_RDONLY));
	m = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, lib, 0);
	ok(open("lib", O_WRONLY)), (void)m, (void)g;
	return 0;
}
