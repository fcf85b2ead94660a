// execveat(2): directories, AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, scripts by descriptor, memfd, fexecve.
#include "../oracle.h"
static char *args[] = {"zero", "x", NULL};
#define at(...) quiet(spawn(fact("%s: %s", #__VA_ARGS__, ename(err(sys(SYS_execveat, __VA_ARGS__))))))

int main(int argc, char **argv) {
	if (argc > 1) {
		char exe[256] = {0};
		readlink("/proc/self/exe", exe, 255);
		fact("  running: argc %d, exe %s", argc, strstr(exe, "memfd") ?: strrchr(exe, '/'));
		return 0;
	}
	char self[256] = {0};
	must(readlink("/proc/self/exe", self, 255)), must(symlink(self, "link")), must(mkdir("d", 0755));
	int fd = must(open(self, O_RDONLY)), p = must(open(self, O_PATH)), cx = must(open(self, O_RDONLY | O_CLOEXEC)), d = must(open("d", O_RDONLY)), here = must(open(".", O_RDONLY));
	at(fd, "", args, NULL, AT_EMPTY_PATH), at(p, "", args, NULL, AT_EMPTY_PATH), at(cx, "", args, NULL, AT_EMPTY_PATH);
	at(fd, "", args, NULL, 0), at(fd, "x", args, NULL, 0), at(999, "", args, NULL, AT_EMPTY_PATH), at(999, self, args, NULL, 0), at(d, "../link", args, NULL, 0), at(here, "link", args, NULL, AT_SYMLINK_NOFOLLOW), at(AT_FDCWD, "link", args, NULL, 0);
	at(d, "", args, NULL, AT_EMPTY_PATH), at(fd, "", args, NULL, AT_EMPTY_PATH | 1), at(AT_FDCWD, "", args, NULL, AT_EMPTY_PATH), at(here, 8, args, NULL, 0);
	make("script", "#!/bin/sh\necho \"script: ${0%/*}/... $1\"\n"), must(chmod("script", 0755));
	int s = must(open("script", O_RDONLY)), sc = must(open("script", O_RDONLY | O_CLOEXEC));
	at(s, "", args, NULL, AT_EMPTY_PATH), at(sc, "", args, NULL, AT_EMPTY_PATH); // the interpreter must be able to open it
	static char buf[1 << 20];
	ssize_t n = must(read(fd, buf, sizeof buf));
	int m = must(memfd_create("prog", 0));
	must(write(m, buf, n)), at(m, "", args, NULL, AT_EMPTY_PATH); // open for writing: ETXTBSY
	char path[64];
	snprintf(path, 64, "/proc/self/fd/%d", m);
	int ro = must(open(path, O_RDONLY));
	must(close(m)), at(ro, "", args, NULL, AT_EMPTY_PATH);
	int w = must(memfd_create("noexec", 0));
	must(fchmod(w, 0600)), must(write(w, buf, n)), snprintf(path, 64, "/proc/self/fd/%d", w);
	ro = must(open(path, O_RDONLY)), must(close(w)), at(ro, "", args, NULL, AT_EMPTY_PATH);
	quiet(spawn(char *env[] = {NULL}; fexecve(fd, args, env)));
	return 0;
}
