// sysinfo(2), loadavg, uptime, meminfo, cpuinfo, stat: present, sane and in step with each other.
#include "../oracle.h"
#include <sys/sysinfo.h>
static long field(const char *file, const char *name) {
	char *t = slurp(file), *p = t ? strstr(t, name) : NULL;
	return p ? atol(p + strlen(name)) : -1;
}

int main(void) {
	struct sysinfo s;
	memset(&s, 0xff, sizeof s);
	show(sysinfo(&s)), show(sysinfo((void *)8));
	yes(s.uptime >= 0 && s.mem_unit >= 1 && s.totalram > 0 && s.freeram <= s.totalram && s.procs >= 1);
	yes(s.totalhigh == 0 && s.freehigh == 0);
	long total = field("/proc/meminfo", "MemTotal:");
	yes(labs(total - (long)(s.totalram * s.mem_unit / 1024)) <= 1024);
	yes(field("/proc/meminfo", "MemFree:") <= total && field("/proc/meminfo", "MemAvailable:") >= 0 && field("/proc/meminfo", "SwapTotal:") >= 0);
	double up, idle;
	yes(sscanf(slurp("/proc/uptime"), "%lf %lf", &up, &idle) == 2 && up >= s.uptime - 1 && up < s.uptime + 60);
	float a, b, c;
	int running, all, last;
	yes(sscanf(slurp("/proc/loadavg"), "%f %f %f %d/%d %d", &a, &b, &c, &running, &all, &last) == 6 && running >= 1 && all >= running && last >= 1);
	char *cpu = slurp("/proc/cpuinfo");
	int n = 0;
	for (char *p = cpu; (p = strstr(p, "processor\t:")); p++)
		n++;
	yes(n == sysconf(_SC_NPROCESSORS_ONLN));
	yes(strstr(cpu, "vendor_id") && strstr(cpu, "flags\t\t:") && strstr(cpu, " sse2 ") && strstr(cpu, "bogomips"));
	char *stat = slurp("/proc/stat");
	yes(!strncmp(stat, "cpu  ", 5) && strstr(stat, "\ncpu0 ") && strstr(stat, "\nbtime ") && strstr(stat, "\nctxt ") && strstr(stat, "\nprocesses "));
	long btime = field("/proc/stat", "\nbtime ");
	yes(labs(btime - (time(NULL) - (long)up)) <= 2);
	yes(sysconf(_SC_PHYS_PAGES) * 4 > total / 2 && sysconf(_SC_AVPHYS_PAGES) > 0 && sysconf(_SC_PAGESIZE) == PAGE);
	yes(get_nprocs() >= 1);
	return 0;
}
