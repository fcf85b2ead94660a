// Executing pages: PROT_EXEC, its absence, and the fault's address.
#include "../oracle.h"
#include <setjmp.h>
static sigjmp_buf back;
static siginfo_t info;
static void handler(int s, siginfo_t *i, void *u) {
	info = *i;
	siglongjmp(back, 1);
}
static const unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3}; // mov $42,%eax; ret

static void call(const char *what, char *p) {
	if (sigsetjmp(back, 1) == 0)
		fact("%s: returns %d", what, ((int (*)(void))p)());
	else
		fact("%s: %s code %d, address %s", what, signame(info.si_signo), info.si_code, (char *)info.si_addr == p ? "exact" : "other");
}

int main(void) {
	struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
	must(sigaction(SIGSEGV, &a, NULL));
	char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memcpy(p, code, sizeof code);
	call("not executable", p);
	must(mprotect(p, PAGE, PROT_READ | PROT_EXEC));
	call("executable", p);
	must(mprotect(p, PAGE, PROT_EXEC));
	call("only executable", p);
	must(mprotect(p, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
	p[1] = 43; // code that changes is seen
	call("changed", p);
	memcpy(p + PAGE - 3, code, 3);
	call("runs into a page that is not executable", p + PAGE - 3);
	yes((char *)info.si_addr == p + PAGE);
	must(munmap(p, 2 * PAGE));
	call("unmapped", p);
	call("null", NULL);
	return 0;
}
