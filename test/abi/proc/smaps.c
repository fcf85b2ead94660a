// /proc/PID/smaps: sizes that follow what is touched, shared and locked; flags; the sum in smaps_rollup and status.
#include "../oracle.h"
static long field(const char *file, void *p, const char *name) {
	char *t = slurp(file), *next = NULL, want[32];
	long v = -1;
	int in = p == NULL;
	snprintf(want, 32, "%s:", name);
	for (char *l = strtok_r(t, "\n", &next); l; l = strtok_r(NULL, "\n", &next)) {
		unsigned long a, b;
		char dash;
		if (p && sscanf(l, "%lx%c%lx ", &a, &dash, &b) == 3 && dash == '-')
			in = (unsigned long)p >= a && (unsigned long)p < b;
		else if (in && !strncmp(l, want, strlen(want)) && v < 0)
			v = atol(l + strlen(want));
	}
	free(t);
	return v;
}
static void flags(const char *what, void *p) {
	char *t = slurp("/proc/self/smaps"), *next = NULL;
	int in = 0;
	for (char *l = strtok_r(t, "\n", &next); l; l = strtok_r(NULL, "\n", &next)) {
		unsigned long a, b;
		char dash;
		if (sscanf(l, "%lx%c%lx ", &a, &dash, &b) == 3 && dash == '-')
			in = (unsigned long)p >= a && (unsigned long)p < b;
		else if (in && !strncmp(l, "VmFlags:", 8)) {
			char *sd = strstr(l, " sd"); // soft-dirty is the host's affair
			if (sd)
				memmove(sd, sd + 3, strlen(sd + 3) + 1);
			fact("%s %s", what, l);
		}
	}
	free(t);
}
#define at(p, name) field("/proc/self/smaps", p, name)
static void sizes(const char *what, void *p) {
	long rss = at(p, "Rss"), parts = at(p, "Private_Dirty") + at(p, "Private_Clean") + at(p, "Shared_Dirty") + at(p, "Shared_Clean");
	fact("%s: size %ld rss %s anon %d parts %d locked %ld", what, at(p, "Size"), rss == 0 ? "none" : rss == at(p, "Size") ? "all" : rss >= 40 ? "some" : "few", at(p, "Anonymous") == rss, parts == rss, at(p, "Locked"));
}

int main(void) {
	int anon = MAP_PRIVATE | MAP_ANONYMOUS, rw = PROT_READ | PROT_WRITE;
	char *m = mmap(NULL, 66 * PAGE, PROT_NONE, anon, -1, 0);
	m = mmap(m + PAGE, 64 * PAGE, rw, anon | MAP_FIXED, -1, 0), must(madvise(m, 64 * PAGE, MADV_NOHUGEPAGE));
	sizes("untouched", m);
	for (int i = 0; i < 10; i++)
		m[i * PAGE] = 1;
	sizes("ten pages", m), flags("anonymous", m);
	struct gate g = gate_new(), h = gate_new();
	pid_t pid = spawn(gate_open(g); gate_pass(h));
	gate_pass(g), sizes("with a child", m), m[0] = 2, sizes("one copied", m), gate_open(h), reap("child", pid);
	must(mlock(m, 64 * PAGE)), sizes("locked", m), flags("locked", m), must(munlock(m, 64 * PAGE)), must(madvise(m, 32 * PAGE, MADV_DONTNEED)), fact("half given back: rss %d", at(m, "Rss") <= 128);
	make("f", ""), must(truncate("f", 8 * PAGE));
	int fd = must(open("f", O_RDWR));
	char *s = mmap(NULL, 8 * PAGE, rw, MAP_SHARED, fd, 0), *r = mmap(NULL, 8 * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	s[0] = 1, fact("shared file: rss %d anon %ld", at(s, "Rss") >= 4, at(s, "Anonymous")), flags("shared file", s), flags("private file", r), flags("text", main);
	long rss = field("/proc/self/status", NULL, "VmRSS"), roll = field("/proc/self/smaps_rollup", NULL, "Rss"), a = field("/proc/self/status", NULL, "RssAnon"), ra = field("/proc/self/smaps_rollup", NULL, "Anonymous");
	yes(labs(rss - roll) < 600), yes(labs(a - ra) < 200), show(field("/proc/self/smaps_rollup", NULL, "Size")), show(field("/proc/self/smaps_rollup", NULL, "Swap")), show(field("/proc/self/smaps_rollup", NULL, "Locked"));
	FILE *f = fopen("/proc/self/clear_refs", "w");
	show(fputs("5", f) >= 0 && !fclose(f)), yes(field("/proc/self/status", NULL, "VmHWM") <= rss + 400);
	int c = must(open("/proc/self/clear_refs", O_WRONLY));
	show(write(c, "9", 1)), show(write(c, "x", 1)), show(write(c, "1", 1));
	return 0;
}
