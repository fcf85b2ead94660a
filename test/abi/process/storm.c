// Many children at once: every code comes back once; many execs in a row keep pid and descriptors.
#include "../oracle.h"

int main(int argc, char **argv) {
	if (argc > 1) {
		int n = atoi(argv[1]);
		char text[16];
		if (n == 0) {
			fact("after thirty execs: same pid %d, descriptor %s, position %ld", getpid() == atoi(argv[2]), ename(err(fcntl(9, F_GETFD))), (long)lseek(9, 0, SEEK_CUR));
			return 0;
		}
		must(write(9, "x", 1)), snprintf(text, 16, "%d", n - 1);
		char *args[] = {argv[0], text, argv[2], NULL};
		execve("/proc/self/exe", args, NULL);
	}
	int counts[150] = {0}, st, wrong = 0;
	for (int i = 0; i < 150; i++)
		spawn(_exit(i));
	for (int i = 0; i < 150; i++)
		must(wait(&st)), counts[WEXITSTATUS(st)]++;
	for (int i = 0; i < 150; i++)
		wrong += counts[i] != 1;
	fact("wrong %d, then %s", wrong, ename(err(wait(&st))));
	pid_t pid = spawn({ // a chain: each forks the next
		for (int i = 0; i < 40; i++) {
			pid_t c = must(fork());
			if (c) {
				must(waitpid(c, &st, 0));
				_exit(WEXITSTATUS(st) + 1);
			}
		}
		_exit(0);
	});
	reap("a chain of forty", pid);
	int fd = must(open("log", O_CREAT | O_RDWR, 0600));
	must(dup2(fd, 9));
	pid = spawn(char me[16]; snprintf(me, 16, "%d", getpid()); char *args[] = {argv[0], "30", me, NULL}; execve("/proc/self/exe", args, NULL));
	quiet(pid);
	fact("%zu bytes", strlen(slurp("log")));
	int p[2], q[2];
	must(pipe(p)), must(pipe(q));
	pid = spawn(for (int i = 0; i < 500; i++) { char c; must(read(p[0], &c, 1)); c++; must(write(q[1], &c, 1)); });
	char c = 0;
	for (int i = 0; i < 500; i++)
		must(write(p[1], &c, 1)), must(read(q[0], &c, 1));
	quiet(pid), fact("ping-pong: %d", (unsigned char)c);
	return 0;
}
