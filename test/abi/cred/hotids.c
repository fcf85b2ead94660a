// The ids that a process asks for often: the same answers however often, across fork, threads,
// changes of ids, and however the call is made.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define OFTEN 200

static long often(long nr)
{
	long first = syscall(nr);
	for (int i = 0; i < OFTEN; i++)
		if (syscall(nr) != first)
			printf("call %ld changes its mind\n", nr);
	return first;
}

static void ids(const char *what)
{
	int same = 1;
	for (int i = 0; i < OFTEN; i++)
		same &= getpid() == often(SYS_getpid) && gettid() == often(SYS_gettid) && getuid() == often(SYS_getuid)
			&& geteuid() == often(SYS_geteuid) && getgid() == often(SYS_getgid) && getegid() == often(SYS_getegid), i += 99;
	printf("%s: uid %d %d, gid %d %d, leader %d, %s\n", what, getuid(), geteuid(), getgid(), getegid(),
		getpid() == gettid(), same ? "the same" : "different");
	fflush(stdout);
}

static void child(const char *what, void (*f)(void))
{
	pid_t parent = getpid(), pid = fork();
	if (pid == 0) {
		if (f)
			f();
		printf("another pid: %d, ", getpid() != parent && often(SYS_getpid) == getpid());
		ids(what);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void become(void)
{
	ids("before");
	if (setresgid(5, 6, 7) || setresuid(8, 9, 10))
		perror("setres[ug]id");
}

static void back(void)
{
	ids("before");
	if (setresuid(0, 12, 0) || seteuid(0))
		perror("seteuid");
}

static void *thread(void *name)
{
	ids(name);
	syscall(SYS_setuid, 77); // of this thread alone
	ids(name);
	return NULL;
}

static void threads(void)
{
	pthread_t t;
	pthread_create(&t, NULL, thread, "thread");
	pthread_join(t, NULL);
}

int main(void)
{
	ids("first");
	child("child", NULL);
	child("other ids", become);
	child("and back", back);
	child("thread", threads);
	ids("last");
	return 0;
}
