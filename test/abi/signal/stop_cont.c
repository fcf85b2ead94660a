// SIGSTOP and SIGCONT: states, pending ones cancel each other, threads stop together, SIGCHLD flags.
#include "../oracle.h"
static volatile int cont, chld, code;
static void on_cont(int s) { cont++; }
static void on_chld(int s, siginfo_t *i, void *u) { chld++, code = i->si_code; }
static struct gate g;
static void *counts(void *a) {
	for (;;)
		(*(volatile long *)a)++;
	return NULL;
}

int main(void) {
	int st;
	g = gate_new();
	struct sigaction a = {.sa_sigaction = on_chld, .sa_flags = SA_SIGINFO | SA_RESTART};
	must(sigaction(SIGCHLD, &a, NULL));
	volatile long *n = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = spawn(on(SIGCONT, on_cont, 0); thread(counts, (void *)n); gate_open(g); while (!cont) usleep(1000); _exit(cont));
	gate_pass(g);
	kill(pid, SIGSTOP);
	must(waitpid(pid, &st, WUNTRACED));
	status("child", st);
	fact("SIGCHLD: %d code %d", chld, code);
	await(pid, "T");
	long before = *n;
	usleep(20000);
	yes(*n == before); // all threads stand still
	kill(pid, SIGSTOP), kill(pid, SIGTSTP); // no second stop
	show(waitpid(pid, &st, WUNTRACED | WNOHANG));
	kill(pid, SIGUSR1); // waits
	yes(state(pid) == 'T');
	kill(pid, SIGKILL); // does not
	reap("killed while stopped", pid);
	a.sa_flags |= SA_NOCLDSTOP;
	must(sigaction(SIGCHLD, &a, NULL));
	chld = 0;
	pid = spawn(on(SIGCONT, on_cont, 0); raise(SIGSTOP); _exit(10 + cont));
	must(waitpid(pid, &st, WUNTRACED));
	fact("NOCLDSTOP: %d", chld);
	kill(pid, SIGCONT);
	reap("handler of SIGCONT runs", pid);
	fact("at the end: %d code %d", chld, code);
	pid = spawn({
		sigset_t s, p;
		sigemptyset(&s), sigaddset(&s, SIGTSTP), sigaddset(&s, SIGCONT);
		sigprocmask(SIG_BLOCK, &s, NULL);
		raise(SIGTSTP);
		sigpending(&p);
		fact("pending: TSTP %d CONT %d", sigismember(&p, SIGTSTP), sigismember(&p, SIGCONT));
		raise(SIGCONT); // takes the stop away
		sigpending(&p);
		fact("pending: TSTP %d CONT %d", sigismember(&p, SIGTSTP), sigismember(&p, SIGCONT));
		raise(SIGTSTP); // and the other way round
		sigpending(&p);
		fact("pending: TSTP %d CONT %d", sigismember(&p, SIGTSTP), sigismember(&p, SIGCONT));
	});
	quiet(pid);
	pid = spawn(signal(SIGTSTP, SIG_IGN); raise(SIGTSTP); _exit(5));
	reap("ignored TSTP", pid);
	return 0;
}
