// User namespaces: creating, capabilities inside, id maps and who may write them, setgroups, nesting.
#include "../oracle.h"
#include <linux/capability.h>
#include <grp.h>
static int put(const char *path, const char *text) {
	int fd = open(path, O_WRONLY);
	if (fd < 0)
		return -1;
	int r = write(fd, text, strlen(text)), e = errno;
	close(fd);
	errno = e;
	return r;
}
static int effective(void) {
	struct { uint32_t version; int pid; } h = {_LINUX_CAPABILITY_VERSION_3};
	uint32_t d[6];
	must(sys(SYS_capget, &h, d));
	return (d[0] >> CAP_SYS_ADMIN & 1) + 2 * (d[0] >> CAP_SYS_RESOURCE & 1);
}

int main(void) {
	char map[256];
	must(chmod(".", 0777));
	quiet(spawn({
		must(setresgid(1000, 1000, 1000)), must(setgroups(0, NULL)), must(setresuid(1000, 1000, 1000)), must(prctl(PR_SET_DUMPABLE, 1));
		show(effective());
		show(unshare(CLONE_NEWUSER));
		show(effective()); // all, even what was missing outside
		fact("unmapped: %d %d", getuid(), getgid());
		show(setuid(0)), show(put("/proc/self/uid_map", "0 0 1\n")); // not one's own
		show(put("/proc/self/uid_map", "0 1000 2\n"));
		show(put("/proc/self/gid_map", "0 1000 1\n")); // setgroups first
		show(put("/proc/self/setgroups", "deny")), show(put("/proc/self/gid_map", "0 1000 1\n")), show(put("/proc/self/uid_map", "0 1000 1\n"));
		show(put("/proc/self/uid_map", "0 1000 1\n")); // once
		show(put("/proc/self/setgroups", "allow"));
		fact("mapped: %d %d", getuid(), getgid());
		fact("%s", slurp("/proc/self/uid_map")), fact("%s", slurp("/proc/self/setgroups"));
		show(setgroups(0, NULL)), show(setuid(1)), show(setuid(0)), show(effective());
		make("mine", ""), show(chown("mine", 0, 0)), show(chown("mine", 1, 0));
		struct stat st;
		must(stat("/", &st)), fact("outside root is %d", st.st_uid);
		show(mknod("dev", S_IFCHR, 0x103)), show(sethostname("x", 1)), show(unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC)), show(sethostname("inside", 6));
		show(kill(1, 0)), quiet(spawn(show(chroot("."))));
		quiet(spawn(show(unshare(CLONE_NEWUSER)); fact("nested: %d", getuid()); show(effective())));
	}));
	struct stat st;
	must(stat("mine", &st)), fact("seen from outside: %d %d", st.st_uid, st.st_gid);
	struct gate g = gate_new(), h = gate_new();
	pid_t pid = spawn(must(unshare(CLONE_NEWUSER)); gate_open(g); gate_pass(h); fact("%d %d, %s", getuid(), getgid(), slurp("/proc/self/uid_map")); show(setuid(5)); show(setuid(500)); show(setgroups(0, NULL)));
	gate_pass(g);
	snprintf(map, 256, "/proc/%d/uid_map", pid);
	static const char *bad[] = {"", "x", "0 0", "0 0 0\n", "0 0 1 1\n", "0 100 10\n5 200 10\n", "0 100 10\n50 105 10\n", "4294967295 0 2\n", "-1 0 1\n"};
	for (unsigned i = 0; i < COUNT(bad); i++)
		fact("map %u: %s", i, ename(err(put(map, bad[i]))));
	show(put(map, "0 1000 10\n100 0 1\n"));
	snprintf(map, 256, "/proc/%d/gid_map", pid), show(put(map, "0 0 4294967295\n"));
	gate_open(h), quiet(pid);
	quiet(spawn(pthread_t t = thread((void *(*)(void *))sleep, (void *)5); (void)t; show(unshare(CLONE_NEWUSER)); _exit(0)));
	quiet(spawn(must(mkdir("jail", 0755)); must(chroot("jail")); show(unshare(CLONE_NEWUSER))));
	return 0;
}
