// Leases (fcntl F_SETLEASE): who may have one, what breaks it, the signal, waiting and giving way.
#include "../oracle.h"
static volatile int got, from;
static void io(int s, siginfo_t *i, void *u) { got = s, from = i->si_fd; (void)u; }
static int lease(const char *how) {
	int fd = must(open("f", how[0] == 'w' ? O_RDWR : O_RDONLY));
	return fd;
}

int main(void) {
	struct sigaction sa = {.sa_sigaction = io, .sa_flags = SA_SIGINFO | SA_RESTART};
	must(sigaction(SIGIO, &sa, NULL)), must(sigaction(SIGUSR1, &sa, NULL)), make("f", "text"), must(mkdir("d", 0755)), must(mkfifo("p", 0600));
	int r = lease("r");
	show(fcntl(r, F_SETLEASE, F_UNLCK)), show(fcntl(r, F_SETLEASE, F_WRLCK)), show(fcntl(r, F_GETLEASE)), show(fcntl(r, F_SETLEASE, F_RDLCK)), show(fcntl(r, F_GETLEASE));
	int r2 = lease("r");
	show(fcntl(r2, F_SETLEASE, F_RDLCK)), show(fcntl(r2, F_SETLEASE, F_WRLCK)), must(close(r2)), show(fcntl(r, F_SETLEASE, F_WRLCK)), show(fcntl(r, F_SETLEASE, F_RDLCK));
	must(fcntl(r, F_SETSIG, SIGUSR1));
	quiet(spawn(show(open("f", O_RDONLY) >= 0); show(open("f", O_WRONLY | O_NONBLOCK)); show(fcntl(r, F_GETLEASE))));
	while (!got)
		usleep(1000);
	fact("told: %s, descriptor %d", signame(got), from == r), show(fcntl(r, F_GETLEASE)), got = 0;
	show(open("f", O_RDONLY) >= 0), show(open("f", O_RDWR | O_NONBLOCK)); // until it gives way
	pid_t pid = spawn(int fd = open("f", O_WRONLY | O_TRUNC); show(fd >= 0); struct stat st; must(fstat(fd, &st)); show(st.st_size));
	asleep(pid), must(fcntl(r, F_SETLEASE, F_UNLCK)), quiet(pid), show(fcntl(r, F_GETLEASE)), fact("told once: %d", got == 0);
	must(close(r)), make("g", "x");
	int w = must(open("g", O_RDWR));
	show(fcntl(w, F_SETLEASE, F_RDLCK)), show(fcntl(w, F_SETLEASE, F_WRLCK)), show(fcntl(w, F_GETLEASE));
	pid = spawn(alarm(20); int fd = open("g", O_RDONLY); show(fd >= 0));
	asleep(pid);
	while (!got)
		usleep(1000);
	fact("told: %s", signame(got)), show(fcntl(w, F_GETLEASE)), show(fcntl(w, F_SETLEASE, F_RDLCK)), must(fcntl(w, F_SETLEASE, F_UNLCK)), quiet(pid), got = 0;
	show(fcntl(w, F_SETLEASE, F_WRLCK)), pid = spawn(must(close(w)); show(truncate("g", 3))), asleep(pid), must(close(w)), quiet(pid); // closing gives it up
	fact("%d", got != 0), got = 0;
	w = must(open("g", O_RDWR)), must(fcntl(w, F_SETLEASE, F_WRLCK));
	pid = spawn(signal(SIGALRM, SIG_DFL); open("g", O_RDONLY); _exit(1)), asleep(pid), must(kill(pid, SIGTERM)), quiet(pid), must(close(w)); // a waiter can be killed
	show(fcntl(must(open("d", O_RDONLY)), F_SETLEASE, F_WRLCK)), show(fcntl(must(open("p", O_RDWR)), F_SETLEASE, F_RDLCK)), show(fcntl(999, F_SETLEASE, F_RDLCK)), show(fcntl(must(open("g", O_PATH)), F_SETLEASE, F_RDLCK)), show(fcntl(must(open("g", O_RDONLY)), F_SETLEASE, 9));
	quiet(spawn(must(chmod("g", 0666)); int fd = must(open("g", O_RDONLY)); must(setuid(1000)); show(fcntl(fd, F_SETLEASE, F_RDLCK))));
	return 0;
}
