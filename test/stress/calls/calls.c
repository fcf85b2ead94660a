// Makes random system calls: stress SECONDS SEED. The first process starts workers, one after
// the other and two at a time; each has 16 threads that share memory, descriptors and everything
// else, makes calls of all numbers with plausible and implausible arguments, and is killed after
// a while. What comes of the calls is of no interest: only that the kernel survives them.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef THREADS
#define THREADS 16 // of a process
#endif

enum { CALLS = 470, STACK = 64 << 10, ARENA = 4 << 20, AREA = 64 << 10 };

typedef struct { uint64_t s, calls; int depth; } rng;

// The arena starts with areas of things that a call may want, and goes on with random bytes.
enum { PATHS, TIMES, IOVECS, MESSAGES, ADDRESSES, SETS, EVENTS, VECTORS, SMALL, BYTES, AREAS };
static char *arena;
static volatile uint64_t *total;

#include "kinds.h" // kinds of the arguments of each call, made from the sentry's table

// syscall6 makes a call without libc, whose thread-local errno may be gone.
static long syscall6(long n, long a, long b, long c, long d, long e, long f) {
	long r;
	register long r10 asm("r10") = d, r8 asm("r8") = e, r9 asm("r9") = f;
	asm volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
	return r;
}

static uint64_t next(rng *r) {
	r->s ^= r->s << 13, r->s ^= r->s >> 7, r->s ^= r->s << 17;
	return r->s * 0x2545f4914f6cdd1d >> 11;
}

static uint64_t below(rng *r, uint64_t n) { return next(r) % n; }

static const char *paths[] = {"/tmp/a", "/tmp/b", "/tmp/d", "/tmp/d/e", "/tmp/d/f", "/tmp/l", "/tmp/../tmp/a", ".", "..", "/", "a", "d/e", "", "/proc/self/maps", "/proc/self/fd/3",
	"/proc/self/status", "/proc/self/task", "/proc/thread-self/stat", "/proc/1/environ", "/proc/self/mem", "/proc/self/mountinfo", "/proc/self/fdinfo/4", "/proc/self/exe",
	"/proc/self/ns/mnt", "/proc/stat", "/proc/meminfo", "/proc/sys/kernel/pid_max", "/proc/self/oom_score_adj", "/sys", "/sys/devices/system/cpu/online", "/dev/null", "/dev/zero",
	"/dev/ptmx", "/dev/tty", "/dev/pts/0", "/dev/full", "/dev/urandom", "/dev/shm/x", "/bin/busybox", "/tmp/sock", "/tmp/fifo", "tmpfs", "proc", "overlay", "user.x",
	"security.capability", "/no/such", "/tmp/l/l/l", "/tmp/d/e/", "/q", "/mnt"};
enum { NPATHS = sizeof paths / sizeof *paths };

static char *area(int n) { return arena + n * AREA; }

// pointer is an address that a call may be given: mostly of something in the arena.
static long pointer(rng *r) {
	switch (below(r, 24)) {
	case 0: return 0;
	case 1: return (long)arena + ARENA - below(r, 64); // the next page is not there
	case 2: return 0x7fffffffe000 + below(r, 8192);
	case 3: return next(r) << 13;
	case 4: return (long)arena + below(r, ARENA);
	case 5: case 6: case 7: case 8: return (long)area(PATHS) + below(r, NPATHS) * 64;
	case 9: case 10: return (long)area(TIMES) + below(r, 100) * 16;
	case 11: case 12: return (long)area(IOVECS) + below(r, 100) * 16;
	case 13: return (long)area(MESSAGES) + below(r, 50) * 64;
	case 14: return (long)area(ADDRESSES) + below(r, 20) * 128;
	case 15: return (long)area(SETS) + below(r, 100) * 8;
	case 16: return (long)area(EVENTS) + below(r, 100) * 12;
	case 17: return (long)area(VECTORS) + below(r, 100) * 8;
	case 18: case 19: case 20: return (long)area(SMALL) + below(r, 1000) * 4;
	default: return (long)area(BYTES) + below(r, AREA);
	}
}

static long number(rng *r) {
	switch (below(r, 12)) {
	case 0: return -1;
	case 1: return 1L << below(r, 64);
	case 2: return (1L << below(r, 32)) - 1;
	case 3: return next(r);
	case 4: return 4096 * below(r, 64);
	case 5: return -(long)below(r, 200);
	case 6: return 1L << below(r, 12) | 1L << below(r, 20);
	default: return below(r, 70);
	}
}

static long argument(rng *r) {
	switch (below(r, 8)) {
	case 0: case 1: case 2: return pointer(r);
	case 3: case 4: return below(r, 48); // a descriptor
	default: return number(r);
	}
}

// page is a range of the arena that may be unmapped or mapped anew without killing everybody.
static long page(rng *r) { return (long)arena + AREAS * AREA + (below(r, (ARENA - AREAS * AREA) >> 12) << 12); }

static void fill(rng *r) {
	for (long i = 0; i < ARENA / 8; i++)
		((uint64_t *)arena)[i] = below(r, 4) ? below(r, 64) | below(r, 64) << 32 : next(r);
	for (int i = 0; i < NPATHS; i++)
		strcpy(area(PATHS) + i * 64, paths[i]);
	for (int i = 0; i < 200; i++) {
		((struct timespec *)area(TIMES))[i] = (struct timespec){0, below(r, 3000000)};
		((struct iovec *)area(IOVECS))[i] = (struct iovec){(void *)pointer(r), below(r, 3) ? below(r, 300) : (uint64_t)number(r)};
		((uint64_t *)area(SETS))[i] = below(r, 2) ? 0 : 1UL << below(r, 64);
		((struct epoll_event *)area(EVENTS))[i] = (struct epoll_event){below(r, 32) | (below(r, 4) ? 0 : EPOLLET), {.u64 = i}};
		((long *)area(VECTORS))[i] = below(r, 9) ? (long)area(PATHS) + below(r, NPATHS) * 64 : 0;
	}
	for (int i = 0; i < 100; i++)
		((struct msghdr *)area(MESSAGES))[i] = (struct msghdr){below(r, 2) ? area(ADDRESSES) + below(r, 20) * 128 : 0, below(r, 130),
			(void *)pointer(r), below(r, 5), below(r, 2) ? (void *)pointer(r) : 0, below(r, 80), 0};
	for (int i = 0; i < 20; i++) {
		struct sockaddr_un *u = (void *)(area(ADDRESSES) + i * 128);
		memset(u, 0, sizeof *u), u->sun_family = below(r, 18);
		if (i % 4 == 2)
			*(struct sockaddr_in *)u = (struct sockaddr_in){AF_INET, htons(1024 + below(r, 4)), {htonl(INADDR_LOOPBACK)}};
		if (i % 2)
			u->sun_family = AF_UNIX, strcpy(u->sun_path + (i & 2 ? 0 : 1), "/tmp/sock");
	}
	for (int i = 0; i < 50; i++) { // control messages in the random bytes: descriptors and credentials
		struct cmsghdr *c = (void *)(area(BYTES) + below(r, AREA / 64) * 64);
		c->cmsg_len = 16 + 4 * below(r, 6), c->cmsg_level = SOL_SOCKET, c->cmsg_type = below(r, 4);
	}
}

static int child(void *p);

// start begins a process or thread by clone(2), on a stack of its own if it shares the memory.
static void start(rng *r) {
	if (r->depth >= 2)
		return;
	rng *c = mmap(0, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (c == MAP_FAILED)
		return;
	*c = (rng){next(r) | 1, 0, r->depth + 1};
	long flags = below(r, 2) ? SIGCHLD : below(r, 65), n = below(r, 4);
	for (; n > 0; n--)
		flags |= 1L << (8 + below(r, 24));
	flags &= ~(long)(CLONE_VFORK | CLONE_SETTLS | CLONE_PARENT); // CLONE_PARENT: the first process may not wait for all
	if (below(r, 4) == 0)
		flags |= CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
	clone(child, (char *)c + STACK - 128, (int)flags, c, area(SMALL), NULL, area(SMALL) + 64);
	if (!(flags & CLONE_VM))
		munmap(c, STACK);
}

static void handler(int s) {}

static void handle(rng *r) {
	struct sigaction a = {.sa_handler = below(r, 8) ? handler : below(r, 2) ? SIG_IGN : SIG_DFL, .sa_flags = below(r, 2) ? SA_RESTART : (int)(below(r, 16) << 27)};
	a.sa_mask.__val[0] = below(r, 2) ? 0 : next(r);
	sigaction(1 + below(r, 64), &a, 0);
}

// some is for what needs care: such calls that would end everything at once are made rarely or
// with arguments that let the worker live on. It says whether it made the call.
static int some(rng *r, long n) {
	switch (n) {
	case SYS_exit: case SYS_exit_group: case SYS_rt_sigreturn: case SYS_seccomp:
		return below(r, 300) != 0;
	case SYS_execve: case SYS_execveat: case SYS_pause: case SYS_rt_sigsuspend: case SYS_vhangup:
		return below(r, 20) != 0;
	case SYS_reboot: case SYS_setrlimit: case SYS_kexec_load: case SYS_set_robust_list:
		return 1;
	case SYS_prlimit64: // not those limits that keep this program small
		syscall6(n, below(r, 9), 7 + below(r, 9), pointer(r), pointer(r), 0, 0);
		return 1;
	case SYS_prctl:
		syscall6(n, below(r, 70) == PR_SET_SECCOMP ? PR_GET_NAME : below(r, 70), argument(r), argument(r), argument(r), argument(r), 0);
		return 1;
	case SYS_clone: case SYS_fork: case SYS_clone3:
		start(r);
		return 1;
	case SYS_vfork:
		return 1;
	case SYS_rt_sigaction:
		handle(r);
		return 1;
	case SYS_kill: case SYS_tkill: case SYS_rt_sigqueueinfo:
		syscall6(n, (long)below(r, 40) - 2, below(r, 65), pointer(r), 0, 0, 0);
		return 1;
	case SYS_mmap:
		syscall6(n, below(r, 2) ? page(r) : 0, below(r, 32) << 12, below(r, 8), 1 + below(r, 2) + (below(r, 2) ? MAP_ANONYMOUS : 0) + (below(r, 2) ? MAP_FIXED : 0) + (below(r, 8) ? 0 : number(r)),
			(long)below(r, 40) - 1, below(r, 16) << 12);
		return 1;
	case SYS_munmap: case SYS_mprotect: case SYS_madvise: case SYS_msync: case SYS_mlock: case SYS_mlock2: case SYS_munlock: case SYS_mincore: case SYS_remap_file_pages: case SYS_pkey_mprotect: case SYS_mbind:
		syscall6(n, page(r), below(r, 20) << 12, below(r, 2) ? below(r, 26) : pointer(r), below(r, 16), below(r, 4), 0);
		return 1;
	case SYS_mremap:
		syscall6(n, page(r), below(r, 20) << 12, below(r, 40) << 12, below(r, 8), page(r), 0);
		return 1;
	case SYS_shmat:
		syscall6(n, below(r, 20), below(r, 2) ? page(r) : 0, below(r, 2) ? SHM_REMAP : number(r), 0, 0, 0);
		return 1;
	case SYS_close_range:
		syscall6(n, 20 + below(r, 30), 20 + below(r, 60), below(r, 8), 0, 0, 0);
		return 1;
	case SYS_brk:
		syscall6(n, syscall6(n, 0, 0, 0, 0, 0, 0) + (below(r, 8) << 12), 0, 0, 0, 0, 0);
		return 1;
	case SYS_fallocate: case SYS_truncate: case SYS_ftruncate:
		syscall6(n, n == SYS_truncate ? pointer(r) : (long)below(r, 48), below(r, 64), below(r, 1 << 20), below(r, 1 << 20), 0, 0);
		return 1;
	case SYS_open: case SYS_creat:
		syscall6(n, (long)area(PATHS) + below(r, NPATHS) * 64, below(r, 3) | 1L << (6 + below(r, 16)) | 1L << (6 + below(r, 16)), 0777, 0, 0, 0);
		return 1;
	case SYS_openat:
		syscall6(n, below(r, 8) ? AT_FDCWD : (long)below(r, 40), (long)area(PATHS) + below(r, NPATHS) * 64, below(r, 3) | 1L << (6 + below(r, 16)), 0777, 0, 0);
		return 1;
	case SYS_futex:
		syscall6(n, (long)area(SMALL) + 4 * below(r, 8), below(r, 14) | (below(r, 2) ? 128 : 0), below(r, 3), below(r, 2) ? (long)area(TIMES) + below(r, 50) * 16 : (long)below(r, 9),
			(long)area(SMALL) + 4 * below(r, 8), below(r, 2) ? -1 : number(r));
		return 1;
	}
	return 0;
}

// ioctls are requests that something inside may answer.
static const int ioctls[] = {0x5401, 0x5402, 0x5403, 0x5404, 0x5409, 0x540b, 0x540e, 0x540f, 0x5410, 0x5411, 0x5413, 0x5414, 0x541b, 0x5420, 0x5421, 0x5422, 0x5423, 0x5424, 0x5429,
	0x5450, 0x5451, 0x5452, 0x8901, 0x8903, 0x8904, 0x8905, 0x8910, 0x8912, 0x8913, 0x8927, 0x8933, 0x40086602, (int)0x80086601, 0x40045431, (int)0x80045430, 0x5441, 0xb701, 0xb702, 0x40085400};

// Descriptors by what calls they are good for.
enum { SOCKETS, EPOLLS, TIMERS, INOTIFIES, QUEUES, CLASSES };
static struct { int n, fd[16]; } class[CLASSES];

static int add(int c, int fd) {
	if (fd >= 0 && class[c].n < 16)
		class[c].fd[class[c].n++] = fd;
	return fd;
}

static long descriptor(rng *r, long n) {
	int c = -1;
	if ((n >= SYS_connect && n <= SYS_getsockopt) || n == SYS_accept4 || n == SYS_recvmmsg || n == SYS_sendmmsg)
		c = SOCKETS;
	else if (n == SYS_epoll_ctl || n == SYS_epoll_wait || n == SYS_epoll_pwait || n == SYS_epoll_pwait2)
		c = EPOLLS;
	else if (n == SYS_timerfd_settime || n == SYS_timerfd_gettime)
		c = TIMERS;
	else if (n == SYS_inotify_add_watch || n == SYS_inotify_rm_watch)
		c = INOTIFIES;
	else if (n >= SYS_mq_timedsend && n <= SYS_mq_getsetattr)
		c = QUEUES;
	if (c < 0 || class[c].n == 0 || below(r, 8) == 0)
		return below(r, 40);
	return class[c].fd[below(r, class[c].n)];
}

// kind is an argument of a kind that the system call table names.
static long kind(rng *r, char c, long n, int i) {
	if (below(r, 16) == 0)
		return argument(r);
	switch (c) {
	case 'f': return descriptor(r, n);
	case 'd': return below(r, 3) ? AT_FDCWD : (long)below(r, 40);
	case 'p': return (long)area(PATHS) + below(r, NPATHS) * 64;
	case 'b': return (long)area(BYTES) + below(r, AREA);
	case 'v': return (long)area(IOVECS) + below(r, 100) * 16;
	case 'a': return (long)area(VECTORS) + below(r, 100) * 8;
	case 'S': return below(r, 4) ? (long)area(SETS) + below(r, 100) * 8 : 0;
	case 't': return below(r, 4) ? (long)area(TIMES) + below(r, 100) * 16 : 0;
	case 's': return below(r, 3) ? 8 * (long)below(r, 30) : below(r, 2) ? 8 : below(r, 1 << 16);
	case 'o': return below(r, 3) ? (long)below(r, 9000) : number(r);
	case 'm': return below(r, 2) ? below(r, 010000) : below(r, 8);
	case 'u': return below(r, 4) ? (long)below(r, 3) : 999 + (long)below(r, 3);
	case 'n': return below(r, 3) ? 0 : below(r, 2) ? syscall6(SYS_getpid, 0, 0, 0, 0, 0, 0) + (long)below(r, 20) : (long)below(r, 60) - 2;
	case 'g': return below(r, 65);
	case 'O': return below(r, 3) | (below(r, 2) ? 0 : 1L << (6 + below(r, 16))) | (below(r, 2) ? 0 : O_CREAT | O_NONBLOCK);
	case 'P': return below(r, 8);
	case 'c': return 1L << below(r, 34) | 1L << below(r, 34);
	case 'i':
		if (n == SYS_fcntl && i == 1)
			return below(r, 2) ? (long)below(r, 17) : 1024 + (long)below(r, 17);
		if ((n == SYS_setsockopt || n == SYS_getsockopt) && i == 1)
			return (int[]){SOL_SOCKET, 6, 0, 41}[below(r, 4)];
		if ((n == SYS_bind || n == SYS_connect) && i == 2)
			return (int[]){16, 28, 110, 12}[below(r, 4)];
		if (below(r, 8) == 0)
			return number(r);
		return below(r, 3) ? (long)below(r, 12) : (long)below(r, 64);
	}
	if (n == SYS_ioctl && i == 1)
		return ioctls[below(r, sizeof ioctls / sizeof *ioctls)];
	if ((n == SYS_bind || n == SYS_connect) && i == 1)
		return (long)area(ADDRESSES) + below(r, 20) * 128;
	switch (below(r, 10)) { // a pointer or flags
	case 0: case 1: return 0;
	case 2: return 1L << below(r, 32);
	case 3: return below(r, 16);
	case 4: return number(r);
	default: return pointer(r);
	}
}

static void step(rng *r) {
	long n = below(r, 100) ? below(r, CALLS) : number(r), a[6];
	if (n >= 0 && n < CALLS && !kinds[n] && below(r, 20)) // no such call
		return;
	if (!some(r, n)) {
		const char *k = n >= 0 && n < CALLS && kinds[n] && below(r, 20) ? kinds[n] : "??????";
		for (int i = 0; i < 6; i++)
			a[i] = k[i] == '?' ? argument(r) : kind(r, k[i], n, i);
		if (n != SYS_ptrace || (int)a[1] != 1) // whose end would leave our init stopped for ever, as on Linux
			syscall6(n, a[0], a[1], a[2], a[3], a[4], a[5]);
	}
	if (++r->calls % 64 == 0)
		__sync_fetch_and_add(total, 64);
}

static int child(void *p) {
	rng r = *(rng *)p;
	for (int i = below(&r, 40); i > 0; i--)
		step(&r);
	syscall6(SYS_exit, 0, 0, 0, 0, 0, 0);
	return 0;
}

static int thread(void *p) {
	rng r = *(rng *)p;
	for (;;)
		step(&r);
	return 0;
}

// open_things gives the first descriptors to files of all kinds.
static void open_things(rng *r) {
	int fds[2];
	for (int i = 0; i < 6; i++)
		open(paths[below(r, NPATHS)], (int)(O_NONBLOCK | below(r, 3) | (below(r, 2) ? O_CREAT : 0)), 0777);
	for (int i = 0; i < 2; i++) {
		if (pipe2(fds, below(r, 2) ? O_NONBLOCK : 0) || socketpair(AF_UNIX, (below(r, 2) ? SOCK_STREAM : 1 + below(r, 5)) | (below(r, 2) ? SOCK_NONBLOCK : 0), 0, fds))
			continue;
		add(SOCKETS, fds[0]), add(SOCKETS, fds[1]);
		add(SOCKETS, socket(below(r, 20), 1 + below(r, 5), 0)), add(SOCKETS, socket(AF_UNIX, below(r, 2) ? SOCK_STREAM : SOCK_DGRAM, 0));
		add(SOCKETS, socket(below(r, 2) ? AF_INET : AF_INET6, 1 + below(r, 3), 0));
	}
	eventfd(1, EFD_NONBLOCK), add(EPOLLS, epoll_create1(0)), add(EPOLLS, epoll_create1(0)), add(TIMERS, timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
	add(INOTIFIES, inotify_init1(IN_NONBLOCK)), memfd_create("m", MFD_ALLOW_SEALING), add(QUEUES, mq_open("/q", O_RDWR | O_CREAT | O_NONBLOCK, 0777, 0));
	sigset_t s = {{next(r)}};
	signalfd(-1, &s, SFD_NONBLOCK), open("/tmp/d", O_DIRECTORY), open("/tmp/a", O_PATH), open("/dev/ptmx", O_RDWR | O_NOCTTY), open("/tmp/fifo", O_RDWR);
	shmget(IPC_PRIVATE, 1 + below(r, 1 << 16), 0777), semget(IPC_PRIVATE, 1 + below(r, 8), 0777), msgget(IPC_PRIVATE, 0777);
}

static void limit(int what, rlim_t n) { setrlimit(what, &(struct rlimit){n, n}); }

static void worker(rng r) {
	for (int s = 1; s <= 64; s++)
		signal(s, handler);
	close_range(0, 2, 0);
	limit(RLIMIT_AS, 256 << 20), limit(RLIMIT_FSIZE, 2 << 20), limit(RLIMIT_NOFILE, 256), limit(RLIMIT_CORE, 0);
	if (below(&r, 2))
		unshare(CLONE_NEWNS);
	if (below(&r, 2))
		unshare(CLONE_NEWIPC);
	if (below(&r, 4) == 0)
		syscall(SYS_setresuid, 1000, 1000, 1000);
	arena = mmap(0, ARENA + 4096, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | (below(&r, 2) ? MAP_SHARED : MAP_PRIVATE), -1, 0);
	if (arena == MAP_FAILED)
		_exit(1);
	munmap(arena + ARENA, 4096);
	fill(&r);
	open_things(&r);
	char *stacks = mmap(0, THREADS * STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < THREADS; i++) {
		rng *c = (rng *)(stacks + i * STACK);
		*c = (rng){next(&r) | 1, 0, 0};
		clone(thread, stacks + (i + 1) * STACK - 64, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM, c);
	}
	for (;;) { // wakes who sleeps
		syscall6(SYS_tgkill, getpid(), getpid() + 1 + below(&r, THREADS), SIGUSR1, 0, 0, 0);
		syscall6(SYS_nanosleep, (long)&(struct timespec){0, 3000000}, 0, 0, 0, 0, 0);
	}
}

static void prepare(void) {
	mkdir("/tmp/d", 0777), symlink("d", "/tmp/l"), mkfifo("/tmp/fifo", 0777), mkdir("/mnt", 0777), mkdir("/dev/shm", 0777);
	close(open("/tmp/a", O_CREAT | O_RDWR, 0666)), close(open("/tmp/d/e", O_CREAT | O_RDWR, 0666));
	chdir("/tmp");
}

// tidy removes what workers leave that is not theirs alone.
static void tidy(void) {
	for (int id, i = 0; i < 64; i++) {
		struct shmid_ds s;
		struct msqid_ds m;
		struct seminfo f;
		if ((id = shmctl(i, SHM_STAT, &s)) >= 0)
			shmctl(id, IPC_RMID, 0);
		if ((id = msgctl(i, MSG_STAT, &m)) >= 0)
			msgctl(id, IPC_RMID, 0);
		if ((id = semctl(i, 0, SEM_STAT, &f)) >= 0)
			semctl(id, 0, IPC_RMID);
	}
	while (waitpid(-1, 0, WNOHANG) > 0)
		;
}

int main(int argc, char **argv) {
	rng r = {argc > 2 ? strtoull(argv[2], 0, 0) * 2 + 1 : 1, 0, 0};
	time_t end = time(0) + (argc > 1 ? atoi(argv[1]) : 10);
	for (int i = 0; i < 10; i++)
		next(&r);
	total = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	prepare();
	while (time(0) < end) {
		pid_t p[2];
		for (int i = 0; i < 2; i++) {
			rng c = {next(&r) | 1, 0, 0};
			if ((p[i] = fork()) == 0)
				worker(c);
		}
		for (int i = 0, n = 10 + below(&r, 100); i < n; i++) {
			usleep(20000);
			if (kill(p[0], 0) && kill(p[1], 0))
				break;
		}
		kill(-1, SIGKILL);
		while (waitpid(-1, 0, 0) > 0 || errno == EINTR)
			;
		tidy();
		printf("%lu calls\n", *total);
		fflush(stdout);
	}
	puts("done");
	return 0;
}
