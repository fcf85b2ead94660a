// Programs that open a file, look at it and close it again and again: what these calls answer, and what others see of them.
#include "../oracle.h"
#include <sys/inotify.h>

static char dir[] = "/tmp/openedXXXXXX";

// look opens a name, asks for what find(1) asks for, and closes it.
static int look(const char *name, int flags, int change) {
	struct stat st;
	int fd = openat(AT_FDCWD, name, flags | O_CLOEXEC);
	int ok = fd >= 0 && fstat(fd, &st) == 0 && (fcntl(fd, F_GETFL) & (O_NONBLOCK | O_ACCMODE)) == (flags & O_NONBLOCK) && fcntl(fd, F_GETFD) == FD_CLOEXEC;
	ok = ok && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && (!change || (fcntl(fd, F_SETFD, 0) == 0 && fcntl(fd, F_GETFD) == 0));
	int dup = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	ok = ok && dup > fd && close(fd) == 0 && fcntl(fd, F_GETFL) == -1 && errno == EBADF && fcntl(dup, F_GETFD) == FD_CLOEXEC;
	return ok && close(dup) == 0 && close(dup) == -1 && errno == EBADF && close(fd) == -1 ? fd : -1;
}

static int rounds(const char *name, int flags) {
	int same = 0, first = look(name, flags, 0);
	for (int i = 0; i < 100; i++)
		same += first >= 0 && look(name, flags, i % 10 == 9) == first;
	return same;
}

// changes counts how often a change by another process shows in the next fstat(2), which learns of it by memory alone.
static int changes(const char *name, volatile int *turn) {
	struct stat st;
	int seen = 0;
	for (int i = 0; i < 50; i++) {
		int fd = open(name, O_RDONLY);
		*turn = 1 + 2 * i;
		while (*turn != 2 + 2 * i)
			;
		seen += fstat(fd, &st) == 0 && (st.st_mode & 0777) == (mode_t)(0600 | (i & 7));
		close(fd);
	}
	return seen;
}

// locks counts how often a lock is gone after another descriptor of the file was closed.
static int locks(const char *name) {
	int freed = 0, keep = open(name, O_RDONLY);
	for (int i = 0; i < 50; i++) {
		struct flock l = {.l_type = F_RDLCK};
		int fd = open(name, O_RDONLY);
		fcntl(keep, F_SETLK, &l);
		close(fd);
		int pid = fork();
		if (pid == 0) {
			l.l_type = F_WRLCK;
			fcntl(keep, F_GETLK, &l);
			_exit(l.l_type == F_UNLCK);
		}
		int status;
		waitpid(pid, &status, 0);
		freed += WEXITSTATUS(status);
	}
	close(keep);
	return freed;
}

int main(void) {
	volatile int *turn = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(mkdtemp(dir) ? 0 : -1), must(chdir(dir)), close(must(open("file", O_CREAT | O_RDWR, 0600)));
	fact("a directory: %d of 100 rounds", rounds(".", O_RDONLY | O_DIRECTORY | O_NONBLOCK));
	fact("a file: %d of 100 rounds", rounds("file", O_RDONLY));
	int pid = fork();
	if (pid == 0) {
		for (int i = 0; i < 50; i++) {
			while (*turn != 1 + 2 * i)
				usleep(10);
			chmod("file", 0600 | (i & 7));
			*turn = 2 + 2 * i;
		}
		_exit(0);
	}
	fact("changes that show: %d", changes("file", turn));
	waitpid(pid, NULL, 0);
	fact("locks that are gone: %d", locks("file"));
	int in = inotify_init1(IN_NONBLOCK), closed = 0;
	char buf[4096];
	for (int i = 0; i < 50; i++) {
		int wd = -1, fd = open("file", O_RDONLY);
		if (i % 2)
			wd = inotify_add_watch(in, "file", IN_CLOSE_NOWRITE);
		close(fd);
		closed += read(in, buf, sizeof buf) == sizeof(struct inotify_event);
		if (i % 2)
			inotify_rm_watch(in, wd), read(in, buf, sizeof buf);
	}
	fact("closes that are told: %d", closed);
	unlink("file");
	fact("removed: %d", chdir("/") == 0 && rmdir(dir) == 0);
	return 0;
}
