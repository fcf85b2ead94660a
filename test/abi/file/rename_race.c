// Renames while others look: a name that is replaced is always there, exchange is atomic, and directories
// that move to and fro under each other make no loop.
#include "../oracle.h"

static volatile int stop;
static void *reader(void *bad) {
	while (!stop) {
		int fd = open("target", O_RDONLY);
		char b[4] = {0};
		if (fd < 0 || read(fd, b, 3) != 3 || (strcmp(b, "one") && strcmp(b, "two")))
			++*(int *)bad;
		if (fd >= 0)
			close(fd);
	}
	return NULL;
}
static void *swapper(void *bad) {
	for (int i = 0; i < 300; i++)
		if (renameat2(AT_FDCWD, "x/a", AT_FDCWD, "y/b", RENAME_EXCHANGE))
			++*(int *)bad;
	return NULL;
}
static void *mover(void *to) {
	for (int i = 0; i < 200; i++)
		if (to ? rename("p/d", "q/e/d") : rename("q/e", "p/d/e"))
			;
		else
			to ? rename("q/e/d", "p/d") : rename("p/d/e", "q/e");
	return NULL;
}
static int depth(const char *path) {
	char b[256];
	snprintf(b, 256, "%s", path);
	int n = 0;
	struct stat st;
	for (; n < 20 && !stat(b, &st); n++)
		strcat(b, n % 2 ? "/d" : "/e");
	return n;
}

int main(void) {
	int bad = 0, worse = 0;
	make("target", "one");
	pthread_t t = thread(reader, &bad);
	for (int i = 0; i < 300; i++)
		make("new", i % 2 ? "one" : "two"), must(rename("new", "target"));
	stop = 1, pthread_join(t, NULL), fact("missing or torn: %d", bad);
	must(mkdir("x", 0755)), must(mkdir("y", 0755)), make("x/a", "a"), make("y/b", "b");
	t = thread(swapper, &worse), swapper(&bad), pthread_join(t, NULL);
	fact("exchanges failed: %d, links %s %s", bad + worse, slurp("x/a"), slurp("y/b"));
	must(mkdir("p", 0755)), must(mkdir("q", 0755)), must(mkdir("p/d", 0755)), must(mkdir("q/e", 0755));
	t = thread(mover, NULL), mover(""), pthread_join(t, NULL);
	yes(depth("p/d") <= 2 && depth("q/e") <= 2 && depth("p/d") + depth("q/e") >= 1);
	// One file, many names: of racing links and unlinks the count comes out right.
	make("f", "");
	pid_t pids[3];
	for (int i = 0; i < 3; i++)
		pids[i] = spawn(char n[16]; for (int k = 0; k < 100; k++) { snprintf(n, 16, "l%d.%d", i, k); must(link("f", n)); if (k % 2) must(unlink(n)); });
	for (int i = 0; i < 3; i++)
		quiet(pids[i]);
	struct stat st;
	must(stat("f", &st)), show(st.st_nlink);
	// Who makes a name first has it.
	int won = 0;
	for (int i = 0; i < 50; i++) {
		char n[16];
		snprintf(n, 16, "w%d", i);
		pid_t p = spawn(_exit(open(n, O_CREAT | O_EXCL | O_WRONLY, 0600) >= 0));
		int mine = open(n, O_CREAT | O_EXCL | O_WRONLY, 0600), s;
		must(waitpid(p, &s, 0)), won += (mine >= 0) + WEXITSTATUS(s);
		if (mine >= 0)
			close(mine);
	}
	show(won);
	return 0;
}
