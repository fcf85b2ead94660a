// mmap(2): which arguments are refused and with what.
#include "../oracle.h"
#define map(...) err(mmap(__VA_ARGS__))
#define row(what, ...) fact("%s: %s", what, ename(map(__VA_ARGS__)))

int main(void) {
	int ro, wo, rw, dir, pipes[2];
	make("f", "hello");
	ro = must(open("f", O_RDONLY)), wo = must(open("f", O_WRONLY)), rw = must(open("f", O_RDWR));
	dir = must(open(".", O_RDONLY | O_DIRECTORY));
	must(pipe(pipes));
	int anon = MAP_PRIVATE | MAP_ANONYMOUS;
	row("length 0", NULL, 0, PROT_READ, anon, -1, 0);
	row("neither shared nor private", NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0);
	row("both", NULL, PAGE, PROT_READ, MAP_ANONYMOUS | MAP_SHARED_VALIDATE, -1, 0);
	row("offset not aligned", NULL, PAGE, PROT_READ, MAP_PRIVATE, ro, 100);
	row("anonymous, offset not aligned", NULL, PAGE, PROT_READ, anon, -1, 100);
	row("fixed, address not aligned", (void *)0x10000123, PAGE, PROT_READ, anon | MAP_FIXED, -1, 0);
	row("huge length", NULL, 1UL << 50, PROT_READ, anon, -1, 0);
	row("length wraps", NULL, -1UL, PROT_READ, anon, -1, 0);
	row("offset and length overflow", NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE, ro, (1UL << 63) - PAGE);
	row("bad descriptor", NULL, PAGE, PROT_READ, MAP_PRIVATE, 999, 0);
	row("read-only file, shared writable", NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, ro, 0);
	row("read-only file, private writable", NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, ro, 0);
	row("write-only file, private", NULL, PAGE, PROT_READ, MAP_PRIVATE, wo, 0);
	row("write-only file, shared write", NULL, PAGE, PROT_WRITE, MAP_SHARED, wo, 0);
	row("read-write file, shared write", NULL, PAGE, PROT_WRITE, MAP_SHARED, rw, 0);
	row("directory", NULL, PAGE, PROT_READ, MAP_PRIVATE, dir, 0);
	row("pipe", NULL, PAGE, PROT_READ, MAP_PRIVATE, pipes[0], 0);
	row("path descriptor", NULL, PAGE, PROT_READ, MAP_PRIVATE, must(open("f", O_PATH)), 0);
	row("validate with unknown flag", NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | 0x800000, rw, 0);
	row("shared with unknown flag", NULL, PAGE, PROT_READ, MAP_SHARED | 0x800000, rw, 0);
	row("sync on tmpfs", NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | MAP_SYNC, rw, 0);
	row("growsdown on a file", NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_GROWSDOWN, rw, 0);
	row("growsdown shared", NULL, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0);
	row("above user space", (void *)(1UL << 57), PAGE, PROT_READ, anon | MAP_FIXED, -1, 0);
	row("past the end is allowed", NULL, 16 * PAGE, PROT_READ, MAP_SHARED, rw, 64 * PAGE);
	return 0;
}
