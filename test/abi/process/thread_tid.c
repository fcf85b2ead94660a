// CLONE_PARENT_SETTID, CHILD_SETTID, CHILD_CLEARTID, set_tid_address: the words and the wake.
#include "../oracle.h"
#include <linux/futex.h>
static char stack[1 << 16] __attribute__((aligned(16)));
static volatile int parent_word, child_word = -1;
static struct gate g;
static volatile int seen;
static int body(void *a) {
	seen = child_word;
	gate_pass(g);
	return 0;
}

int main(void) {
	g = gate_new();
	int thread_flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
	int tid = must(clone(body, stack + sizeof stack, thread_flags | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID, NULL, &parent_word, NULL, &child_word));
	yes(parent_word == tid);
	yes(tid != getpid());
	show(sys(SYS_tgkill, getpid(), tid, 0));
	show(sys(SYS_tgkill, tid, tid, 0)); // not that group's
	gate_open(g);
	int v;
	while ((v = child_word) != 0)
		sys(SYS_futex, &child_word, FUTEX_WAIT, v, NULL, NULL, 0);
	yes(seen == tid);
	fact("cleared: %d", child_word);
	for (int i = 0; i < 1000 && sys(SYS_tgkill, getpid(), tid, 0) == 0; i++)
		usleep(1000);
	show(sys(SYS_tgkill, getpid(), tid, 0));
	show(sys(SYS_tkill, 0, 0));
	show(sys(SYS_tgkill, -1, 1, 0));
	yes(sys(SYS_gettid) == getpid());
	static int word = 5;
	pid_t pid = spawn(yes(sys(SYS_set_tid_address, &word) == getpid()); _exit(0));
	quiet(pid);
	int *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	*shared = 9; // cleared only while others share the memory
	pid = must(sys(SYS_clone, CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | SIGCHLD, 0, NULL, shared, 0));
	if (pid == 0)
		_exit(*shared == getpid() ? 0 : 1);
	reap("fork with CHILD_SETTID", pid);
	fact("cleared at the end of a process of its own: %d", *shared == 0);
	return 0;
}
