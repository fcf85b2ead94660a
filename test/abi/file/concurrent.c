// Several processes on one directory and one file: O_EXCL once, O_APPEND whole, rename never without a file.
#include "../oracle.h"

int main(void) {
	pid_t pids[4];
	int won = 0, st;
	for (int round = 0; round < 20; round++) {
		char name[16];
		snprintf(name, 16, "e%d", round);
		for (int i = 0; i < 4; i++)
			pids[i] = spawn(_exit(open(name, O_CREAT | O_EXCL | O_WRONLY, 0600) >= 0));
		for (int i = 0; i < 4; i++)
			waitpid(pids[i], &st, 0), won += WEXITSTATUS(st);
	}
	fact("exclusive creations: %d of 20", won);
	for (int i = 0; i < 4; i++)
		pids[i] = spawn({
			int fd = must(open("log", O_CREAT | O_APPEND | O_WRONLY, 0600));
			char line[32];
			for (int k = 0; k < 100; k++) {
				int n = snprintf(line, 32, "%d %020d\n", i, k);
				must(write(fd, line, n));
			}
		});
	for (int i = 0; i < 4; i++)
		quiet(pids[i]);
	char *text = slurp("log");
	int lines = 0, bad = 0, next[4] = {0};
	for (char *p = strtok(text, "\n"); p; p = strtok(NULL, "\n"), lines++) {
		int who = p[0] - '0';
		bad += strlen(p) != 22 || who < 0 || who > 3 || atoi(p + 2) != next[who]++;
	}
	fact("lines %d, bad %d", lines, bad);
	make("current", "v0");
	struct gate g = gate_new();
	pid_t writer = spawn(for (int k = 0; k < 200; k++) { char t[16], name[16]; snprintf(t, 16, "v%d", k); snprintf(name, 16, "tmp%d", k % 2); make(name, t); must(rename(name, "current")); } gate_open(g));
	int missing = 0, empty = 0;
	for (int k = 0; k < 200; k++) {
		char *v = slurp("current");
		missing += v == NULL, empty += v && v[0] != 'v';
		free(v);
	}
	fact("missing %d, empty %d", missing, empty);
	quiet(writer);
	must(mkdir("d", 0755));
	for (int i = 0; i < 4; i++)
		pids[i] = spawn({
			int n = 0;
			char name[32];
			for (int k = 0; k < 50; k++)
				snprintf(name, 32, "d/f%d", k), n += unlink(name) == 0 || mkdir(name, 0755) == 0 || rmdir(name) == 0;
			_exit(n == 0);
		});
	for (int i = 0; i < 4; i++)
		quiet(pids[i]);
	fact("done");
	return 0;
}
