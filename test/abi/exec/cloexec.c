// What execve keeps and drops: descriptors, mappings, signals, timers, cwd, umask, nice, limits, comm.
#include "../oracle.h"
#include <sys/time.h>
static void handler(int s) {}
static volatile char *page;

int main(int argc, char **argv) {
	if (argc > 1) {
		sigset_t set;
		struct itimerval v;
		struct rlimit l;
		char name[17] = {0};
		fact("cloexec %s, kept %s", ename(err(fcntl(10, F_GETFD))), ename(err(fcntl(11, F_GETFD))));
		fact("position %ld", (long)lseek(11, 0, SEEK_CUR));
		sigprocmask(SIG_BLOCK, NULL, &set);
		fact("blocked: HUP %d", sigismember(&set, SIGHUP));
		sigpending(&set);
		fact("pending: HUP %d", sigismember(&set, SIGHUP));
		getitimer(ITIMER_REAL, &v);
		fact("itimer %d", v.it_value.tv_sec > 50);
		fact("umask %o, nice %d", umask(0), getpriority(PRIO_PROCESS, 0));
		getrlimit(RLIMIT_NOFILE, &l), fact("limit %ld", (long)l.rlim_cur);
		prctl(PR_GET_NAME, name), fact("comm %s", name);
		stack_t ss;
		sigaltstack(NULL, &ss), fact("altstack off %d", ss.ss_flags == SS_DISABLE);
		fact("mapping %s", ename(err(msync((void *)strtoul(argv[1], NULL, 16), PAGE, MS_ASYNC))));
		fact("pid same %d, parent same %d", getpid() == atoi(argv[2]), getppid() == atoi(argv[3]));
		int keep = -1;
		prctl(PR_GET_PDEATHSIG, &keep), fact("pdeathsig %s", signame(keep));
		fact("timer gone: %s", ename(err(sys(SYS_timer_delete, 0))));
		fact("memory unlocked: %.14s", strstr(slurp("/proc/self/status"), "VmLck:"));
		fact("children: %s", ename(err(waitpid(-1, NULL, WNOHANG))));
		return 0;
	}
	make("f", "0123456789");
	int fd = must(open("f", O_RDONLY | O_CLOEXEC));
	must(dup3(fd, 10, O_CLOEXEC)), must(dup2(fd, 11)), must(lseek(fd, 4, SEEK_SET));
	sigset_t set;
	sigemptyset(&set), sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL), raise(SIGHUP);
	on(SIGUSR1, handler, 0);
	struct itimerval v = {{0, 0}, {100, 0}};
	must(setitimer(ITIMER_REAL, &v, NULL));
	umask(035), must(setpriority(PRIO_PROCESS, 0, 5)), must(setrlimit(RLIMIT_NOFILE, &(struct rlimit){77, 78})), must(prctl(PR_SET_NAME, "other name"));
	static char alt[1 << 14];
	must(sigaltstack(&(stack_t){.ss_sp = alt, .ss_size = sizeof alt}, NULL));
	page = mmap((void *)0x600000000000, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	must(prctl(PR_SET_PDEATHSIG, SIGUSR2));
	timer_t t;
	must(timer_create(CLOCK_MONOTONIC, NULL, &t)), must(mlock((void *)page, PAGE));
	spawn(pause());
	char a[32], b[16], c[16];
	snprintf(a, 32, "%lx", (long)page), snprintf(b, 16, "%d", getpid()), snprintf(c, 16, "%d", getppid());
	char *args[] = {"a-name", a, b, c, NULL};
	execve("/proc/self/exe", args, NULL);
	return 1;
}
