// /proc/PID/ns: links, identity, opening, what keeps a namespace alive, ioctl_nsfs(2), setns.
#include "../oracle.h"
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
static ino_t ino(const char *pid, const char *ns) {
	char path[64];
	struct stat st;
	snprintf(path, 64, "/proc/%s/ns/%s", pid, ns);
	return stat(path, &st) ? 0 : st.st_ino;
}

int main(void) {
	static const char *ns[] = {"cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "user", "uts"};
	char path[64], b[64], want[64], me[16];
	struct stat st, st2;
	sprintf(me, "%d", getpid());
	for (unsigned i = 0; i < COUNT(ns); i++) {
		snprintf(path, 64, "/proc/self/ns/%s", ns[i]);
		int fd = must(open(path, O_RDONLY)), n = must(readlink(path, b, 63));
		b[n] = 0, must(fstat(fd, &st)), snprintf(want, 64, "%.*s:[%lu]", (int)strcspn(b, ":"), b, (long)st.st_ino);
		must(stat(path, &st2));
		fact("%s: %d %d mode %o same %d, type %#x", ns[i], !strcmp(b, want), n == (int)strlen(want), st.st_mode, st.st_ino == st2.st_ino && st.st_dev == st2.st_dev, ioctl(fd, NS_GET_NSTYPE));
		must(lstat(path, &st)), fact("  link %o size %ld", st.st_mode, (long)st.st_size);
		char c;
		fact("  read %s, write %s", ename(err(read(fd, &c, 1))), ename(err(open(path, O_WRONLY))));
		int u = ioctl(fd, NS_GET_USERNS), e = errno;
		fact("  owner %s", u < 0 ? ename(e) : fstat(u, &st) || st.st_ino != ino("self", "user") ? "another" : "ours");
		fact("  parent %s, uid %s", ename(err(ioctl(fd, NS_GET_PARENT))), ename(err(ioctl(fd, NS_GET_OWNER_UID, b)))), show(ioctl(fd, 0x1234, 0)), close(fd);
	}
	struct gate g = gate_new();
	pid_t pid = spawn(must(unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWNET)); must(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL)); sethostname("inner", 5); gate_open(g); pause());
	gate_pass(g), sprintf(b, "%d", pid);
	for (unsigned i = 0; i < COUNT(ns); i++)
		fact("%s: same %d", ns[i], ino(me, ns[i]) == ino(b, ns[i]));
	snprintf(path, 64, "/proc/%d/ns/mnt", pid);
	int mnt = must(open(path, O_RDONLY));
	snprintf(path, 64, "/proc/%d/ns/uts", pid);
	int uts = must(open(path, O_RDONLY));
	snprintf(path, 64, "/proc/%d/ns/pid_for_children", pid), ok(open(path, O_RDONLY)); // nobody in it yet
	kill(pid, SIGKILL), reap("child", pid);
	quiet(spawn(show(setns(mnt, CLONE_NEWUTS)); show(setns(mnt, CLONE_NEWNS)); show(access("/proc/self/mountinfo", R_OK)); show(setns(uts, 0)); must(gethostname(want, 64)); fact("%s", want)));
	close(mnt);
	quiet(spawn(must(setuid(1000)); show(readlink("/proc/self/ns/net", want, 64)); ok(open("/proc/self/ns/net", O_RDONLY)); show(setns(uts, 0))));
	pid = spawn(must(unshare(CLONE_NEWUSER)); gate_open(g); pause());
	gate_pass(g), snprintf(path, 64, "/proc/%d/ns/user", pid);
	int user = must(open(path, O_RDONLY)), up = must(ioctl(user, NS_GET_PARENT));
	unsigned owner = 9;
	must(fstat(up, &st)), show(st.st_ino == ino("self", "user")), must(ioctl(user, NS_GET_OWNER_UID, &owner)), fact("owner %u", owner), show(fcntl(up, F_GETFD));
	kill(pid, SIGKILL), reap("child", pid);
	return 0;
}
