// The files of /proc that say how the system is: their form and what must hold of their values.
#include "../oracle.h"
#include <sys/sysinfo.h>
static int lines(const char *t, const char *form) { // how many lines look like form, of all
	int n = 0, all = 0;
	for (const char *p = t; p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL, all++) {
		char a[128], b[128];
		long v;
		n += sscanf(p, form, a, &v, b) >= 2;
	}
	return n == all ? all : -n;
}
static long kb(const char *name) {
	char *p = strstr(slurp("/proc/meminfo"), name);
	return p ? atol(p + strlen(name)) : -1;
}

int main(void) {
	struct sysinfo si;
	must(sysinfo(&si));
	yes(labs(kb("MemTotal:") - (long)(si.totalram * si.mem_unit >> 10)) < 2), yes(kb("MemFree:") <= kb("MemTotal:")), yes(kb("MemAvailable:") > 0 && kb("MemAvailable:") <= kb("MemTotal:")), yes(kb("Buffers:") >= 0 && kb("Cached:") >= 0 && kb("SwapTotal:") >= 0 && kb("Shmem:") >= 0 && kb("Slab:") >= 0 && kb("Committed_AS:") >= 0 && kb("HugePages_Total:") >= 0 && kb("Hugepagesize:") == 2048);
	double up, idle, l1, l2, l3;
	show(sscanf(slurp("/proc/uptime"), "%lf %lf", &up, &idle)), yes(up - si.uptime < 3 && si.uptime - up < 3);
	struct timespec t;
	clock_gettime(CLOCK_BOOTTIME, &t), yes(t.tv_sec - up < 3 && up - t.tv_sec < 3);
	int run, all, last, fields;
	show(sscanf(slurp("/proc/loadavg"), "%lf %lf %lf %d/%d %d", &l1, &l2, &l3, &run, &all, &last)), yes(run >= 1 && all >= run && last >= 1);
	char *s = slurp("/proc/stat");
	long v[10], btime = 0;
	fields = sscanf(s, "cpu  %ld %ld %ld %ld %ld %ld %ld %ld %ld %ld", v, v + 1, v + 2, v + 3, v + 4, v + 5, v + 6, v + 7, v + 8, v + 9), show(fields);
	int cpus = 0;
	for (char *p = s; (p = strstr(p, "\ncpu")); p++)
		cpus++;
	show(cpus == sysconf(_SC_NPROCESSORS_ONLN)), sscanf(strstr(s, "\nbtime "), "\nbtime %ld", &btime), yes(labs(btime + (long)up - time(NULL)) < 3);
	yes(strstr(s, "\nintr ") && strstr(s, "\nctxt ") && strstr(s, "\nprocesses ") && strstr(s, "\nprocs_running ") && strstr(s, "\nprocs_blocked ") && strstr(s, "\nsoftirq "));
	long forks = atol(strstr(s, "\nprocesses ") + 11);
	for (int i = 0; i < 5; i++)
		quiet(spawn());
	yes(atol(strstr(slurp("/proc/stat"), "\nprocesses ") + 11) >= forks + 5);
	int processors = 0;
	s = slurp("/proc/cpuinfo");
	for (char *p = s; (p = strstr(p, "processor\t: ")); p++)
		yes(atoi(p + 12) == processors), processors++;
	show(processors == cpus), yes(strstr(s, "vendor_id\t: ") && strstr(s, "model name\t: ") && strstr(s, "flags\t\t: ") && strstr(s, "cpu cores\t: ") && strstr(s, " sse2 ") && strstr(s, "\n\n"));
	yes(lines(slurp("/proc/vmstat"), "%127s %ld") > 20), yes(strstr(slurp("/proc/vmstat"), "nr_free_pages ") && strstr(slurp("/proc/vmstat"), "\npgfault "));
	yes(!strncmp(slurp("/proc/swaps"), "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n", 41)), yes(strstr(slurp("/proc/filesystems"), "nodev\ttmpfs\n")), yes(!strncmp(slurp("/proc/devices"), "Character devices:\n", 19));
	yes(strstr(slurp("/proc/zoneinfo"), "Node 0, zone ") && strstr(slurp("/proc/zoneinfo"), "managed ")), yes(!strncmp(slurp("/proc/buddyinfo"), "Node 0, zone ", 13)), yes(strstr(slurp("/proc/interrupts"), "CPU0") != NULL), yes(strstr(slurp("/proc/softirqs"), "TIMER:") != NULL);
	yes(!strncmp(slurp("/proc/cgroups"), "#subsys_name\thierarchy\tnum_cgroups\tenabled\n", 42)), yes(strstr(slurp("/proc/cgroups"), "\nmemory\t") != NULL), yes(!strncmp(slurp("/proc/version"), "Linux version ", 14)), yes(strchr(slurp("/proc/cmdline"), '\n') != NULL);
	static const char *there[] = {"consoles", "crypto", "diskstats", "execdomains", "locks", "misc", "tty/drivers", "sysvipc/shm", "sysvipc/sem", "sysvipc/msg", "driver", "bus", "fs", "irq", "sys", "net/dev", "self/net/tcp"};
	for (unsigned i = 0; i < COUNT(there); i++) {
		char path[64];
		snprintf(path, 64, "/proc/%s", there[i]), named(there[i], access(path, R_OK));
	}
	struct stat st;
	must(stat("/proc", &st)), fact("mode %o, links of all processes %d", st.st_mode, st.st_nlink > 2), show(open("/proc/kcore2", O_RDONLY)), show(creat("/proc/self/new", 0600)), show(rmdir("/proc/self")), show(rmdir("/proc/sys")), show(link("/proc/version", "v"));
	return 0;
}
