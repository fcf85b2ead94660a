// Calls that are made often, from one place: a filter that lets all pass changes nothing, one that refuses some refuses them there,
// too, in children and threads as well.
#include "../oracle.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/socket.h>
#define S BPF_STMT
#define J BPF_JUMP
static void install(int n, struct sock_filter *f, unsigned flags) {
	struct sock_fprog p = {n, f};
	must(sys(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &p));
}
#define filter(flags, ...) ({ struct sock_filter f_[] = {S(BPF_LD | BPF_W | BPF_ABS, 0), __VA_ARGS__, S(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)}; install(COUNT(f_), f_, flags); })
#define refuse(nr, errno) J(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1), S(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | errno)

__attribute__((noinline)) static long getpid_here(void) {
	long r;
	asm volatile("mov $39, %%eax; syscall" : "=a"(r) : : "rcx", "r11", "memory");
	return r;
}
__attribute__((noinline)) static long getuid_here(void) {
	long r;
	asm volatile("mov $102, %%eax; syscall" : "=a"(r) : : "rcx", "r11", "memory");
	return r;
}
__attribute__((noinline)) static long write_here(int fd, const void *b, long n) {
	long r;
	asm volatile("mov $1, %%eax; syscall" : "=a"(r) : "D"((long)fd), "S"(b), "d"(n) : "rcx", "r11", "memory");
	return r;
}
static int pair[2];
// often makes each call many times and says what came of it.
static void often(const char *what) {
	int pids = 0, uids = 0, writes = 0;
	char b[8];
	pid_t me = sys(SYS_getpid);
	for (int i = 0; i < 300; i++) {
		pids += getpid_here() == me, uids += getuid_here() == 0;
		if (write_here(pair[0], "x", 1) == 1)
			writes += read(pair[1], b, sizeof b) == 1;
	}
	fact("%s: getpid %d, getuid %d, write %d; %ld %ld %ld", what, pids, uids, writes, me > 0 ? 0 : (long)me, getuid_here(), write_here(pair[0], "", 0));
}
static struct gate go, refused;
static void *other(void *p) {
	for (int i = 0; i < 300; i++)
		getpid_here();
	gate_open(go), gate_pass(refused);
	fact("another thread: %ld", getpid_here());
	return NULL;
}

int main(void) {
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair)), must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	setvbuf(stdout, NULL, _IONBF, 0);
	often("no filter");
	filter(0, refuse(SYS_chroot, EPERM)), often("a filter of another call");
	quiet(spawn(often("a child")));
	quiet(spawn(filter(0, refuse(SYS_getuid, ENODEV)); often("a child without getuid"); filter(0, refuse(SYS_getpid, EDOM)); often("without getpid")));
	filter(0, J(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 0, 3), S(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])), J(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), S(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EXDEV)), often("write looked at");
	go = gate_new(), refused = gate_new();
	pthread_t t;
	must(-pthread_create(&t, NULL, other, NULL)), gate_pass(go);
	filter(SECCOMP_FILTER_FLAG_TSYNC, refuse(SYS_getpid, EBADMSG)), gate_open(refused), pthread_join(t, NULL), often("all threads");
	return 0;
}
