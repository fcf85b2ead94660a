// SIGSEGV and SIGBUS: si_code and si_addr of each way an access can fail.
#include "../oracle.h"
#include <setjmp.h>
static sigjmp_buf back;
static siginfo_t info;
static void handler(int s, siginfo_t *i, void *u) {
	info = *i;
	siglongjmp(back, 1);
}
static void try(const char *what, volatile char *p, int write, long at) {
	memset(&info, 0, sizeof info);
	if (sigsetjmp(back, 1) == 0) {
		if (write)
			p[at] = 1;
		else
			(void)p[at];
		fact("%s: no fault", what);
		return;
	}
	fact("%s: %s code %d address %s", what, signame(info.si_signo), info.si_code, (char *)info.si_addr == (char *)p + at ? "exact" : info.si_addr ? "other" : "none");
}

int main(void) {
	struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
	must(sigaction(SIGSEGV, &a, NULL));
	must(sigaction(SIGBUS, &a, NULL));
	int anon = MAP_PRIVATE | MAP_ANONYMOUS;
	char *p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, anon, -1, 0);
	must(mprotect(p, PAGE, PROT_READ));
	must(mprotect(p + PAGE, PAGE, PROT_NONE));
	must(munmap(p + 2 * PAGE, PAGE));
	try("read read-only", p, 0, 5);
	try("write read-only", p, 1, 5);
	try("read none", p + PAGE, 0, 17);
	try("write none", p + PAGE, 1, 17);
	try("read unmapped", p + 2 * PAGE, 0, 33);
	try("write unmapped", p + 2 * PAGE, 1, 33);
	try("null", NULL, 0, 0);
	try("near null", NULL, 1, 24);
	try("not canonical", (char *)0x8000000000000000, 0, 0);
	try("kernel", (char *)0xffff800000000000, 0, 0);
	make("f", "short");
	int fd = must(open("f", O_RDWR));
	char *m = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	try("file, last page past the end", m, 0, 100);
	try("file, second page", m + PAGE, 0, 7);
	try("file, second page write", m + PAGE, 1, 7);
	must(ftruncate(fd, 2 * PAGE));
	try("after growing", m + PAGE, 0, 7);
	must(ftruncate(fd, 0));
	try("after truncating", m, 0, 0);
	return 0;
}
