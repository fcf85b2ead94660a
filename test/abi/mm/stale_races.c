// Threads go on reading and writing a page while it is unmapped, dropped, protected and shared by fork: when
// the call has returned, none of them reaches the page that it was, whoever has it now.
#include "../oracle.h"
#define MINE 0x6d696e65UL
#define SECRET 0x736563726574UL
#define ROUNDS 20
static volatile unsigned long *page, *other; // two pages with room between
static volatile int stop, leaks;
static void again(int s) { sched_yield(); } // and the access is repeated

static void *reader(void *arg) {
	while (!stop)
		if (*page == SECRET)
			leaks = 1;
	return NULL;
}
static void *writer(void *arg) {
	for (unsigned long n = 0; !stop; n++)
		*page = MINE + (n & 7);
	return NULL;
}
static void map(volatile unsigned long *at, int prot) {
	must(mmap((void *)at, PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED ? -1 : 0);
}
// keeps tells whether a word is v and stays it.
static int keeps(volatile unsigned long *at, unsigned long v) {
	for (int i = 0; i < 20; i++) {
		if (*at != v)
			return 0;
		if (i == 10)
			sched_yield();
	}
	return 1;
}
// another gives pages to the other mapping, among them perhaps the one that was just lost, and keeps a secret in it.
static int another(void) {
	map(other, PROT_READ | PROT_WRITE);
	*other = SECRET;
	int kept = keeps(other, SECRET);
	must(munmap((void *)other, PAGE));
	return kept;
}

int main(void) {
	char *room = mmap(NULL, 64 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	page = (void *)(room + 16 * PAGE), other = (void *)(room + 48 * PAGE);
	on(SIGSEGV, again, SA_NODEFER | SA_RESTART);
	map(page, PROT_READ | PROT_WRITE);
	pthread_t t[3] = {thread(reader, NULL), thread(writer, NULL), thread(writer, NULL)};
	int unmapped = 1, dropped = 1, protected = 1, forked = 1;
	for (int i = 0; i < ROUNDS; i++) {
		map(page, PROT_READ | PROT_WRITE);
		must(munmap((void *)page, PAGE));
		unmapped &= another();
		map(page, PROT_READ | PROT_WRITE);
		must(madvise((void *)page, PAGE, MADV_DONTNEED));
		dropped &= another();
		must(mprotect((void *)page, PAGE, PROT_READ));
		protected &= keeps(page, *page);
		must(mprotect((void *)page, PAGE, PROT_NONE));
		protected &= another();
		must(mprotect((void *)page, PAGE, PROT_READ | PROT_WRITE));
		if (i % 6 == 0) {
			pid_t child = must(fork());
			if (child == 0)
				_exit(keeps(page, *page) ? 0 : 1);
			int st = -1;
			must(waitpid(child, &st, 0));
			forked &= st == 0;
		}
	}
	stop = 1;
	for (int i = 0; i < 3; i++)
		join(t[i]);
	yes(unmapped), yes(dropped), yes(protected), yes(forked), yes(leaks);
	return 0;
}
