// /proc/self/status: the fields that programs look for, and their values.
#include "../oracle.h"
static char *text;
static void line(const char *name) {
	char *p = text;
	size_t n = strlen(name);
	while (p && (strncmp(p, name, n) || p[n] != ':'))
		p = (p = strchr(p, '\n')) ? p + 1 : NULL;
	fact("%.*s", p ? (int)strcspn(p, "\n") : 7, p ?: "missing");
}
static long number(const char *name) {
	char *p = strstr(text, name);
	return p ? atol(p + strlen(name)) : -1;
}

int main(void) {
	sigset_t s;
	sigemptyset(&s), sigaddset(&s, SIGHUP), sigaddset(&s, 40), sigprocmask(SIG_BLOCK, &s, NULL);
	signal(SIGUSR1, SIG_IGN), signal(SIGUSR2, (void (*)(int))main);
	raise(SIGHUP), kill(getpid(), 40);
	umask(027);
	text = slurp("/proc/self/status");
	line("Name"), line("Umask"), line("State"), line("TracerPid"), line("Uid"), line("Gid"), line("FDSize"), line("Groups"), line("Threads"), line("SigPnd"), line("ShdPnd"), line("SigBlk"), line("SigIgn"), line("SigCgt"), line("CapInh"), line("CapPrm"), line("CapEff"), line("CapBnd"), line("CapAmb"), line("NoNewPrivs"), line("Seccomp"), line("Seccomp_filters"), line("CoreDumping"), line("Kthread");
	yes(number("\nPid:") == getpid() && number("\nPPid:") == getppid() && number("\nTgid:") == getpid() && number("\nNgid:") == 0);
	yes(number("\nNSpid:") == getpid() && number("\nNStgid:") == getpid() && number("\nNSpgid:") == getpgrp() && number("\nNSsid:") == getsid(0));
	static const char *kb[] = {"VmPeak", "VmSize", "VmLck", "VmPin", "VmHWM", "VmRSS", "RssAnon", "RssFile", "RssShmem", "VmData", "VmStk", "VmExe", "VmLib", "VmPTE", "VmSwap"};
	for (unsigned i = 0; i < COUNT(kb); i++) {
		char want[16];
		snprintf(want, 16, "\n%s:", kb[i]);
		char *p = strstr(text, want);
		long v;
		char unit[4] = "";
		fact("%s: %d", kb[i], p && sscanf(p + strlen(want), "%ld %3s", &v, unit) == 2 && v >= 0 && !strcmp(unit, "kB"));
	}
	long before = number("\nVmSize:"), rss = number("\nVmRSS:");
	yes(before >= rss && number("\nVmPeak:") >= before && number("\nVmHWM:") >= rss);
	char *m = mmap(NULL, 8 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(m, 1, 8 << 20);
	text = slurp("/proc/self/status");
	yes(number("\nVmSize:") - before >= 8192 && number("\nVmSize:") - before < 9000);
	yes(number("\nVmRSS:") - rss >= 7000 && number("\nRssAnon:") >= 8192);
	yes(number("\nvoluntary_ctxt_switches:") >= 0 && number("\nnonvoluntary_ctxt_switches:") >= 0);
	pid_t pid = spawn(must(setresgid(1, 2, 3)); must(setresuid(4, 5, 6)); raise(SIGSTOP));
	must(waitpid(pid, NULL, WUNTRACED));
	char path[64];
	snprintf(path, 64, "/proc/%d/status", pid), text = slurp(path), line("State"), line("Uid"), line("Gid");
	kill(pid, SIGKILL), await(pid, "Z"), text = slurp(path), line("State"), line("VmSize"), line("Threads"), line("Name");
	reap("child", pid), fact("%s", slurp(path) ? "there" : ename(errno));
	return 0;
}
