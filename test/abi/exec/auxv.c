// The auxiliary vector and the first stack: what is there, what it says.
#include "../oracle.h"
#include <elf.h>
#include <sys/auxv.h>
extern char **environ;
extern char __executable_start __attribute__((weak));

int main(int argc, char **argv) {
	char **e = environ;
	while (*e)
		e++;
	Elf64_auxv_t *a = (Elf64_auxv_t *)(e + 1);
	static const struct { int type; const char *name; } known[] = {{AT_PHDR, "PHDR"}, {AT_PHENT, "PHENT"}, {AT_PHNUM, "PHNUM"}, {AT_PAGESZ, "PAGESZ"}, {AT_BASE, "BASE"}, {AT_FLAGS, "FLAGS"}, {AT_ENTRY, "ENTRY"}, {AT_UID, "UID"}, {AT_EUID, "EUID"}, {AT_GID, "GID"}, {AT_EGID, "EGID"}, {AT_CLKTCK, "CLKTCK"}, {AT_SECURE, "SECURE"}, {AT_RANDOM, "RANDOM"}, {AT_EXECFN, "EXECFN"}, {AT_PLATFORM, "PLATFORM"}, {AT_HWCAP, "HWCAP"}, {AT_SYSINFO_EHDR, "SYSINFO_EHDR"}};
	for (unsigned i = 0; i < COUNT(known); i++) {
		int n = 0;
		for (Elf64_auxv_t *x = a; x->a_type; x++)
			n += x->a_type == known[i].type;
		fact("%s: %d", known[i].name, n);
	}
	show(getauxval(AT_PAGESZ)), show(getauxval(AT_CLKTCK)), show(getauxval(AT_PHENT)), show(getauxval(AT_UID)), show(getauxval(AT_SECURE)), show(getauxval(AT_FLAGS));
	show(getauxval(AT_BASE)); // static
	Elf64_Phdr *p = (void *)getauxval(AT_PHDR);
	fact("first header: %s", p->p_type == PT_LOAD || p->p_type == PT_PHDR || p->p_type == PT_NOTE ? "right" : "wrong");
	fact("platform %s", (char *)getauxval(AT_PLATFORM));
	fact("execfn %s, argv[0] %s", strrchr((char *)getauxval(AT_EXECFN), '/'), strrchr(argv[0], '/'));
	unsigned char *r = (void *)getauxval(AT_RANDOM);
	int sum = 0;
	for (int i = 0; i < 16; i++)
		sum |= r[i];
	yes(sum != 0);
	for (Elf64_auxv_t *x = a; x->a_type; x++)
		if (x->a_type == AT_HWCAP)
			yes((x->a_un.a_val & 1) == 1); // there is a floating point unit
	long *sp = (long *)argv - 1;
	fact("argc below argv: %d; aligned %d", *sp == argc, ((uintptr_t)sp & 15) == 0);
	fact("strings above the vector: %d", argv[0] > (char *)a && environ[0] > argv[0]);
	char *end = (char *)getauxval(AT_EXECFN);
	fact("name at the very top: %d", (((uintptr_t)end + strlen(end) + 1 + 8) & (PAGE - 1)) == 0);
	char *text = slurp("/proc/self/auxv");
	fact("same in /proc: %d", memcmp(text, a, 64) == 0);
	struct { unsigned short cs, ss, ds, es, fs, gs; } s;
	__asm__("mov %%cs, %0; mov %%ss, %1; mov %%ds, %2; mov %%es, %3; mov %%fs, %4; mov %%gs, %5" : "=m"(s.cs), "=m"(s.ss), "=m"(s.ds), "=m"(s.es), "=m"(s.fs), "=m"(s.gs));
	fact("cs %#x ss %#x ds %d es %d fs %d gs %d", s.cs, s.ss, s.ds, s.es, s.fs, s.gs);
	return 0;
}
