// The vDSO's clocks agree with the system calls, in every process and after exec; its symbols are there.
#include "../oracle.h"
#include <elf.h>
#include <sys/auxv.h>
#include <sys/time.h>
static void *symbol(const char *name) {
	char *base = (char *)getauxval(AT_SYSINFO_EHDR);
	if (!base)
		return NULL;
	Elf64_Ehdr *e = (void *)base;
	Elf64_Phdr *p = (void *)(base + e->e_phoff);
	Elf64_Dyn *d = NULL;
	long bias = (long)base;
	for (int i = 0; i < e->e_phnum; i++)
		if (p[i].p_type == PT_LOAD)
			bias = (long)base - p[i].p_vaddr;
		else if (p[i].p_type == PT_DYNAMIC)
			d = (void *)(base + p[i].p_offset);
	Elf64_Sym *sym = NULL;
	char *str = NULL;
	for (; d && d->d_tag; d++)
		if (d->d_tag == DT_SYMTAB)
			sym = (void *)(bias + d->d_un.d_ptr);
		else if (d->d_tag == DT_STRTAB)
			str = (void *)(bias + d->d_un.d_ptr);
	for (int i = 0; sym && i < 64 && (char *)&sym[i] < str; i++)
		if (!strcmp(str + sym[i].st_name, name))
			return (void *)(bias + sym[i].st_value);
	return NULL;
}

static void check(void) {
	int (*get)(int, struct timespec *) = symbol("__vdso_clock_gettime");
	int (*tod)(struct timeval *, void *) = symbol("__vdso_gettimeofday");
	long (*sec)(long *) = symbol("__vdso_time");
	long (*cpu)(unsigned *, unsigned *, void *) = symbol("__vdso_getcpu");
	fact("symbols: %d %d %d %d", get != NULL, tod != NULL, sec != NULL, cpu != NULL);
	if (!get || !tod || !sec || !cpu)
		return;
	static const int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_MONOTONIC_RAW, CLOCK_TAI, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE};
	for (unsigned i = 0; i < COUNT(clocks); i++) {
		int wrong = 0;
		for (int k = 0; k < 200; k++) {
			struct timespec a, b, c;
			sys(SYS_clock_gettime, clocks[i], &a);
			get(clocks[i], &b);
			sys(SYS_clock_gettime, clocks[i], &c);
#define NS(t) ((t).tv_sec * 1000000000LL + (t).tv_nsec)
			wrong += NS(b) < NS(a) || NS(c) < NS(b);
		}
		fact("clock %d: wrong order %d", clocks[i], wrong);
	}
	struct timeval tv;
	tod(&tv, NULL);
	yes(llabs(tv.tv_sec - sec(NULL)) <= 1);
	struct timespec t;
	show(get(99, &t) != 0);
	unsigned c = -1, n = -1;
	show(cpu(&c, &n, NULL));
	yes(c < 4096 && n < 1024);
}

int main(int argc, char **argv) {
	check();
	if (argc == 1)
		quiet(spawn(char *args[] = {argv[0], "x", NULL}; execve("/proc/self/exe", args, NULL)));
	return 0;
}
