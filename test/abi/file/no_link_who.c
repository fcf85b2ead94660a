// A program that asks again and again whether parts of a path are symbolic links: what it is told as somebody else, with another root,
// by threads, and under a filter.
#include "../oracle.h"
#include <linux/filter.h>
#include <linux/seccomp.h>

static char dir[] = "/tmp/nolinkwhoXXXXXX", path[64], buf[256];
static volatile int *turn;

static int asks(const char *name, int times, int error) {
	int same = 0;
	for (int i = 0; i < times; i++)
		same += readlink(name, buf, sizeof buf) == -1 && errno == error;
	return same;
}

static void refuse(unsigned flags) {
	struct sock_filter f[] = {{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr)}, {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_readlink},
		{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | ENOTTY}, {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
	struct sock_fprog p = {4, f};
	must(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &p));
}

// asker does what it is told and says so.
static void *asker(void *how) {
	asks(path, 100, EINVAL);
	*turn = 1;
	while (*turn != 2)
		;
	long same = asks(path, 50, (int)(long)how);
	return (void *)same;
}

// other has a thread ask before and after a change that the first one makes.
static long other(void (*change)(void), int error) {
	pthread_t t;
	void *same;
	*turn = 0;
	pthread_create(&t, NULL, asker, (void *)(long)error);
	while (*turn != 1)
		;
	asks(path, 100, EINVAL);
	change();
	*turn = 2;
	pthread_join(t, &same);
	return (long)same + asks(path, 50, error);
}

static void root(void) { must(chroot("/proc")); }
static void filter(void) { refuse(SECCOMP_FILTER_FLAG_TSYNC); }

// child runs f in a process of its own, and then ends.
static int child(void (*f)(void)) {
	int pid = must(fork());
	if (pid == 0)
		asks(path, 100, EINVAL), f(), _exit(0);
	return pid;
}

static void ids(void) {
	int seen = 0;
	for (int i = 0; i < 20; i++) {
		must(seteuid(65534));
		seen += asks(path, 3, EACCES);
		must(seteuid(0));
		seen += asks(path, 10, EINVAL);
	}
	fact("as somebody else: %d", seen);
}

static void modes(void) {
	must(chmod(dir, 0755)), must(seteuid(65534));
	int open = asks(path, 100, EINVAL);
	*turn = 1;
	while (*turn != 2)
		;
	fact("as somebody else: open %d, shut %d", open, asks(path, 50, EACCES));
}

static void roots(void) { fact("another root: %d", chroot(dir) + asks(path, 50, ENOENT)); }
static void filters(void) { refuse(0), fact("a filter: %d", asks(path, 50, ENOTTY)); }
static void otherRoots(void) { fact("another thread's root: %ld", other(root, ENOENT)); }
static void otherFilters(void) { fact("another thread's filter: %ld", other(filter, ENOTTY)); }

int main(void) {
	turn = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(mkdtemp(dir) ? 0 : -1), snprintf(path, sizeof path, "%s/sub", dir), must(mkdir(path, 0755));
	void (*all[])(void) = {ids, roots, filters, otherRoots, otherFilters};
	for (int i = 0; i < 5; i++)
		waitpid(child(all[i]), NULL, 0);
	*turn = 0;
	int pid = child(modes);
	while (*turn != 1)
		usleep(10);
	must(chmod(dir, 0700)), *turn = 2;
	waitpid(pid, NULL, 0);
	must(rmdir(path)), must(rmdir(dir));
	return 0;
}
