// Joining user namespaces: who may, what capabilities come, parents, the namespace's own files.
#include "../oracle.h"
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
static int put(const char *path, const char *text) {
	int fd = must(open(path, O_WRONLY)), r = write(fd, text, strlen(text));
	close(fd);
	return r;
}

int main(void) {
	struct gate g = gate_new(), h = gate_new();
	pid_t pid = spawn(must(setuid(1000)); must(unshare(CLONE_NEWUSER | CLONE_NEWUTS | CLONE_NEWNET)); gate_open(g); gate_pass(h); char n[64]; gethostname(n, 64); fact("its name: %s", n));
	gate_pass(g);
	char path[64];
	snprintf(path, 64, "/proc/%d/uid_map", pid), must(put(path, "0 1000 1\n"));
	snprintf(path, 64, "/proc/%d/ns/user", pid);
	int user = must(open(path, O_RDONLY)), own = must(open("/proc/self/ns/user", O_RDONLY));
	snprintf(path, 64, "/proc/%d/ns/uts", pid);
	int uts = must(open(path, O_RDONLY));
	show(ioctl(user, NS_GET_NSTYPE) == CLONE_NEWUSER), show(ioctl(uts, NS_GET_NSTYPE) == CLONE_NEWUTS);
	uid_t owner = -1;
	show(ioctl(user, NS_GET_OWNER_UID, &owner)), show(owner), show(ioctl(uts, NS_GET_OWNER_UID, &owner));
	int parent = ioctl(user, NS_GET_PARENT);
	struct stat a, b;
	must(fstat(parent, &a)), must(fstat(own, &b)), yes(a.st_ino == b.st_ino);
	int of = ioctl(uts, NS_GET_USERNS);
	must(fstat(of, &a)), must(fstat(user, &b)), yes(a.st_ino == b.st_ino);
	show(ioctl(uts, NS_GET_PARENT)), show(ioctl(user, 0x1234));
	show(setns(own, CLONE_NEWUSER)); // one's own: refused
	quiet(spawn({
		show(setns(user, CLONE_NEWUSER));
		fact("uid inside %d", getuid());
		show(setns(uts, 0)), show(sethostname("joined", 6));
		show(setns(own, 0)); // no way back
		show(setuid(0)), fact("uid %d", getuid());
	}));
	gate_open(h), quiet(pid);
	quiet(spawn(must(setuid(1000)); show(setns(uts, 0))));
	quiet(spawn(must(setuid(2000)); show(setns(user, 0))));
	quiet(spawn(pthread_t t = thread((void *(*)(void *))sleep, (void *)5); (void)t; show(setns(user, 0)); _exit(0)));
	char host[64];
	gethostname(host, 64), fact("our name: %s", host);
	return 0;
}
