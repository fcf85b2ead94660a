// Paths that unix sockets are bound to: unlinked and bound anew while used, moved, in directories that go, through links, by rights of the file and of the directory, after chdir.
#include "../oracle.h"
#include <sys/socket.h>
#include <sys/un.h>
static int type;
static int make_(void) { return must(socket(AF_UNIX, type, 0)); }
static int at(int s, const char *path, int connecting) {
	struct sockaddr_un a = {AF_UNIX};
	strcpy(a.sun_path, path);
	socklen_t n = offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1;
	return connecting ? connect(s, (void *)&a, n) : bind(s, (void *)&a, n);
}
static int served(const char *path) {
	int s = make_();
	must(at(s, path, 0));
	if (type != SOCK_DGRAM) must(listen(s, 5));
	return s;
}
static void reach(const char *what, const char *path, int one, int two) { // which of the two hears?
	int c = make_(), e = err(at(c, path, 1));
	char b[8];
	if (e) { fact("%s: %s", what, ename(e)), close(c); return; }
	must(write(c, "hi", 2));
	int got[2] = {-1, -1}, s[2] = {one, two};
	for (int i = 0; i < 2; i++) {
		if (s[i] < 0) continue;
		must(fcntl(s[i], F_SETFL, O_NONBLOCK));
		int d = type == SOCK_DGRAM ? s[i] : accept(s[i], NULL, NULL);
		got[i] = d >= 0 && recv(d, b, 8, MSG_DONTWAIT) == 2;
		if (d >= 0 && d != s[i]) close(d);
	}
	fact("%s: %s", what, got[0] == 1 ? "the first" : got[1] == 1 ? "the second" : "nobody"), close(c);
}
static const char *kind(const char *path) { struct stat st; return stat(path, &st) ? ename(errno) : S_ISSOCK(st.st_mode) ? "a socket" : "no socket"; }

int main(void) {
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
	for (int i = 0; i < 3; i++) {
		char top[16];
		type = types[i], fact("type %d", type), snprintf(top, 16, "top%d", i), must(mkdir(top, 0777)), must(chdir(top));
		int a = served("s"), b, c;
		reach("bound", "s", a, -1), reach("by ./", "./s", a, -1), reach("by //", ".//s", a, -1), reach("with a slash", "s/", a, -1), ok(at(make_(), "s", 0)), ok(at(a, "t", 0)), fact("t: %s", kind("t"));
		c = make_(), must(at(c, "s", 1)), must(unlink("s")), fact("connected, then unlinked: %s", ename(err(send(c, "x", 1, 0)))), reach("unlinked", "s", a, -1);
		b = served("s"), reach("bound anew", "s", a, b), must(rename("s", "t")), reach("the old name", "s", a, b), reach("moved", "t", a, b), must(link("t", "u")), must(unlink("t")), reach("its other link", "u", a, b), must(symlink("u", "v")), reach("a symbolic link", "v", a, b), ok(at(make_(), "v", 0)), must(symlink("v", "w")), reach("two of them", "w", a, b), must(symlink("loop", "loop")), reach("a loop", "loop", a, b), must(symlink("gone", "x")), reach("to nothing", "x", a, b), ok(at(make_(), "x", 0)), fact("gone: %s", kind("gone"));
		close(b), reach("closed", "u", a, -1), fact("u: %s", kind("u")), must(unlink("u")), close(a), close(c);
		must(mkdir("dir", 0777)), a = served("dir/s"), must(rename("dir", "moved")), reach("in a directory that moved", "moved/s", a, -1), must(chdir("moved")), reach("from there", "s", a, -1), reach("up and down", "../moved/s", a, -1), must(unlink("s")), must(rmdir("../moved")), ok(at(make_(), "s", 0)), reach("the directory is gone", "s", a, -1), must(chdir("..")), close(a);
		ok(at(make_(), "no/s", 0)), make("plain", ""), ok(at(make_(), "plain/s", 0)), ok(at(make_(), "plain", 0)), reach("a file", "plain", -1, -1), ok(at(make_(), ".", 0)), reach("a directory", ".", -1, -1), ok(at(make_(), "/dev/null", 0)), reach("a device", "/dev/null", -1, -1), must(mkfifo("fifo", 0600)), reach("a pipe", "fifo", -1, -1);
		a = served("guarded"), must(chmod(".", 0755)), must(mkdir("closed", 0700)), b = served("closed/s"), must(chmod("closed/s", 0777)), must(mkdir("fixed", 0755));
		for (int mode = 0; mode <= 7; mode++) {
			must(chmod("guarded", mode));
			quiet(spawn(must(setgid(1000)); must(setuid(1000)); c = make_(); fact("mode %o, others: %s", mode, ename(err(at(c, "guarded", 1))))));
		}
		quiet(spawn(must(setgid(1000)); must(setuid(1000)); ok(at(make_(), "closed/s", 1)); ok(at(make_(), "closed/t", 0)); ok(at(make_(), "fixed/t", 0)); ok(at(make_(), "guarded", 0))));
		must(chmod("guarded", 0)), reach("root, mode 0", "guarded", a, -1);
		ok(open("guarded", O_RDWR)), ok(open("guarded", O_PATH)), ok(truncate("guarded", 0)), ok(access("guarded", R_OK)), close(a), close(b), must(chdir(".."));
	}
	return 0;
}
