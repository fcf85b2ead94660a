// What calls cost: prints "name nanoseconds" a line, each the median of several rounds.
//
//   calls [-only NAME] [-rounds N]        the rows below
//   calls -spin CPU                       keeps a processor busy until its parent ends
//   calls -run ROUNDS (NAME PREPARE COMMAND)...   times COMMAND in a shell, after PREPARE
//
// Built by the bench tool, statically, so that the host and every sandbox run the same bytes.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUND_NS 12000000.0 // how long a round of a row takes, about

static int rounds = 7;
static char self[4096];
static int file, pipes[2][2];
static char buf[4096];

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static void check(long v, const char *what)
{
	if (v < 0) {
		fprintf(stderr, "%s: %s\n", what, strerror(errno));
		exit(1);
	}
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static double median(double *v, int n)
{
	qsort(v, n, sizeof *v, by_value);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

// Rows: each does its thing n times.

static void do_getpid(long n) { while (n--) syscall(SYS_getpid); }

static pid_t other;

static void do_getpgid(long n)
{
	if (other == 0 && (other = fork()) == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	check(other, "fork");
	while (n--)
		check(getpgid(other), "getpgid");
}

static void do_clock(long n)
{
	struct timespec t;
	while (n--) clock_gettime(CLOCK_MONOTONIC, &t);
}

static void do_stat(long n)
{
	struct stat st;
	while (n--) check(stat("bench.file", &st), "stat");
}

static void do_open(long n)
{
	while (n--) {
		int fd = open("bench.file", O_RDONLY);
		check(fd, "open");
		close(fd);
	}
}

static void do_pread(long n) { while (n--) check(pread(file, buf, 64, 0), "pread"); }
static void do_pwrite(long n) { while (n--) check(pwrite(file, buf, 4096, 0), "pwrite"); }

static void do_pipe(long n)
{
	while (n--) {
		check(write(pipes[0][1], buf, 1), "write");
		check(read(pipes[0][0], buf, 1), "read");
	}
}

static void do_pingpong(long n)
{
	pid_t pid = fork();
	check(pid, "fork");
	if (pid == 0) {
		for (; n > 0; n--) {
			check(read(pipes[0][0], buf, 1), "read");
			check(write(pipes[1][1], buf, 1), "write");
		}
		_exit(0);
	}
	for (; n > 0; n--) {
		check(write(pipes[0][1], buf, 1), "write");
		check(read(pipes[1][0], buf, 1), "read");
	}
	check(waitpid(pid, NULL, 0), "wait");
}

static void do_fork(long n)
{
	while (n--) {
		pid_t pid = fork();
		check(pid, "fork");
		if (pid == 0)
			_exit(0);
		check(waitpid(pid, NULL, 0), "wait");
	}
}

static void do_exec(long n)
{
	char *argv[] = {self, "-true", NULL}, *envp[] = {NULL};
	while (n--) {
		pid_t pid = vfork();
		check(pid, "vfork");
		if (pid == 0) {
			execve(self, argv, envp);
			_exit(127);
		}
		int status;
		check(waitpid(pid, &status, 0), "wait");
		check(-status, "exec");
	}
}

static void do_mmap(long n)
{
	while (n--) {
		volatile char *p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			check(-1, "mmap");
		for (int i = 0; i < 65536; i += 4096)
			p[i] = 1;
		munmap((void *)p, 65536);
	}
}

// A page's share of 256 MiB touched for the first time; n counts pages.
static void do_touch(long n)
{
	size_t size = n * 4096;
	volatile char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		check(-1, "mmap");
	for (size_t i = 0; i < size; i += 4096)
		p[i] = 1;
	munmap((void *)p, size);
}

static atomic_int turn;

static void take_turn(int mine)
{
	while (atomic_load(&turn) != mine)
		syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, !mine, NULL, NULL, 0);
	atomic_store(&turn, !mine);
	syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void *futex_partner(void *n)
{
	for (long i = 0; i < (long)n; i++)
		take_turn(1);
	return NULL;
}

static void do_futex(long n)
{
	pthread_t t;
	turn = 0;
	check(-pthread_create(&t, NULL, futex_partner, (void *)n), "pthread_create");
	for (long i = 0; i < n; i++)
		take_turn(0);
	pthread_join(t, NULL);
}

static void *thread_calls(void *n)
{
	do_getpid((long)n);
	return NULL;
}

// Eight threads that call: the time of a call as the eight together see it.
static void do_threads(long n)
{
	pthread_t t[8];
	for (int i = 0; i < 8; i++)
		check(-pthread_create(&t[i], NULL, thread_calls, (void *)(n / 8 + 1)), "pthread_create");
	for (int i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
}

static const struct row {
	const char *name;
	void (*run)(long);
	long fixed; // times a round, instead of as many as take ROUND_NS
} rows[] = {
	{"getpid", do_getpid}, {"getpgid", do_getpgid}, {"clock_gettime", do_clock}, {"stat", do_stat}, {"open+close", do_open},
	{"pread_64", do_pread}, {"pwrite_4k", do_pwrite}, {"pipe", do_pipe}, {"pingpong", do_pingpong},
	{"fork+wait", do_fork}, {"vfork+exec+wait", do_exec}, {"mmap_64k", do_mmap}, {"touch", do_touch, 65536},
	{"futex", do_futex}, {"threads", do_threads, 4000},
};

static void measure(const struct row *r)
{
	double v[64];
	long n = r->fixed ? r->fixed : 1;
	for (double took = 0; !r->fixed; n *= 2) {
		double start = now();
		r->run(n);
		took = now() - start;
		if (took > ROUND_NS / 4) {
			n = n * (ROUND_NS / took) + 1;
			break;
		}
	}
	int times = r->fixed ? (rounds + 1) / 2 : rounds;
	for (int i = 0; i < times; i++) {
		double start = now();
		r->run(n);
		v[i] = (now() - start) / n;
	}
	printf("%s %.1f\n", r->name, median(v, times));
	fflush(stdout);
}

static void shell(const char *command, const char *name)
{
	pid_t pid = vfork();
	check(pid, "vfork");
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	int status;
	check(waitpid(pid, &status, 0), "wait");
	if (status != 0) {
		fprintf(stderr, "%s: status %#x of: %s\n", name, status, command);
		exit(1);
	}
}

static void programs(int times, char **arg)
{
	for (; arg[0] && arg[1] && arg[2]; arg += 3) {
		double v[64];
		for (int i = 0; i < times; i++) {
			shell(arg[1], arg[0]);
			double start = now();
			shell(arg[2], arg[0]);
			v[i] = now() - start;
		}
		printf("%s %.1f\n", arg[0], median(v, times));
		fflush(stdout);
	}
}

static void spin(int cpu)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	check(prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl");
	check(sched_setaffinity(0, sizeof set, &set), "sched_setaffinity");
	for (volatile long n = 0;; n++)
		;
}

int main(int argc, char **argv)
{
	const char *only = NULL;
	if (argc > 2 && !strcmp(argv[1], "-spin"))
		spin(atoi(argv[2]));
	if (argc > 1 && !strcmp(argv[1], "-true"))
		return 0;
	if (argc > 2 && !strcmp(argv[1], "-run")) {
		programs(atoi(argv[2]), argv + 3);
		return 0;
	}
	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "-only"))
			only = argv[i + 1];
		else if (!strcmp(argv[i], "-rounds"))
			rounds = atoi(argv[i + 1]);
	}
	if (rounds < 1 || rounds > 64)
		rounds = 7;
	check(readlink("/proc/self/exe", self, sizeof self - 1), "readlink");
	file = open("bench.file", O_RDWR | O_CREAT, 0644);
	check(file, "bench.file");
	check(pwrite(file, buf, sizeof buf, 0), "pwrite");
	check(pipe(pipes[0]), "pipe");
	check(pipe(pipes[1]), "pipe");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (!only || !strcmp(only, rows[i].name))
			measure(&rows[i]);
	if (other > 0)
		kill(other, SIGKILL);
	return 0;
}
