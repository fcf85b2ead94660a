// What oracle programs share: printing facts by name, children, gates between processes.
//
// A program prints what it observed, one fact a line, the same in every run: names of errors
// and signals instead of numbers, no addresses, no pids, no times. Waiting is done with gates
// and asleep(), not with sleeps, since a sandbox may be slow.
#ifndef ORACLE_H
#define ORACLE_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define UNUSED __attribute__((unused))
#define sys syscall
#define PAGE 4096
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

// Output is one write per line, so that processes do not mix within lines and fork copies nothing.
__attribute__((constructor)) static void oracle_start(void) { setvbuf(stdout, NULL, _IOLBF, 1 << 12); }

// fact prints one line.
__attribute__((format(printf, 1, 2))) UNUSED static void fact(const char *format, ...) {
	int saved = errno;
	va_list args;
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	errno = saved;
}

UNUSED static const char *ename(int e) { return e == 0 ? "0" : strerrorname_np(e) ? strerrorname_np(e) : "E?"; }
UNUSED static const char *signame(int s) {
	static char rt[16];
	if (s >= SIGRTMIN) {
		snprintf(rt, sizeof rt, "RTMIN+%d", s - SIGRTMIN);
		return rt;
	}
	return s == 0 ? "0" : sigabbrev_np(s) ? sigabbrev_np(s) : "SIG?";
}

UNUSED static long show_(const char *text, long v) {
	if (v == -1)
		fact("%s: %s", text, ename(errno));
	else
		fact("%s: %ld", text, v);
	return v;
}
UNUSED static long ok_(const char *text, long v) {
	fact("%s: %s", text, v == -1 ? ename(errno) : "ok");
	return v;
}
UNUSED static long must_(const char *text, int line, long v) {
	if (v == -1) {
		fact("line %d: %s failed: %s", line, text, ename(errno));
		exit(99);
	}
	return v;
}
// show prints a call and its value or error; ok does not print the value; must prints nothing
// and ends the program on an error; err is a call's error code as a number.
#define show(...) show_(#__VA_ARGS__, (long)(__VA_ARGS__))
#define ok(...) ok_(#__VA_ARGS__, (long)(__VA_ARGS__))
#define must(...) must_(#__VA_ARGS__, __LINE__, (long)(__VA_ARGS__))
#define err(...) ((long)(__VA_ARGS__) == -1 ? errno : 0)
// named is ok with a name of the caller's.
#define named(name, ...) ok_(name, (long)(__VA_ARGS__))
// yes prints whether a condition holds.
#define yes(...) fact("%s: %s", #__VA_ARGS__, (__VA_ARGS__) ? "yes" : "no")

// spawn runs statements in a child, which then exits with 0.
#define spawn(...) ({ pid_t p_ = must(fork()); if (p_ == 0) { __VA_ARGS__; exit(0); } p_; })

// status prints how a child ended or stopped.
UNUSED static void status(const char *text, int st) {
	if (WIFEXITED(st))
		fact("%s: exited %d", text, WEXITSTATUS(st));
	else if (WIFSIGNALED(st))
		fact("%s: killed by %s", text, signame(WTERMSIG(st)));
	else if (WIFSTOPPED(st))
		fact("%s: stopped by %s", text, signame(WSTOPSIG(st)));
	else if (WIFCONTINUED(st))
		fact("%s: continued", text);
	else
		fact("%s: status %#x", text, st);
}
// reap waits for a child's end and prints it.
UNUSED static void reap(const char *text, pid_t pid) {
	int st;
	pid_t got;
	while ((got = waitpid(pid, &st, 0)) == -1 && errno == EINTR)
		;
	if (got == -1)
		fact("%s: wait: %s", text, ename(errno));
	else
		status(text, st);
}
// quiet waits for a child's end and prints it only if it failed.
UNUSED static void quiet(pid_t pid) {
	int st = 0;
	while (waitpid(pid, &st, 0) == -1 && errno == EINTR)
		;
	if (st)
		status("child", st);
}

// gate lets one process wait for another: each open lets one pass through.
struct gate { int fd[2]; };
UNUSED static struct gate gate_new(void) {
	struct gate g;
	must(pipe2(g.fd, O_CLOEXEC));
	return g;
}
UNUSED static void gate_open(struct gate g) { must(write(g.fd[1], "g", 1)); }
UNUSED static void gate_pass(struct gate g) {
	char c;
	ssize_t n;
	while ((n = read(g.fd[0], &c, 1)) == -1 && errno == EINTR)
		;
	if (n != 1)
		exit(98);
}

// state is the letter of a task's state in /proc: R, S, T, t, Z; 0 if it is gone.
UNUSED static char state(pid_t tid) {
	char path[64], text[512];
	snprintf(path, sizeof path, "/proc/%d/stat", tid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t n = read(fd, text, sizeof text - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = 0;
	char *p = strrchr(text, ')');
	return p ? p[2] : 0;
}
// await waits until a task is in one of the states: S asleep, T stopped, t traced, Z zombie.
UNUSED static void await(pid_t tid, const char *states) {
	for (int i = 0; i < 10000; i++) {
		char c = state(tid);
		if (c && strchr(states, c))
			return;
		usleep(500);
	}
	fact("task is in state %c, not %s", state(tid) ?: '-', states);
	exit(97);
}
UNUSED static void asleep(pid_t tid) { await(tid, "S"); }

UNUSED // typed waits until all that was written to a terminal's master has been looked at and echoed, which Linux does in the
// background: poll(2) of a slave without input waits for that, and settings change when nobody is at it.
UNUSED static void typed(int slave) {
	char settings[128];
	poll(&(struct pollfd){slave, POLLIN, 0}, 1, 0);
	if (ioctl(slave, 0x5401 /* TCGETS */, settings) == 0)
		ioctl(slave, 0x5402 /* TCSETS */, settings);
}

UNUSED static int64_t now_ns(clockid_t c) {
	struct timespec t;
	must(clock_gettime(c, &t));
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}
// make makes a file with a text.
UNUSED static void make(const char *path, const char *text) {
	int fd = must(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644));
	must(write(fd, text, strlen(text)));
	must(close(fd));
}
// slurp reads a file as a string; NULL if it cannot be opened.
UNUSED static char *slurp(const char *path) {
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	char *text = calloc(1, 1 << 16);
	size_t n = 0;
	ssize_t k;
	while (n < (1 << 16) - 1 && (k = read(fd, text + n, (1 << 16) - 1 - n)) > 0)
		n += k;
	close(fd);
	return text;
}
// on runs a handler at a signal.
UNUSED static void on(int signo, void (*f)(int), int flags) {
	struct sigaction a = {.sa_handler = f, .sa_flags = flags};
	must(sigaction(signo, &a, NULL));
}
// thread starts a thread; join waits for it and returns its result as a number.
UNUSED static pthread_t thread(void *(*f)(void *), void *arg) {
	pthread_t t;
	errno = pthread_create(&t, NULL, f, arg);
	must(errno ? -1 : 0);
	return t;
}
UNUSED static long join(pthread_t t) {
	void *r = NULL;
	pthread_join(t, &r);
	return (long)r;
}
#endif
