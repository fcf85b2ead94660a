// Threads share the address space: a mapping, an unmapping and a new protection count at once for all.
#include "../oracle.h"
#include <setjmp.h>
static char *volatile page;
static struct gate go, done;
static __thread sigjmp_buf back;
static void handler(int s) { siglongjmp(back, 1); }

static const char *touch(int write) {
	if (sigsetjmp(back, 1))
		return "fault";
	if (write)
		page[0]++;
	else
		(void)*(volatile char *)page;
	return "fine";
}
static void *other(void *arg) {
	for (int i = 0; i < 4; i++) {
		gate_pass(go);
		fact("read %s", touch(0));
		fact("write %s", touch(1));
		gate_open(done);
	}
	return NULL;
}
#define step(name) (fact(name), gate_open(go), gate_pass(done))

int main(void) {
	go = gate_new(), done = gate_new();
	on(SIGSEGV, handler, SA_NODEFER);
	pthread_t t = thread(other, NULL);
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	step("mapped");
	must(mprotect(page, PAGE, PROT_READ));
	step("read-only");
	must(mprotect(page, PAGE, PROT_READ | PROT_WRITE));
	step("writable");
	must(munmap(page, PAGE));
	step("unmapped");
	join(t);
	return 0;
}
