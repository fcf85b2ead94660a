// mlock(2), mlock2, munlock, mlockall: limits by RLIMIT_MEMLOCK without CAP_IPC_LOCK, VmLck, errors.
#include "../oracle.h"

static int locked(void) { // KiB
	char *p = strstr(slurp("/proc/self/status") ?: "", "VmLck:");
	return p ? atoi(p + 6) : -1;
}

int main(void) {
	char *p = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	show(mlock(p, 4 * PAGE));
	show(locked());
	show(mlock(p + 100, 10)); // rounds to pages, counts once
	show(locked());
	show(munlock(p + PAGE, PAGE));
	show(locked());
	show(mlock2(p + 8 * PAGE, PAGE, MLOCK_ONFAULT));
	show(mlock2(p, PAGE, 64));
	show(locked());
	show(munmap(p + 8 * PAGE, PAGE));
	show(locked());
	show(mlock(p, 16 * PAGE)); // a hole
	show(mlock(p + 4 * PAGE, -PAGE));
	quiet(spawn(fact("child: %d", locked()))); // not inherited
	must(munlockall());
	show(locked());
	show(mlockall(0));
	show(mlockall(64));
	show(mlockall(MCL_ONFAULT));
	struct rlimit l = {8 * PAGE, 8 * PAGE};
	must(setrlimit(RLIMIT_MEMLOCK, &l));
	show(mlock(p, 8 * PAGE)); // with the capability: no limit
	must(munlockall());
	must(setuid(1000));
	show(mlock(p + 9 * PAGE, 7 * PAGE));
	show(mlock(p, 2 * PAGE));
	show(mlock(p, PAGE));
	show(mlock(p + 9 * PAGE, 7 * PAGE)); // already locked
	fact("map locked: %s", ename(err(mmap(NULL, 4 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0))));
	show(munlockall());
	l.rlim_cur = 0;
	must(setrlimit(RLIMIT_MEMLOCK, &l));
	show(mlock(p, PAGE));
	show(mlockall(MCL_CURRENT));
	return 0;
}
