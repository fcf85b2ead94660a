// fork(2) with threads: only the caller goes along, locks held by others stay held, atfork handlers, tids.
#include "../oracle.h"
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static struct gate g, h;
static int before, in_parent, in_child;
static void prepare(void) { before++; }
static void parent(void) { in_parent++; }
static void child(void) { in_child++; }
static void *holder(void *a) {
	pthread_mutex_lock(&m);
	gate_open(g), gate_pass(h);
	pthread_mutex_unlock(&m);
	return NULL;
}
static void *forker(void *a) {
	pid_t pid = spawn(yes(sys(SYS_gettid) == getpid()); fact("threads: %d", atoi(strstr(slurp("/proc/self/status"), "Threads:") + 8)); fact("another's lock: %s", ename(pthread_mutex_trylock(&m))); fact("atfork %d %d %d", before, in_parent, in_child);
			  join(thread((void *(*)(void *))getpid, NULL)); fact("new threads work"));
	quiet(pid);
	return NULL;
}
static void *many(void *a) {
	int sum = 0;
	for (int i = 0; i < 10; i++) {
		pid_t pid = fork();
		if (pid == 0)
			_exit(i);
		int st;
		waitpid(pid, &st, 0);
		sum += WEXITSTATUS(st);
	}
	return (void *)(long)sum;
}

int main(void) {
	g = gate_new(), h = gate_new();
	pthread_atfork(prepare, parent, child);
	pthread_t t = thread(holder, NULL), f;
	gate_pass(g);
	f = thread(forker, NULL), join(f);
	fact("parent: atfork %d %d %d", before, in_parent, in_child);
	gate_open(h), join(t);
	pthread_t all[4];
	for (int i = 0; i < 4; i++)
		all[i] = thread(many, NULL);
	for (int i = 0; i < 4; i++)
		fact("sum %ld", join(all[i]));
	return 0;
}
