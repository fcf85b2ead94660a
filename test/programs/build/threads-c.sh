#!/bin/sh
# pthreads: mutex, condition, barrier, rwlock, thread-local storage, cancellation, robust mutex in shared memory
cat > t.c <<'E'
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER; static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t bar; static __thread int mine; static long sum; static atomic_int serial; static sem_t sem; static int ready;
static void *worker(void *a) {
	mine = (long)a; for (int i = 0; i < 20000; i++) { pthread_mutex_lock(&m); sum += mine; pthread_mutex_unlock(&m); }
	if (pthread_barrier_wait(&bar) == PTHREAD_BARRIER_SERIAL_THREAD) serial++;
	pthread_mutex_lock(&m); while (!ready) pthread_cond_wait(&c, &m); pthread_mutex_unlock(&m); sem_post(&sem); return (void *)(long)mine;
}
static void clean(void *a) { puts("cancelled: cleaned up"); }
static void *sleeper(void *a) { pthread_cleanup_push(clean, 0); for (;;) sleep(100); pthread_cleanup_pop(0); return 0; }
int main(void) {
	pthread_t t[8]; long ret = 0; void *r; pthread_barrier_init(&bar, 0, 8); sem_init(&sem, 0, 0);
	for (long i = 0; i < 8; i++) pthread_create(&t[i], 0, worker, (void *)(i + 1));
	usleep(50000); pthread_mutex_lock(&m); ready = 1; pthread_cond_broadcast(&c); pthread_mutex_unlock(&m);
	for (int i = 0; i < 8; i++) sem_wait(&sem);
	for (int i = 0; i < 8; i++) { pthread_join(t[i], &r); ret += (long)r; }
	printf("sum %ld returned %ld serial %d\n", sum, ret, serial);
	pthread_create(&t[0], 0, sleeper, 0); usleep(20000); pthread_cancel(t[0]); pthread_join(t[0], &r); printf("cancelled %d\n", r == PTHREAD_CANCELED);
	pthread_mutex_t *s = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0); pthread_mutexattr_t at; pthread_mutexattr_init(&at);
	pthread_mutexattr_setpshared(&at, 1); pthread_mutexattr_setrobust(&at, PTHREAD_MUTEX_ROBUST); pthread_mutex_init(s, &at);
	if (fork() == 0) { pthread_mutex_lock(s); _exit(0); } wait(0);
	printf("owner died %d\n", pthread_mutex_lock(s) == EOWNERDEAD); pthread_mutex_consistent(s); printf("unlock %d\n", pthread_mutex_unlock(s));
	for (int i = 0; i < 200; i++) { pthread_create(&t[0], 0, (void *(*)(void *))getppid, 0); pthread_join(t[0], 0); } puts("200 threads came and went");
	struct timespec ts; clock_gettime(CLOCK_REALTIME, &ts); ts.tv_nsec += 20000000; if (ts.tv_nsec >= 1000000000) ts.tv_sec++, ts.tv_nsec -= 1000000000;
	pthread_mutex_lock(&m); printf("timed out %d\n", pthread_cond_timedwait(&c, &m, &ts) == ETIMEDOUT); return 0;
}
E
gcc -O1 -pthread -o t t.c && ./t && gcc -fopenmp -O2 -o omp -x c - <<'E' && OMP_NUM_THREADS=4 ./omp
#include <stdio.h>
int main(void) { long s = 0;
#pragma omp parallel for reduction(+:s)
for (long i = 0; i < 1000000; i++) s += i % 7; printf("omp %ld\n", s); return 0; }
E
