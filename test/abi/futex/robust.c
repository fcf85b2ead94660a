// Robust lists: owner's death marks the words and wakes; get_robust_list; limits; bad lists are left.
#include "../oracle.h"
#include <linux/futex.h>
#define futex(...) sys(SYS_futex, __VA_ARGS__)
struct node { struct robust_list list; int pad, word; };
static struct shared { struct robust_list_head head; struct node n[4]; int word; } *s;
static struct gate g;
static void link_all(int count, int pending) {
	int tid = sys(SYS_gettid);
	s->head.futex_offset = offsetof(struct node, word);
	s->head.list.next = &s->head.list;
	for (int i = 0; i < count; i++) {
		s->n[i].list.next = s->head.list.next;
		s->head.list.next = &s->n[i].list;
		s->n[i].word = tid;
	}
	s->head.list_op_pending = pending >= 0 ? &s->n[pending].list : NULL;
	must(sys(SYS_set_robust_list, &s->head, sizeof s->head));
}
static const char *word(int i) {
	static char text[64];
	unsigned w = s->n[i].word;
	snprintf(text, sizeof text, "%s%s%s", w & FUTEX_OWNER_DIED ? "died " : "", w & FUTEX_WAITERS ? "waiters " : "", w & FUTEX_TID_MASK ? "owned" : "free");
	return text;
}

int main(void) {
	s = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	g = gate_new();
	struct robust_list_head *h = NULL;
	size_t len = 0;
	show(sys(SYS_get_robust_list, 0, &h, &len));
	fact("glibc's own: %d, %zu", h != NULL, len);
	show(sys(SYS_set_robust_list, &s->head, 8));
	show(sys(SYS_get_robust_list, 999999, &h, &len));
	show(sys(SYS_get_robust_list, 0, 8, &len));
	pid_t pid = spawn(link_all(2, 2); s->n[2].word = sys(SYS_gettid); s->n[3].word = sys(SYS_gettid); _exit(0));
	quiet(pid);
	fact("listed: %s", word(0));
	fact("listed: %s", word(1));
	fact("pending: %s", word(2));
	fact("not listed: %s", word(3));
	pid = spawn(link_all(1, -1); s->n[0].word |= FUTEX_WAITERS; gate_open(g); pause());
	gate_pass(g);
	int seen = s->n[0].word;
	pid_t waiter = spawn(gate_open(g); show(futex(&s->n[0].word, FUTEX_WAIT, seen, NULL)));
	gate_pass(g);
	asleep(waiter);
	kill(pid, SIGKILL); // killed: the same
	quiet(waiter);
	waitpid(pid, NULL, 0);
	fact("killed owner: %s", word(0));
	quiet(spawn(link_all(1, -1); s->n[0].word = 12345; _exit(0)));
	fact("somebody else's: %s", word(0));
	quiet(spawn(link_all(1, -1); s->n[0].word = sys(SYS_gettid); s->n[0].list.next = (void *)8; _exit(0)));
	fact("list that leads nowhere: %s", word(0));
	quiet(spawn(link_all(2, -1); s->n[0].list.next = &s->n[1].list; _exit(0)));
	fact("endless list: %s", word(0));
	quiet(spawn(link_all(1, -1); char *args[] = {"true", NULL}; execve("/bin/true", args, NULL)));
	fact("exec: %s", word(0));
	pthread_mutexattr_t ma;
	pthread_mutex_t *m = (void *)((char *)s + 2048);
	pthread_mutexattr_init(&ma);
	pthread_mutexattr_setpshared(&ma, PTHREAD_PROCESS_SHARED), pthread_mutexattr_setrobust(&ma, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(m, &ma);
	quiet(spawn(pthread_mutex_lock(m); _exit(0)));
	fact("glibc: %s", ename(pthread_mutex_lock(m)));
	fact("consistent: %s", ename(pthread_mutex_consistent(m)));
	return 0;
}
