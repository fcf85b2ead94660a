// Mount namespaces: unshare and clone copy, setns, /proc/PID/ns/mnt, lifetime.
#include "../oracle.h"
#include <sys/mount.h>

int main(void) {
	char b[64] = {0}, c[64] = {0};
	must(mkdir("t", 0755));
	must(readlink("/proc/self/ns/mnt", b, 63));
	fact("%.5s", b);
	quiet(spawn(must(readlink("/proc/self/ns/mnt", c, 63)); yes(!strcmp(b, c)); must(unshare(CLONE_NEWNS)); must(readlink("/proc/self/ns/mnt", c, 63)); yes(strcmp(b, c) != 0);
		    must(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL)); must(mount("x", "t", "tmpfs", 0, NULL)); make("t/inside", "")));
	show(access("t/inside", F_OK));
	int own = must(open("/proc/self/ns/mnt", O_RDONLY));
	struct gate g = gate_new(), h = gate_new();
	pid_t pid = spawn(must(unshare(CLONE_NEWNS)); must(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL)); must(mount("x", "t", "tmpfs", 0, NULL)); make("t/inside", ""); gate_open(g); gate_pass(h));
	gate_pass(g);
	char path[64], here[256];
	must(getcwd(here, 256) ? 0 : -1);
	snprintf(path, 64, "/proc/%d/ns/mnt", pid);
	int theirs = must(open(path, O_RDONLY));
	snprintf(path, 64, "/proc/%d/root/%s/t/inside", pid, here);
	show(access(path, F_OK)); // through the other's root
	quiet(spawn({
		show(setns(theirs, CLONE_NEWUTS));
		show(setns(theirs, CLONE_NEWNS));
		must(getcwd(b, 64) ? 0 : -1), fact("cwd is the root: %d", !strcmp(b, "/"));
		must(chdir(here)), show(access("t/inside", F_OK));
		show(setns(own, 0)), must(chdir(here)), show(access("t/inside", F_OK));
	}));
	gate_open(h), quiet(pid);
	quiet(spawn(show(setns(theirs, 0)); must(chdir(here)); show(access("t/inside", F_OK)))); // the descriptor keeps it
	show(setns(0, 0)), show(setns(999, 0)), show(setns(own, 1));
	quiet(spawn(pthread_t t = thread((void *(*)(void *))sleep, (void *)5); (void)t; show(unshare(CLONE_NEWNS)); show(unshare(CLONE_FS)); _exit(0)));
	quiet(spawn(must(setuid(1000)); show(unshare(CLONE_NEWNS)); show(setns(own, 0))));
	show(unshare(0)), show(unshare(0x1)), show(unshare(CLONE_FS | CLONE_FILES));
	pid = must(sys(SYS_clone, CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0));
	if (pid == 0) {
		must(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL)), must(mount("x", "t", "tmpfs", 0, NULL)), make("t/c", "");
		_exit(0);
	}
	quiet(pid), show(access("t/c", F_OK));
	return 0;
}
