// getrlimit, setrlimit, prlimit64: every resource, raising and lowering, who may, other processes.
#include "../oracle.h"

int main(void) {
	struct rlimit l, old;
	for (int r = 0; r < 17; r++)
		fact("resource %d: %s", r, ename(err(sys(SYS_getrlimit, r, &l))));
	must(getrlimit(RLIMIT_NOFILE, &l)), fact("NOFILE %ld %ld", (long)l.rlim_cur, (long)l.rlim_max);
	must(getrlimit(RLIMIT_STACK, &l)), fact("STACK %ld %ld", (long)l.rlim_cur, (long)l.rlim_max);
	must(getrlimit(RLIMIT_CORE, &l)), fact("CORE %ld %ld", (long)l.rlim_cur, (long)l.rlim_max);
	static const int open_ended[] = {RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_RSS, RLIMIT_AS, RLIMIT_LOCKS, RLIMIT_RTTIME};
	for (unsigned i = 0; i < COUNT(open_ended); i++)
		must(getrlimit(open_ended[i], &l)), fact("%d unlimited: %d", open_ended[i], l.rlim_cur == RLIM_INFINITY);
	l = (struct rlimit){500, 400}, show(setrlimit(RLIMIT_NOFILE, &l));
	l = (struct rlimit){500, 5000}, show(setrlimit(RLIMIT_NOFILE, &l)); // without CAP_SYS_RESOURCE never up
	l = (struct rlimit){500, 2000}, show(setrlimit(RLIMIT_NOFILE, &l)), l = (struct rlimit){2000, 2000}, show(setrlimit(RLIMIT_NOFILE, &l)), l = (struct rlimit){2000, 2001}, show(setrlimit(RLIMIT_NOFILE, &l));
	l = (struct rlimit){0, 1L << 30}, show(setrlimit(RLIMIT_NOFILE, &l)), show(setrlimit(99, &l)), show(setrlimit(RLIMIT_NOFILE, (void *)8)), show(getrlimit(RLIMIT_NOFILE, (void *)8));
	l = (struct rlimit){100, 200}, show(setrlimit(RLIMIT_RSS, &l)), quiet(spawn(must(getrlimit(RLIMIT_RSS, &l)); _exit(l.rlim_cur != 100)));
	l = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY}, show(setrlimit(RLIMIT_CORE, &l));
	struct gate g = gate_new();
	pid_t pid = spawn(gate_pass(g); must(getrlimit(RLIMIT_DATA, &l)); fact("set from outside: %ld", (long)l.rlim_cur));
	l = (struct rlimit){123456, 654321};
	show(prlimit(pid, RLIMIT_DATA, &l, &old)), yes(old.rlim_cur == RLIM_INFINITY);
	show(prlimit(pid, RLIMIT_DATA, NULL, &old)), fact("%ld %ld", (long)old.rlim_cur, (long)old.rlim_max);
	gate_open(g), quiet(pid);
	show(prlimit(999999, RLIMIT_DATA, NULL, &old)), show(prlimit(0, RLIMIT_DATA, NULL, NULL)), show(prlimit(-1, RLIMIT_DATA, NULL, &old));
	pid = spawn(must(setuid(1000)); gate_open(g); pause());
	gate_pass(g);
	quiet(spawn(must(setuid(1000)); show(prlimit(pid, RLIMIT_DATA, NULL, &old)); show(prlimit(getppid(), RLIMIT_DATA, NULL, &old))));
	kill(pid, SIGKILL), reap("child", pid);
	pid = spawn(must(setrlimit(RLIMIT_NPROC, &(struct rlimit){2, 2})); must(setuid(54321)); pid_t a = fork(); if (a == 0) pause(); fact("second process: %s", a > 0 ? "ok" : ename(errno)); fact("third: %s", ename(err(fork()))); kill(a, SIGKILL));
	quiet(pid);
	char *text = slurp("/proc/self/limits");
	fact("%.79s", strstr(text, "Max open files"));
	fact("%.60s", text);
	return 0;
}
