// The driver runs oracle programs one after the other, each in a fresh directory, and reports
// on standard output. It is process 1 both on the host and in the sandbox:
//
//	driver [-root DIR] [-timeout SECONDS] [-dir DIR] PROGRAM...
//
// With -root it first makes the root file system at DIR its own, with the mounts of a
// container; namespaces of its own it must have already. The report:
//
//	#start NAME
//	#end NAME STATUS MILLISECONDS BYTES    STATUS: exit:N, signal:N, timeout, driver:WHAT
//	(that many bytes of output, then a line feed)
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what) {
	fprintf(stderr, "driver: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void mountOn(const char *type, const char *dir, unsigned long flags, const char *data) {
	mkdir(dir, 0755);
	if (mount(type, dir, type, flags, data) < 0)
		die(dir);
}

// enter makes a root file system with the mounts of a container this process's own.
static void enter(const char *root) {
	if (mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || mount(root, root, NULL, MS_BIND | MS_REC, NULL) < 0 || chdir(root) < 0)
		die(root);
	mountOn("proc", "proc", 0, NULL);
	mountOn("tmpfs", "dev", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k");
	mountOn("devpts", "dev/pts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5");
	mountOn("tmpfs", "dev/shm", MS_NOSUID | MS_NOEXEC | MS_NODEV, "mode=1777,size=65536k");
	mountOn("mqueue", "dev/mqueue", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL);
	mountOn("sysfs", "sys", MS_NOSUID | MS_NOEXEC | MS_NODEV | MS_RDONLY, NULL);
	mountOn("tmpfs", "tmp", MS_NOSUID | MS_NODEV, "mode=1777");
	static const struct { const char *name; int major, minor; } devices[] = {
		{"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}};
	umask(0);
	for (unsigned i = 0; i < sizeof devices / sizeof devices[0]; i++) {
		char path[64];
		snprintf(path, sizeof path, "dev/%s", devices[i].name);
		if (mknod(path, S_IFCHR | 0666, makedev(devices[i].major, devices[i].minor)) < 0)
			die(path);
	}
	if (symlink("/proc/self/fd", "dev/fd") < 0 || symlink("/proc/self/fd/0", "dev/stdin") < 0 || symlink("/proc/self/fd/1", "dev/stdout") < 0 ||
	    symlink("/proc/self/fd/2", "dev/stderr") < 0 || symlink("pts/ptmx", "dev/ptmx") < 0)
		die("dev");
	if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		die("pivot_root");
	if (sethostname("oracle", 6) < 0 || setdomainname("(none)", 6) < 0)
		die("sethostname");
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq r = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	if (s < 0 || ioctl(s, SIOCSIFFLAGS, &r) < 0)
		die("lo");
	close(s);
}

// settle gives every program the same ground to stand on: no CAP_SYS_RESOURCE (some hosts
// withhold it), fixed limits, no blocked or ignored signals, nobody's priority.
static void settle(void) {
	setpriority(PRIO_PROCESS, 0, 0);
	static const struct { int which; rlim_t soft, hard; } limits[] = {
		{RLIMIT_NOFILE, 1024, 4096}, {RLIMIT_CORE, 0, 0}, {RLIMIT_STACK, 8 << 20, RLIM_INFINITY}};
	for (unsigned i = 0; i < sizeof limits / sizeof limits[0]; i++) {
		struct rlimit l = {limits[i].soft, limits[i].hard};
		if (setrlimit(limits[i].which, &l) < 0)
			die("setrlimit");
	}
	prctl(PR_CAPBSET_DROP, CAP_SYS_RESOURCE);
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct d[2];
	if (syscall(SYS_capget, &h, d) < 0)
		die("capget");
	unsigned bit = 1u << CAP_SYS_RESOURCE;
	d[0].effective &= ~bit, d[0].permitted &= ~bit, d[0].inheritable = d[1].inheritable = 0;
	if (syscall(SYS_capset, &h, d) < 0)
		die("capset");
	umask(022);
	const unsigned long defaults[4] = {0}; // struct kernel_sigaction; libc refuses 32 and 33
	for (int i = 1; i < 65; i++)
		if (i != SIGALRM)
			syscall(SYS_rt_sigaction, i, defaults, NULL, 8);
}

static volatile sig_atomic_t late;
static void alarmed(int s) {
	late = 1;
	kill(-1, SIGKILL);
}

static long long milliseconds(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static void report(const char *name, const char *status, long long ms, int out) {
	static char text[256 << 10];
	ssize_t n = out < 0 ? 0 : pread(out, text, sizeof text, 0);
	n = n < 0 ? 0 : n;
	printf("#end %s %s %lld %zd\n", name, status, ms, n);
	fwrite(text, 1, n, stdout);
	printf("\n");
	fflush(stdout);
	if (ferror(stdout))
		exit(1);
}

static void child(const char *path, const char *dir, int out) {
	int null = open("/dev/null", O_RDONLY);
	if (setsid() < 0 || chdir(dir) < 0 || null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
		_exit(126);
	syscall(SYS_close_range, 3, ~0u, 0);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGALRM, SIG_DFL);
	char *argv[] = {(char *)path, NULL}, *env[] = {"PATH=/usr/bin:/bin:/usr/sbin:/sbin", "HOME=/root", NULL};
	execve(path, argv, env);
	_exit(127);
}

// run runs one program and everything it leaves behind to the end.
static void run(const char *path, const char *base, int number, int timeout) {
	char dir[128], file[128], status[64];
	printf("#start %s\n", path);
	fflush(stdout);
	snprintf(dir, sizeof dir, "%s/run.%d", base, number);
	snprintf(file, sizeof file, "%s/out.%d", base, number);
	int out = open(file, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (mkdir(dir, 0777) < 0 || chmod(dir, 0777) < 0 || out < 0) {
		report(path, "driver:directory", 0, -1);
		return;
	}
	long long start = milliseconds();
	late = 0;
	pid_t pid = fork();
	if (pid == 0)
		child(path, dir, out);
	alarm(timeout);
	int st = -1;
	pid_t got;
	while (pid > 0 && (got = waitpid(-1, &st, 0)) != pid)
		if (got < 0 && errno != EINTR)
			break;
	alarm(0);
	kill(-1, SIGKILL);
	while ((got = waitpid(-1, NULL, __WALL)) > 0 || errno == EINTR)
		;
	if (pid < 0)
		strcpy(status, "driver:fork");
	else if (late)
		strcpy(status, "timeout");
	else if (WIFEXITED(st))
		snprintf(status, sizeof status, "exit:%d", WEXITSTATUS(st));
	else
		snprintf(status, sizeof status, "signal:%d", WTERMSIG(st));
	report(path, status, milliseconds() - start, out);
	close(out);
}

int main(int argc, char **argv) {
	syscall(SYS_close_range, 3, ~0u, 0); // what the starter left open
	const char *base = "/tmp";
	int timeout = 20, i = 1;
	for (; i + 1 < argc && argv[i][0] == '-'; i += 2) {
		if (!strcmp(argv[i], "-root"))
			enter(argv[i + 1]);
		else if (!strcmp(argv[i], "-timeout"))
			timeout = atoi(argv[i + 1]);
		else if (!strcmp(argv[i], "-dir"))
			base = argv[i + 1];
	}
	settle();
	struct sigaction a = {.sa_handler = alarmed};
	sigaction(SIGALRM, &a, NULL);
	for (int n = 0; i < argc; i++, n++)
		run(argv[i], base, n, timeout);
	return 0;
}
