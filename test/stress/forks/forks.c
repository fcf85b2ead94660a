// Makes processes and threads of every kind, ROUNDS times, and looks whether the memory comes back: prints
// AnonPages of /proc/meminfo, in KiB, before and after, and the processes made.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define BIG (4 << 20) // more than a fork copies at once
static char *big, small[64 << 10];
static long made;

static long anon(void)
{
	char buf[4096], *p;
	FILE *f = fopen("/proc/meminfo", "r");
	size_t n = fread(buf, 1, sizeof buf - 1, f);
	fclose(f);
	buf[n] = 0;
	p = strstr(buf, "AnonPages:");
	return p ? atol(p + 10) : -1;
}

static void end(pid_t pid, int want)
{
	int status;
	if (pid < 0 || waitpid(pid, &status, 0) != pid || (want >= 0 && status != want)) {
		printf("child %d: status %#x\n", (int)pid, status);
		exit(1);
	}
	made++;
}

static void *thread(void *arg) { memset(small, 1, sizeof small); return arg; }

static void round_of(int i, char *self)
{
	char *args[] = {self, "-true", NULL};
	pid_t pid = fork();
	if (pid == 0) { // writes to what it shares, maps and unmaps, and has a child itself
		memset(small, i, sizeof small);
		big[i % BIG] = i;
		char *p = mmap(0, 256 << 10, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		memset(p, 1, 256 << 10);
		munmap(p + 4096, 64 << 10);
		pid_t grandchild = fork();
		if (grandchild == 0)
			_exit(p[0] == 1 ? 3 : 4);
		end(grandchild, 3 << 8);
		_exit(0);
	}
	made++; // the grandchild
	big[(i + 4096) % BIG] = i;
	end(pid, 0);
	if ((pid = vfork()) == 0) {
		execv(self, args);
		_exit(127);
	}
	end(pid, 0);
	pthread_t t[2];
	for (int k = 0; k < 2; k++)
		pthread_create(&t[k], NULL, thread, NULL);
	if ((pid = fork()) == 0) // beside running threads; killed
		for (;;)
			small[i & 0xffff]++;
	for (int k = 0; k < 2; k++)
		pthread_join(t[k], NULL);
	kill(pid, SIGKILL);
	end(pid, SIGKILL);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "-true"))
		return 0;
	int rounds = atoi(argv[1]);
	big = mmap(0, BIG, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(big, 1, BIG);
	for (int i = 0; i < 20; i++)
		round_of(i, argv[0]);
	long before = anon();
	made = 0;
	for (int i = 0; i < rounds; i++)
		round_of(i, argv[0]);
	long after = anon();
	for (int i = 0; i < 50 && after > before; i++) { // the last process may still be ending
		usleep(20000);
		after = anon();
	}
	printf("%ld %ld %ld\n", before, after, made);
	return 0;
}
