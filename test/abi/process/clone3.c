// clone3(2): structure sizes, errors, CLONE_PIDFD, set_tid refusals, CLONE_INTO_CGROUP absent, CLEAR_SIGHAND.
#include "../oracle.h"
#include <linux/sched.h>
static void handler(int s) {}
static long c3(struct clone_args *a, size_t size) { return sys(SYS_clone3, a, size); }

int main(void) {
	struct { struct clone_args a; char more[64]; } big = {.a = {.exit_signal = SIGCHLD}};
	struct clone_args *a = &big.a;
	fact("size 0: %s", ename(err(c3(a, 0))));
	fact("size 56: %s", ename(err(c3(a, 56))));
	fact("size 5000: %s", ename(err(c3(a, 5000))));
	fact("bad pointer: %s", ename(err(c3((void *)8, 64))));
	long pid = c3(a, 64);
	if (pid == 0)
		_exit(1);
	reap("first version", pid);
	pid = c3(a, sizeof big);
	if (pid == 0)
		_exit(2);
	reap("larger, zero beyond", pid);
	big.more[40] = 1;
	fact("larger, not zero beyond: %s", ename(err(c3(a, sizeof big))));
#define bad(text, ...) ({ struct clone_args b = {__VA_ARGS__}; fact("%s: %s", text, ename(err(c3(&b, sizeof b)))); })
	bad("exit signal in flags", .flags = SIGCHLD);
	bad("exit signal 65", .exit_signal = 65);
	bad("CLONE_DETACHED", .flags = CLONE_DETACHED, .exit_signal = SIGCHLD);
	bad("unknown flag", .flags = 1UL << 40, .exit_signal = SIGCHLD);
	bad("stack without size", .exit_signal = SIGCHLD, .stack = (uintptr_t)&big);
	bad("size without stack", .exit_signal = SIGCHLD, .stack_size = PAGE);
	bad("signal with THREAD", .flags = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM, .exit_signal = SIGCHLD);
	bad("set_tid_size without set_tid", .exit_signal = SIGCHLD, .set_tid_size = 1);
	bad("set_tid without size", .exit_signal = SIGCHLD, .set_tid = (uintptr_t)&big);
	bad("too many tids", .exit_signal = SIGCHLD, .set_tid = (uintptr_t)&big, .set_tid_size = 33);
	bad("SIGHAND and CLEAR_SIGHAND", .flags = CLONE_SIGHAND | CLONE_VM | CLONE_CLEAR_SIGHAND, .exit_signal = SIGCHLD);
	int pidfd = -1;
	struct clone_args p = {.flags = CLONE_PIDFD, .pidfd = (uintptr_t)&pidfd, .exit_signal = SIGCHLD};
	pid = must(c3(&p, sizeof p));
	if (pid == 0)
		pause();
	show(sys(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0));
	reap("by pidfd", pid);
	show(fcntl(pidfd, F_GETFD));
	on(SIGUSR1, handler, 0);
	signal(SIGUSR2, SIG_IGN);
	struct clone_args c = {.flags = CLONE_CLEAR_SIGHAND, .exit_signal = SIGCHLD};
	pid = must(c3(&c, sizeof c));
	if (pid == 0) {
		struct sigaction x;
		sigaction(SIGUSR1, NULL, &x);
		fact("cleared: handler %s", x.sa_handler == SIG_DFL ? "default" : "kept");
		sigaction(SIGUSR2, NULL, &x);
		fact("cleared: ignored %s", x.sa_handler == SIG_IGN ? "kept" : "default");
		_exit(0);
	}
	quiet(pid);
	pid_t wish = 77777;
	struct clone_args t = {.exit_signal = SIGCHLD, .set_tid = (uintptr_t)&wish, .set_tid_size = 1};
	wish = getpid();
	fact("set_tid that exists: %s", ename(err(c3(&t, sizeof t))));
	wish = -1;
	fact("set_tid -1: %s", ename(err(c3(&t, sizeof t))));
	return 0;
}
