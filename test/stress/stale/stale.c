// Looks for translations that outlive what they translate: stale SECONDS THREADS. Most threads write to slots of memory and
// read them, all the time; the others protect slots, put fresh memory in their place, move them, have them thrown away, and
// fork, and look each time whether a write comes through all the same, here or to memory that is another's by then. Prints
// the changes made, or what was seen.
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SLOTS = 24, PAGES = 3, SIZE = PAGES * 4096, WORDS = SIZE / 8 };
#define TAG 0x5afe000000000000u    // what writers write
#define SECRET 0xdead000000000000u // what they must never see, nor change
#define KIND(v) ((v) & 0xffff000000000000u)

static volatile uint64_t *slots[SLOTS];
static char busy[SLOTS];
static volatile long changes;
static time_t end;
static pthread_barrier_t made; // all places are
static __thread sigjmp_buf away;
static __thread void *own, *aside; // places of the thread


static void fault(int sig) { siglongjmp(away, sig); }

static void wrong(const char *what, uint64_t value)
{
	printf("stale: %s: %#lx\n", what, value);
	fflush(stdout);
	_exit(1);
}

static uint64_t next(uint64_t *s) { *s ^= *s << 13, *s ^= *s >> 7, *s ^= *s << 17; return *s * 0x2545f4914f6cdd1d >> 20; }

static void *writer(void *arg)
{
	uint64_t seed = (uint64_t)arg * 0x9e3779b97f4a7c15 + 1, n = 0;
	pthread_barrier_wait(&made);
	while (time(0) < end) {
		volatile uint64_t *p = slots[next(&seed) % SLOTS];
		if (sigsetjmp(away, 0))
			continue;
		for (int i = 0; i < 200; i++) {
			volatile uint64_t *w = &p[next(&seed) % WORDS];
			uint64_t v = *w;
			if (v && KIND(v) != TAG)
				wrong("a writer sees", v);
			*w = TAG | (uint64_t)arg << 32 | (uint32_t)n++;
		}
	}
	return 0;
}

// still says that nothing changes in a slot that nobody may write to.
static void still(const char *what, volatile uint64_t *p, uint64_t kind)
{
	static __thread uint64_t first[WORDS];
	for (int i = 0; i < WORDS; i++)
		if ((first[i] = p[i]) && KIND(first[i]) != kind)
			wrong(what, first[i]);
	for (int round = 0; round < 3; round++) {
		sched_yield();
		for (int i = 0; i < WORDS; i++)
			if (p[i] != first[i])
				wrong(what, p[i]);
	}
}

// memory puts fresh memory there. Each place is one thread's or a slot's for good: it never becomes free for others.
static volatile uint64_t *memory(void *at, int prot)
{
	void *p = mmap(at, SIZE, prot, MAP_PRIVATE | MAP_ANONYMOUS | (at ? MAP_FIXED : 0), -1, 0);
	if (p == MAP_FAILED)
		wrong("mmap", (uint64_t)at);
	return p;
}

// other uses memory that others may just have given up.
static void other(void)
{
	volatile uint64_t *p = memory(own, PROT_READ | PROT_WRITE);
	for (int i = 0; i < WORDS; i++) {
		if (p[i])
			wrong("fresh memory has", p[i]);
		p[i] = SECRET | i;
	}
	still("another's memory has", p, SECRET);
	memory(own, PROT_NONE);
}

static void forked(void)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		for (int s = 0; s < SLOTS; s++) {
			if (sigsetjmp(away, 0))
				continue;
			still("a child sees its parent write", slots[s], TAG);
			for (int i = 0; i < WORDS; i++)
				slots[s][i] = SECRET | s;
		}
		_exit(0);
	}
	if (pid > 0 && (waitpid(pid, &status, 0) != pid || status))
		wrong("a child failed", status);
}

static void *changer(void *arg)
{
	uint64_t seed = (uint64_t)arg * 0xda942042e4dd58b5 + 1;
	own = (void *)memory(0, PROT_NONE), aside = (void *)memory(0, PROT_NONE);
	pthread_barrier_wait(&made);
	while (time(0) < end) {
		int s = next(&seed) % SLOTS;
		void *at = (void *)slots[s];
		if (__atomic_exchange_n(&busy[s], 1, __ATOMIC_ACQUIRE))
			continue;
		switch (next(&seed) % 12) {
		case 0: case 1: case 2:
			mprotect(at, SIZE, PROT_READ);
			still("a page that is read-only changes", at, TAG);
			break;
		case 3: case 4:
			mprotect(at, SIZE, PROT_NONE);
			other();
			mprotect(at, SIZE, PROT_READ);
			still("a page that was not accessible changes", at, TAG);
			break;
		case 5: case 6: case 7:
			memory(at, PROT_NONE);
			other();
			mprotect(at, SIZE, PROT_READ);
			for (int i = 0; i < WORDS; i++)
				if (slots[s][i])
					wrong("memory in another's place has", slots[s][i]);
			break;
		case 8: case 9: {
			volatile uint64_t *to = memory(aside, PROT_NONE);
			mprotect(at, SIZE, PROT_READ | PROT_WRITE);
			if (mremap(at, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, to) != to)
				wrong("mremap", s);
			memory(at, PROT_NONE);
			still("a page that was moved changes", to, TAG);
			memory(aside, PROT_NONE);
			break;
		}
		case 10:
			madvise(at, SIZE, MADV_DONTNEED);
			other();
			break;
		case 11:
			if (next(&seed) % 4 == 0)
				forked();
			break;
		}
		mprotect(at, SIZE, PROT_READ | PROT_WRITE);
		__atomic_store_n(&busy[s], 0, __ATOMIC_RELEASE);
		__atomic_add_fetch(&changes, 1, __ATOMIC_RELAXED);
	}
	return 0;
}

int main(int argc, char **argv)
{
	static pthread_t ids[256];
	int threads = argc > 2 ? atoi(argv[2]) : 16;
	end = time(0) + (argc > 1 ? atoi(argv[1]) : 5);
	struct sigaction sa = {.sa_handler = fault, .sa_flags = SA_NODEFER};
	sigaction(SIGSEGV, &sa, 0), sigaction(SIGBUS, &sa, 0);
	for (int s = 0; s < SLOTS; s++)
		slots[s] = memory(0, PROT_READ | PROT_WRITE);
	pthread_barrier_init(&made, 0, threads);
	for (long i = 0; i < threads; i++)
		if (pthread_create(&ids[i], 0, i % 4 ? writer : changer, (void *)(i + 1)))
			wrong("pthread_create", i);
	for (int i = 0; i < threads; i++)
		pthread_join(ids[i], 0);
	printf("%ld changes\n", changes);
	return 0;
}
