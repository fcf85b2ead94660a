// A server that opens, looks at and closes a file for each request, after so many rounds that whoever answers for it may have
// become quick: it and others see what they would see if each call were made when it is.
#include "net.h"
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/sendfile.h>

static int l, ep, c, s;
static char b[8192], name[] = "/tmp/epoll_files.XXXXXX", link1[64];
static struct stat st;
static _Atomic int *flag;

static int opened(void) {
	struct epoll_event got[4];
	must(write(c, "get", 3));
	if (epoll_wait(ep, got, 4, 10000) != 1 || read(s, b, 100) != 3)
		fact("not told");
	return must(open(name, O_RDONLY));
}
static void answer(int f) {
	off_t o = 0;
	if (write(s, "head", 4) != 4 || sendfile(s, f, &o, st.st_size) != st.st_size || recv(c, b, 4 + st.st_size, MSG_WAITALL) != 4 + st.st_size)
		fact("no answer");
}
static int size(int f) { return fstat(f, &st) ? -1 : st.st_size; }
static int mode(void) { return st.st_mode & 07777; }
static int has(int f) { return fcntl(f, F_GETFD); }
// child does what follows in another process.
#define CHILD(...) do { pid_t p = must(fork()); if (!p) { __VA_ARGS__; _exit(0); } int w; must(waitpid(p, &w, 0)); } while (0)

int main(void) {
	struct epoll_event e = {EPOLLIN};
	int w = must(mkstemp(name)), f, d;
	must(write(w, "hello", 5)), must(close(w)), must(chmod(name, 0640));
	flag = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	l = listener(5), ep = must(epoll_create1(0)), conn(l, &c, &s), must(set(s, IPPROTO_TCP, TCP_NODELAY, 1)), must(epoll_ctl(ep, EPOLL_CTL_ADD, s, &e));
	for (int i = 0, first = -1; i < 60; i++) {
		f = opened(), first = i ? first : f;
		if (size(f) != 5 || mode() != 0640 || f != first || (answer(f), close(f)) || (i & 1 && !close(f)))
			fact("round %d: %d, size %d", i, f, (int)st.st_size);
	}
	f = opened(), show(size(f)), show(size(f)), show(fstat(f, (void *)8)), show(fstatat(f, "", &st, AT_EMPTY_PATH)), show(fstatat(f, "x", &st, AT_EMPTY_PATH)), show(fstatat(f, "", &st, 0)), show(close(f)), show(has(f)), show(close(f));
	f = opened(), show(close(f)), show(size(f)), show((int)read(f, b, 10));
	f = opened(), show(close(f)), d = must(open("/dev/null", O_RDWR)), show(d == f), show(size(d)), show(close(d)), show(has(d));
	f = opened(), d = must(open(name, O_RDONLY)), show(size(f)), show(size(d)), show(close(d)), show((int)read(f, b, 10)), show(close(f)), show(has(d));
	f = opened(), d = must(dup(f)), show(close(f)), show((int)read(d, b, 10)), show(close(d));
	f = opened(), show(close(f)), must(dup2(s, f)), show(has(f)), show(close(f)), show((int)write(s, "x", 1)), show((int)read(c, b, 1));
	f = opened();
	CHILD(close(f), *flag = has(f));
	show(*flag), show(size(f)), show(close(f));
	f = opened(), must(truncate(name, 3)), show(size(f)), show((int)read(f, b, 10)), show(close(f));
	w = must(open(name, O_WRONLY)), f = opened(), must(ftruncate(w, 7)), show(size(f)), show(close(f)), must(close(w));
	f = opened(), must(flock(f, LOCK_EX)), show(close(f)), w = must(open(name, O_RDONLY)), show(flock(w, LOCK_EX | LOCK_NB)), show(close(w));
	w = must(inotify_init1(IN_NONBLOCK)), must(inotify_add_watch(w, name, IN_CLOSE)), f = opened(), show(size(f)), show(close(f)), show((int)read(w, b, sizeof b) > 0), must(close(w));
	f = opened(), must(unlink(name)), show(size(f)), show((int)st.st_nlink), show(close(f));
	must(close(must(open(name, O_CREAT | O_WRONLY, 0600))));
	// What is closed is closed although no call follows.
	*flag = 0;
	pid_t p = must(fork());
	if (!p) {
		while (!*flag)
			usleep(1000);
		snprintf(link1, sizeof link1, "/proc/%d/fd/%d", getppid(), *flag);
		while (readlink(link1, b, sizeof b) > 0)
			usleep(1000);
		*flag = 0;
		_exit(0);
	}
	f = opened();
	if (size(f) < 0 || close(f))
		fact("not closed");
	*flag = f;
	while (*flag)
		;
	must(waitpid(p, NULL, 0));
	fact("closed");
	must(unlink(name));
	return 0;
}
