// /proc/PID/mem: reading, writing over read-only pages, holes, seeking; the end of the process.
#include "../oracle.h"

int main(void) {
	char *p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), buf[64] = {0};
	strcpy(p, "private text");
	int fd = must(open("/proc/self/mem", O_RDWR));
	show(pread(fd, buf, 12, (off_t)p));
	fact("%s", buf);
	must(mprotect(p, PAGE, PROT_READ));
	show(pwrite(fd, "P", 1, (off_t)p)); // as a debugger: through the protection
	fact("%s", p);
	must(mprotect(p, PAGE, PROT_NONE));
	show(pread(fd, buf, 12, (off_t)p));
	fact("%s", buf);
	must(mprotect(p, PAGE, PROT_READ | PROT_WRITE));
	must(munmap(p + PAGE, PAGE));
	show(pread(fd, buf, 64, (off_t)p + PAGE - 10));
	show(pread(fd, buf, 64, (off_t)p + PAGE));
	show(pread(fd, buf, 1, 0));
	show(lseek(fd, 4096, SEEK_SET));
	show(lseek(fd, 0, SEEK_END));
	make("f", "shared");
	char *s = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, must(open("f", O_RDONLY)), 0);
	show(pwrite(fd, "S", 1, (off_t)s)); // a read-only shared mapping stays as it is
	fact("%s", slurp("f"));
	struct gate a = gate_new(), b = gate_new();
	int pid = spawn(strcpy(p, "of the child"); gate_open(a); gate_pass(b); fact("child: %s", p));
	gate_pass(a);
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/mem", pid);
	int cm = must(open(path, O_RDWR));
	must(pread(cm, buf, 12, (off_t)p));
	fact("%s", buf);
	must(pwrite(cm, "OF", 2, (off_t)p));
	gate_open(b);
	quiet(pid);
	show(pread(cm, buf, 12, (off_t)p)); // the memory is gone
	return 0;
}
