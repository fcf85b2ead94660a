// sigaltstack(2): use, flags, errors, nesting, SS_AUTODISARM, inheritance, overflow.
#include "../oracle.h"
static char area[1 << 16] __attribute__((aligned(16)));
static int inside(void *p) { return (char *)p >= area && (char *)p < area + sizeof area; }
static void handler(int s) {
	char here;
	stack_t o, n = {.ss_sp = area, .ss_size = sizeof area};
	must(sigaltstack(NULL, &o));
	fact("%s: on the stack %d, flags %#x", signame(s), inside(&here), o.ss_flags);
	if (s == SIGUSR1) {
		show(sigaltstack(&n, NULL));
		raise(SIGUSR2);
	}
}

int main(int argc, char **argv) {
	stack_t o, n = {.ss_sp = area, .ss_size = sizeof area};
	if (argc > 1) {
		must(sigaltstack(NULL, &o));
		fact("after exec: flags %d", o.ss_flags);
		return 0;
	}
	must(sigaltstack(NULL, &o));
	fact("first: flags %d size %ld", o.ss_flags, (long)o.ss_size);
	show(sigaltstack(&n, &o));
	on(SIGUSR1, handler, SA_ONSTACK), on(SIGUSR2, handler, SA_ONSTACK), on(SIGHUP, handler, 0);
	raise(SIGUSR1);
	raise(SIGHUP);
	n.ss_size = 2047;
	show(sigaltstack(&n, NULL));
	n.ss_size = 2048;
	show(err(sigaltstack(&n, NULL)) == 0 || errno == ENOMEM); // the least depends on the processor
	n.ss_size = sizeof area, n.ss_flags = 5;
	show(sigaltstack(&n, NULL));
	n.ss_flags = SS_ONSTACK; // taken as 0
	show(sigaltstack(&n, NULL));
	show(sys(SYS_sigaltstack, 8, NULL));
	show(sys(SYS_sigaltstack, NULL, 8));
	n.ss_flags = 1 << 31; // SS_AUTODISARM: off while the handler runs
	show(sigaltstack(&n, NULL));
	raise(SIGUSR1);
	must(sigaltstack(NULL, &o));
	fact("afterwards: flags %#x, same %d", o.ss_flags, o.ss_sp == area);
	quiet(spawn(sigaltstack(NULL, &o); fact("fork: flags %#x", o.ss_flags)));
	quiet(spawn(char *args[] = {argv[0], "x", NULL}; execve("/proc/self/exe", args, NULL)));
	n.ss_flags = SS_DISABLE;
	show(sigaltstack(&n, NULL));
	raise(SIGUSR2);
	char *guard = mmap(NULL, 8 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	reap("stack without memory", spawn(n.ss_flags = 0; n.ss_sp = guard; n.ss_size = 8 * PAGE; must(sigaltstack(&n, NULL)); raise(SIGUSR2); _exit(0)));
	return 0;
}
