// dynamic
// A program with an interpreter: AT_BASE, AT_ENTRY, PT_INTERP by hand, mappings, a missing interpreter.
#include "../oracle.h"
#include <elf.h>
#include <link.h>
#include <sys/auxv.h>
static int objects;
static int each(struct dl_phdr_info *i, size_t n, void *arg) {
	objects++;
	return 0;
}

int main(int argc, char **argv) {
	if (argc > 1) {
		fact("second run: %s", argv[1]);
		return 0;
	}
	dl_iterate_phdr(each, NULL);
	show(objects); // program, vDSO, libc, loader
	yes(getauxval(AT_BASE) != 0);
	Elf64_Ehdr *e = (void *)getauxval(AT_BASE);
	yes(!memcmp(e->e_ident, ELFMAG, 4) && e->e_type == ET_DYN);
	char *maps = slurp("/proc/self/maps");
	yes(strstr(maps, "ld-linux-x86-64.so.2") && strstr(maps, "libc.so.6") && strstr(maps, "[stack]") && strstr(maps, "[vdso]"));
	fact("position independent: %d", getauxval(AT_ENTRY) > 0x10000000);
	char self[256] = {0};
	must(readlink("/proc/self/exe", self, 255));
	char *args[] = {"ld", self, "through the loader", NULL}, *direct[] = {"x", "direct", NULL};
	quiet(spawn(execv("/lib64/ld-linux-x86-64.so.2", args)));
	static char buf[1 << 20];
	int in = must(open(self, O_RDONLY));
	ssize_t n = must(read(in, buf, sizeof buf));
	Elf64_Phdr *p = (void *)(buf + ((Elf64_Ehdr *)buf)->e_phoff);
	for (int i = 0; i < ((Elf64_Ehdr *)buf)->e_phnum; i++)
		if (p[i].p_type == PT_INTERP) {
			static const char *names[] = {"/lib64/ld-linux-x86-64.so.2", "/no/loader", "/bin", "/dev/null"};
			for (unsigned k = 0; k < COUNT(names); k++) {
				memset(buf + p[i].p_offset, 0, p[i].p_filesz);
				strcpy(buf + p[i].p_offset, names[k]);
				int out = must(open("prog", O_CREAT | O_WRONLY | O_TRUNC, 0755));
				must(write(out, buf, n)), must(close(out));
				quiet(spawn(fact("interpreter '%s': %s", names[k], ename(err(execv("prog", direct))))));
			}
			memset(buf + p[i].p_offset, 'x', p[i].p_filesz); // not terminated
			int out = must(open("prog", O_CREAT | O_WRONLY | O_TRUNC, 0755));
			must(write(out, buf, n)), must(close(out));
			quiet(spawn(fact("not terminated: %s", ename(err(execv("prog", direct))))));
		}
	return 0;
}
