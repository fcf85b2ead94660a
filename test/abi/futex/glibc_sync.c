// What glibc makes of futexes: mutex kinds, condition variables, rwlocks, barriers, semaphores, once, cancellation.
#include "../oracle.h"
#include <semaphore.h>
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t barrier;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static sem_t sem;
static int counter, turn, inits, serial;
static void init(void) { inits++; }
static void *adds(void *a) {
	pthread_once(&once, init);
	for (int i = 0; i < 500; i++) {
		pthread_mutex_lock(&m);
		counter++;
		pthread_mutex_unlock(&m);
	}
	if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
		__atomic_fetch_add(&serial, 1, __ATOMIC_SEQ_CST);
	pthread_mutex_lock(&m);
	for (int i = 0; i < 25; i++) { // in turns
		while (turn % 4 != (long)a)
			pthread_cond_wait(&c, &m);
		turn++;
		pthread_cond_broadcast(&c);
	}
	pthread_mutex_unlock(&m);
	for (int i = 0; i < 100; i++) {
		pthread_rwlock_rdlock(&rw);
		pthread_rwlock_unlock(&rw);
		pthread_rwlock_wrlock(&rw);
		counter++;
		pthread_rwlock_unlock(&rw);
	}
	sem_post(&sem);
	return NULL;
}
static void *sleeps(void *a) {
	pthread_mutex_lock(&m);
	pthread_cleanup_push((void (*)(void *))pthread_mutex_unlock, &m);
	for (;;)
		pthread_cond_wait(&c, &m);
	pthread_cleanup_pop(1);
	return NULL;
}

int main(void) {
	pthread_t t[4];
	sem_init(&sem, 0, 0);
	pthread_barrier_init(&barrier, NULL, 4);
	for (long i = 0; i < 4; i++)
		t[i] = thread(adds, (void *)i);
	for (int i = 0; i < 4; i++)
		sem_wait(&sem), join(t[i]);
	fact("counter %d turn %d inits %d serial %d", counter, turn, inits, serial);
	struct timespec past = {1, 0};
	fact("sem_timedwait: %s", ename(err(sem_timedwait(&sem, &past))));
	pthread_mutex_lock(&m);
	fact("mutex_timedlock: %s", ename(pthread_mutex_timedlock(&m, &past)));
	fact("cond_timedwait: %s", ename(pthread_cond_timedwait(&c, &m, &past)));
	pthread_mutex_unlock(&m);
	pthread_mutexattr_t a;
	pthread_mutex_t e;
	pthread_mutexattr_init(&a), pthread_mutexattr_settype(&a, PTHREAD_MUTEX_ERRORCHECK), pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&e, &a);
	fact("PI, error checking: %s", ename(pthread_mutex_lock(&e)));
	fact("again: %s", ename(pthread_mutex_lock(&e)));
	fact("unlock: %s", ename(pthread_mutex_unlock(&e)));
	fact("not the owner: %s", ename(pthread_mutex_unlock(&e)));
	t[0] = thread(sleeps, NULL);
	pthread_cancel(t[0]);
	fact("cancelled: %d", join(t[0]) == (long)PTHREAD_CANCELED);
	fact("mutex free again: %s", ename(pthread_mutex_trylock(&m)));
	return 0;
}
