// Blocking reads and writes of pipes: who wakes whom, partial writes interrupted, atomicity under concurrency.
#include "../oracle.h"
static void handler(int s) {}

int main(void) {
	int p[2];
	static char big[200000];
	must(pipe(p));
	pid_t me = getpid(), pid = spawn(asleep(me); must(write(p[1], "late", 4)));
	show(read(p[0], big, 10));
	quiet(pid);
	pid = spawn(close(p[0]); int n = 0; while (n < 200000) { int k = write(p[1], big, 200000 - n); if (k < 0) break; n += k; } _exit(n == 200000 ? 0 : 1));
	asleep(pid); // full
	int total = 0, k;
	while (total < 200000 && (k = read(p[0], big, 7000)) > 0)
		total += k;
	show(total);
	quiet(pid);
	on(SIGUSR1, handler, 0);
	pid = spawn(asleep(me); kill(me, SIGUSR1));
	k = write(p[1], big, sizeof big); // a part is written, then the signal
	show(k);
	quiet(pid);
	pid = spawn(asleep(me); kill(me, SIGUSR1));
	show(write(p[1], big, 1));
	quiet(pid);
	must(pipe(p));
	pid_t w[4];
	for (int i = 0; i < 4; i++)
		w[i] = spawn(char line[100]; memset(line, 'a' + i, 100); for (int n = 0; n < 300; n++) must(write(p[1], line, 100)));
	close(p[1]);
	int mixed = 0, counts[4] = {0}, have = 0;
	char line[100];
	while ((k = read(p[0], line + have, 100 - have)) > 0) {
		if ((have += k) < 100)
			continue;
		have = 0;
		for (int i = 1; i < 100; i++)
			mixed += line[i] != line[0];
		counts[line[0] - 'a']++;
	}
	fact("mixed %d; %d %d %d %d; end %d", mixed, counts[0], counts[1], counts[2], counts[3], k);
	for (int i = 0; i < 4; i++)
		quiet(w[i]);
	must(pipe(p));
	pid = spawn(close(p[1]); char c; _exit(read(p[0], &c, 1)));
	asleep(pid);
	close(p[1]); // the last writer's end wakes readers
	reap("reader", pid);
	must(pipe(p));
	signal(SIGPIPE, SIG_DFL);
	pid = spawn(close(p[0]); write(p[1], big, sizeof big); _exit(1));
	asleep(pid);
	close(p[0]); // the last reader's end wakes writers
	reap("writer", pid);
	return 0;
}
