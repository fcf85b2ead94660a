// /proc/self/stat and statm: fields by number.
#include "../oracle.h"
static long long v[60];
static char st;
static void load(pid_t pid) {
	char path[64];
	snprintf(path, 64, "/proc/%d/stat", pid);
	char *p = strrchr(slurp(path), ')') + 2;
	st = *p++;
	memset(v, 0, sizeof v);
	for (int i = 4; i < 60 && *p && *p != '\n'; i++)
		v[i] = strtoll(p, &p, 10);
}

int main(void) {
	int local;
	load(getpid());
	fact("state %c", st);
	yes(v[4] == getppid() && v[5] == getpgrp() && v[6] == getsid(0));
	fact("tty %lld, foreground %lld", v[7], v[8]);
	yes(v[10] > 0); // minor faults
	fact("priority %lld nice %lld threads %lld itrealvalue %lld", v[18], v[19], v[20], v[21]);
	yes(v[22] > 0); // start time
	yes(v[23] > 100000 && v[24] > 5); // size in bytes, pages
	fact("limit is RLIM_INFINITY: %d", (unsigned long long)v[25] == RLIM_INFINITY || v[25] == LLONG_MAX);
	yes((unsigned long long)v[26] <= (unsigned long long)main && (unsigned long long)v[27] > (unsigned long long)main); // code
	yes(v[28] > (long long)&local && v[28] - (long long)&local < (1 << 20)); // the stack's start
	yes(v[45] < (long long)sbrk(0) && v[47] <= (long long)sbrk(0)); // data, brk
	yes(v[48] > (long long)&local && v[49] >= v[48] && v[50] >= v[49] && v[51] >= v[50]); // arguments and environment
	fact("exit signal %lld, processor %d, policy %lld, exit code %lld", v[38], v[39] >= 0, v[41], v[52]);
	must(nice(4) == -1 ? -1 : 0), load(getpid()), fact("after nice: priority %lld nice %lld", v[18], v[19]);
	long size, resident, shared, text, lib, data, dirty;
	yes(sscanf(slurp("/proc/self/statm"), "%ld %ld %ld %ld %ld %ld %ld", &size, &resident, &shared, &text, &lib, &data, &dirty) == 7);
	yes(size * PAGE == v[23] || labs(size * PAGE - v[23]) < (1 << 20)), yes(resident <= size && text > 10), fact("lib %ld dirty %ld", lib, dirty);
	pid_t pid = spawn(for (volatile long i = 0;; i++));
	for (int i = 0; i < 2000 && (load(pid), v[14] < 1); i++)
		usleep(2000);
	fact("user time is counted: %d", v[14] >= 1);
	kill(pid, SIGTERM), await(pid, "Z"), load(pid), fact("zombie: state %c size %lld rss %lld exit code %lld", st, v[23], v[24], v[52]); // signal 15
	quiet(spawn(must(setuid(1000)); load(pid); fact("for others: start of stack %lld", v[28])));
	waitpid(pid, NULL, 0);
	quiet(spawn(must(setuid(1000)); must(prctl(PR_SET_DUMPABLE, 1)); load(getpid()); yes(v[28] != 0)));
	return 0;
}
