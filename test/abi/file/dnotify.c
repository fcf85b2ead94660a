// fcntl(2) F_NOTIFY: which operations signal, once or always, F_SETSIG, adding to a mask, what ends it; POLL_MSG of a lease.
#include "../oracle.h"
static volatile int got, from, code;
static volatile long band;
static void handler(int s, siginfo_t *i, void *u) { got = s, from = i->si_fd, code = i->si_code, band = i->si_band; }
static int dir;

static void said(const char *what) {
	if (got == SIGIO)
		fact("%s: SIGIO code %d", what, code);
	else
		fact("%s: %s", what, got == 0 ? "nothing" : got == SIGRTMIN && from == dir ? "chosen signal" : "odd");
	if (got == SIGRTMIN)
		fact("code %d band %#lx", code, band);
	got = 0;
}
#define DO(call) (must(call), said(#call))

int main(void) {
	struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
	must(sigaction(SIGIO, &a, NULL)), must(sigaction(SIGRTMIN, &a, NULL));
	must(mkdir("v", 0755)), make("f", "");
	int f = must(open("f", O_RDWR)), fd;
	dir = must(open("v", O_RDONLY));
	show(fcntl(f, F_NOTIFY, DN_CREATE)), show(fcntl(f, F_NOTIFY, 0)), show(fcntl(999, F_NOTIFY, DN_CREATE));
	show(fcntl(dir, F_NOTIFY, DN_CREATE | DN_ATTRIB | DN_RENAME | DN_DELETE | DN_MULTISHOT));
	yes(fcntl(dir, F_GETOWN) == getpid());
	DO(fd = open("v/x", O_CREAT | O_RDWR, 0644)), DO(close(fd)), DO(chmod("v", 0755)), DO(chmod("v/x", 0600));
	DO(rename("v/x", "v/y")), DO(rename("v/y", "z")), DO(rename("z", "v/z")), DO(link("v/z", "v/w")), DO(unlink("v/z")), DO(unlink("v/w"));
	DO(mkdir("v/d", 0755)), DO(mkdir("v/d/e", 0755)), DO(rmdir("v/d/e")), DO(rmdir("v/d"));
	show(fcntl(dir, F_SETSIG, SIGRTMIN));
	DO(fd = open("v/x", O_CREAT | O_RDWR, 0644));
	show(fcntl(dir, F_NOTIFY, DN_MODIFY | DN_ACCESS));
	DO(write(fd, "abc", 3)), DO(pread(fd, &a, 1, 0)), DO(ftruncate(fd, 1)), DO(close(fd));
	show(fcntl(dir, F_NOTIFY, 0)), DO(unlink("v/x"));
	show(fcntl(dir, F_NOTIFY, DN_CREATE)), DO(mkdir("v/a", 0755)), DO(mkdir("v/b", 0755));
	show(fcntl(dir, F_NOTIFY, DN_CREATE | DN_MULTISHOT)), must(close(must(dup(dir)))), DO(mkdir("v/c", 0755));
	show(fcntl(dir, F_NOTIFY, DN_CREATE | DN_MULTISHOT));
	quiet(spawn(must(close(dir)); must(mkdir("v/e", 0755)))), said("a child, which closed its own");
	must(close(dir)), DO(mkdir("v/g", 0755));
	must(close(f)), dir = must(open("f", O_RDONLY));
	show(fcntl(dir, F_SETSIG, SIGRTMIN)), show(fcntl(dir, F_SETLEASE, F_RDLCK));
	show(open("f", O_WRONLY | O_NONBLOCK)), said("lease");
	return 0;
}
