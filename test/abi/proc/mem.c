// /proc/PID/mem: reads and writes at addresses, holes, what is not writable, other processes, seeks, after exec and death.
#include "../oracle.h"
#include <sys/mman.h>
static const char text[] = "constant text";

int main(void) {
	char b[64] = {0}, path[64];
	int fd = must(open("/proc/self/mem", O_RDWR));
	show(pread(fd, b, 8, (off_t)text)), fact("%s", b);
	char *m = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *none = m + 3 * PAGE;
	strcpy(m, "hello"), must(mprotect(none, PAGE, PROT_NONE)), must(munmap(m + 2 * PAGE, PAGE));
	show(pwrite(fd, "J", 1, (off_t)m)), fact("%s", m);
	show(pread(fd, b, 16, (off_t)(m + 2 * PAGE - 8))), show(pread(fd, b, 16, (off_t)(m + 2 * PAGE))), show(pread(fd, b, 4, (off_t)none)), show(pwrite(fd, "none", 4, (off_t)none)), show(pread(fd, b, 4, (off_t)none)), fact("%.4s", b);
	show(pwrite(fd, "CON", 3, (off_t)text)), fact("%s", text); // FOLL_FORCE: a private copy
	make("f", "file text");
	int f = must(open("f", O_RDONLY));
	char *shared = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, f, 0), *private = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, f, 0);
	show(pwrite(fd, "X", 1, (off_t)shared)), show(pwrite(fd, "Y", 1, (off_t)private)), fact("%.9s %.9s %s", shared, private, slurp("f"));
	show(pread(fd, b, 1, 0)), show(pread(fd, b, 0, 0)), show(pread(fd, (char *)8, 4, (off_t)m));
	show(lseek(fd, (off_t)m, SEEK_SET) == (off_t)m), show(read(fd, b, 5)), fact("%.5s", b), show(lseek(fd, 0, SEEK_CUR) == (off_t)m + 5), show(lseek(fd, 0, SEEK_END)), show(lseek(fd, 0, 9));
	struct gate g = gate_new();
	pid_t pid = spawn(strcpy(m, "child"); gate_open(g); pause());
	gate_pass(g), snprintf(path, 64, "/proc/%d/mem", pid);
	int c = must(open(path, O_RDWR));
	show(pread(c, b, 6, (off_t)m)), fact("%s and %s", b, m), show(pwrite(c, "C", 1, (off_t)m)), show(pread(c, b, 6, (off_t)m)), fact("%s", b);
	quiet(spawn(must(setuid(1000)); show(open(path, O_RDONLY)); show(pread(c, b, 1, (off_t)m)))); // open since before
	kill(pid, SIGKILL), await(pid, "Z"), show(pread(c, b, 6, (off_t)m)), show(pwrite(c, "C", 1, (off_t)m)), reap("child", pid), show(pread(c, b, 6, (off_t)m)), show(open(path, O_RDONLY));
	struct stat st;
	must(fstat(fd, &st)), fact("mode %o size %ld", st.st_mode, (long)st.st_size);
	quiet(spawn(must(prctl(PR_SET_DUMPABLE, 0)); ok(open("/proc/self/mem", O_RDONLY)); must(setuid(1000)); show(open("/proc/self/mem", O_RDONLY)))); // root's now
	return 0;
}
