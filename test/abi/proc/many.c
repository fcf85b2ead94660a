// Directories of many entries: threads, descriptors, processes; small buffers, seeking, what ends meanwhile.
#include "../oracle.h"
#include <dirent.h>
static struct gate g, h;
static void *body(void *a) {
	gate_open(g), gate_pass(h);
	return a;
}
struct d64 { uint64_t ino; int64_t off; unsigned short len; unsigned char type; char name[]; };

// scan counts the numbers of a directory, whether they rise, and whether each is there once.
static int scan(const char *path, int size, int *rising) {
	int fd = must(open(path, O_RDONLY | O_DIRECTORY)), n = 0, last = -1;
	char b[4096];
	*rising = 1;
	for (int k; (k = must(sys(SYS_getdents64, fd, b, size)));)
		for (int at = 0; at < k;) {
			struct d64 *d = (void *)(b + at);
			at += d->len;
			if (*d->name < '0' || *d->name > '9')
				continue;
			int v = atoi(d->name);
			*rising &= v > last, last = v, n++;
		}
	close(fd);
	return n;
}

int main(void) {
	enum { N = 100 };
	int up;
	g = gate_new(), h = gate_new();
	pthread_t t[N];
	for (int i = 0; i < N; i++)
		t[i] = thread(body, NULL), gate_pass(g);
	show(scan("/proc/self/task", 4096, &up)), show(up), show(scan("/proc/self/task", 64, &up)), show(up);
	for (int i = 0; i < N; i++)
		gate_open(h);
	for (int i = 0; i < N; i++)
		join(t[i]);
	for (int i = 0; i < 300; i++)
		must(dup(0));
	int base = scan("/proc/self/fd", 4096, &up);
	show(up), show(scan("/proc/self/fd", 64, &up) == base), show(scan("/proc/self/fdinfo", 128, &up) == base), show(up);
	struct stat st;
	must(stat("/proc/self/fd", &st)), show(st.st_size == base - 1);
	pid_t pids[N];
	for (int i = 0; i < N; i++)
		pids[i] = spawn(pause());
	int all = scan("/proc", 4096, &up);
	show(all > N), show(up), show(scan("/proc", 64, &up) >= N), show(up);
	DIR *d = opendir("/proc"); // every second one dies while the directory is read
	int seen = 0, killed = 0;
	for (struct dirent *e; (e = readdir(d));) {
		int v = atoi(e->d_name);
		for (int i = 0; i < N; i++)
			seen += pids[i] == v;
		if (seen > 10 && !killed)
			for (killed = 1; killed < N; killed += 2)
				kill(pids[killed], SIGKILL), waitpid(pids[killed], NULL, 0);
	}
	fact("seen more than ten: %d", seen > 10);
	long at;
	rewinddir(d), readdir(d), readdir(d), at = telldir(d);
	char name[300];
	strcpy(name, readdir(d)->d_name), readdir(d), seekdir(d, at), show(!strcmp(name, readdir(d)->d_name));
	for (int i = 0; i < N; i += 2)
		kill(pids[i], SIGKILL), waitpid(pids[i], NULL, 0);
	return 0;
}
