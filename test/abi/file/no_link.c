// Programs that ask again and again whether parts of a path are symbolic links: what they are told when that has changed.
#include "../oracle.h"
#include <sys/mount.h>

static char dir[] = "/tmp/nolinkXXXXXX", sub[64], path[64], away[64], buf[256];
static volatile int *turn;

// asks counts how often readlink(2) of a name gives that error, or n.
static int asks(const char *name, int times, int error) {
	int same = 0;
	for (int i = 0; i < times; i++) {
		int n = readlink(name, buf, sizeof buf);
		same += n == -1 ? errno == error : -n == error;
	}
	return same;
}

// turns counts how often what another process changes shows at once in the next call, of which this one learns by memory alone.
static int turns(const char *name, int error, int other) {
	int seen = 0;
	for (int i = 0; i < 40; i++) {
		seen += asks(name, 10, error) == 10;
		*turn = *turn + 1;
		while (*turn % 2)
			;
		seen += asks(name, 1, other);
		*turn = *turn + 1;
		while (*turn % 2)
			;
	}
	return seen;
}

// changes runs two changes in turn in a process of its own.
static void changes(const char *what, void (*one)(void), void (*back)(void), int error, int other) {
	*turn = 0;
	int pid = must(fork());
	if (pid == 0)
		for (int i = 0; i < 80; i++) {
			while (*turn % 2 == 0)
				usleep(10);
			i % 2 ? back() : one();
			*turn = *turn + 1;
			if (i == 79)
				_exit(0);
		}
	fact("%s: %d of 80", what, turns(path, error, other));
	waitpid(pid, NULL, 0);
}

static void moved(void) { rename(sub, away); }
static void back(void) { rename(away, sub); }
static void linked(void) { rename(sub, away), symlink("away", sub); }
static void unlinked(void) { unlink(sub), rename(away, sub); }
static void removed(void) { rmdir(path); }
static void made(void) { mkdir(path, 0700); }
static void swapped(void) { rmdir(path), symlink("there", path); }
static void unswapped(void) { unlink(path), mkdir(path, 0700); }
static void mounted(void) { mount("none", sub, "tmpfs", 0, NULL); }
static void unmounted(void) { umount2(sub, MNT_DETACH); }

int main(void) {
	turn = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(unshare(CLONE_NEWNS)), must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	must(mkdtemp(dir) ? 0 : -1);
	snprintf(sub, sizeof sub, "%s/sub", dir), snprintf(path, sizeof path, "%s/sub/dir", dir), snprintf(away, sizeof away, "%s/away", dir);
	must(mkdir(sub, 0700)), must(mkdir(path, 0700));
	fact("directories: %d", asks(dir, 100, EINVAL) + asks(sub, 100, EINVAL) + asks(path, 100, EINVAL));
	fact("no room: %s", sys(SYS_readlink, path, buf, 0) == -1 ? ename(errno) : "?");
	fact("nowhere: %s", sys(SYS_readlink, path, 1, 100) == -1 ? ename(errno) : "?");
	changes("moved", moved, back, EINVAL, ENOENT);
	changes("a directory on the way becomes a link", linked, unlinked, EINVAL, EINVAL);
	changes("removed", removed, made, EINVAL, ENOENT);
	changes("becomes a link", swapped, unswapped, EINVAL, -5);
	changes("mounted over", mounted, unmounted, EINVAL, ENOENT);

	// Names of all lengths, at the end of a page, and behind it.
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), name[128];
	munmap(page + 4096, 4096);
	int same = 0, ends = 0, faults = 0, dots = 0;
	for (int n = 1; n < 100; n++) {
		int tail = n < (int)strlen(path) ? 0 : strlen(path);
		memset(name, '/', n), memcpy(name + n - tail, path, tail), name[n] = 0;
		for (int i = 0; i < 20; i++) {
			char *at = page + 4096 - n - 1 - i;
			strcpy(at, name);
			same += asks(at, 2, EINVAL) == 2;
			ends += readlink(strcpy(page, ""), buf, sizeof buf) == -1 && errno == ENOENT;
			at = page + 4096 - n;
			faults += readlink(memcpy(at, name, n), buf, sizeof buf) == -1 && errno == EFAULT;
		}
		dots += asks(strcat(strcpy(name, sub), "/../sub/dir"), 2, EINVAL);
		dots += asks(strcat(name, "/"), 2, EINVAL);
		dots += asks(strcat(name, "x"), 2, ENOENT);
	}
	fact("names: %d, empty: %d, cut off: %d, dots: %d", same, ends, faults, dots);
	must(rmdir(path)), must(rmdir(sub)), must(rmdir(dir));
	return 0;
}
