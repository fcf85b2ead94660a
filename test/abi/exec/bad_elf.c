// Broken ELF files: which header errors give ENOEXEC, EINVAL or a killed process.
#include "../oracle.h"
#include <elf.h>
static char file[1 << 20];
static ssize_t size;
static Elf64_Ehdr *h = (void *)file;
static Elf64_Phdr *p;
static void run(const char *what, ssize_t n) {
	int fd = must(open("prog", O_CREAT | O_WRONLY | O_TRUNC, 0755)), st;
	must(write(fd, file, n)), must(close(fd));
	pid_t pid = spawn(char *args[] = {"x", "y", NULL}; fact("%s: %s", what, ename(err(execv("prog", args)))); _exit(9));
	must(waitpid(pid, &st, 0));
	if (!WIFEXITED(st) || WEXITSTATUS(st) != 9)
		status(what, st);
}
static Elf64_Ehdr keep;
static Elf64_Phdr keep_p[16];
#define with(what, change) (change, run(what, size), *h = keep, memcpy(p, keep_p, h->e_phnum * sizeof *p))

int main(int argc, char **argv) {
	if (argc > 1)
		return 0;
	int in = must(open("/proc/self/exe", O_RDONLY));
	size = must(read(in, file, sizeof file));
	p = (void *)(file + h->e_phoff), keep = *h, memcpy(keep_p, p, h->e_phnum * sizeof *p);
	int load = 0, first = -1, stack = 0;
	for (int i = 0; i < h->e_phnum; i++)
		if (p[i].p_type == PT_LOAD)
			load = i, first = first < 0 ? i : first;
		else if (p[i].p_type == PT_GNU_STACK)
			stack = i;
	(void)stack;
	run("as it is", size);
	run("only the header", 64), run("half a header", 30), run("four bytes", 4);
	with("magic", h->e_ident[1] = 'X'), with("class 32", h->e_ident[EI_CLASS] = ELFCLASS32), with("machine", h->e_machine = EM_AARCH64), with("relocatable", h->e_type = ET_REL), with("core", h->e_type = ET_CORE);
	with("no headers", h->e_phnum = 0), with("header size", h->e_phentsize = 50), with("headers far out", h->e_phoff = 1UL << 40), with("headers overflow", h->e_phoff = -64), with("many headers", h->e_phnum = 2000);
	with("entry 0", h->e_entry = 0), with("file size larger than memory size", p[load].p_memsz = p[load].p_filesz - 1), with("unaligned offset", p[load].p_offset++), with("kernel address", p[load].p_vaddr = 0xffff800000000000), with("huge memory", p[load].p_memsz = 1UL << 60);
	with("nothing to load", ({ for (int i = 0; i < h->e_phnum; i++) if (p[i].p_type == PT_LOAD) p[i].p_type = PT_NULL; }));
	return 0;
}
