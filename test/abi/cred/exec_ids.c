// Set-user-id and set-group-id programs: ids, capabilities, AT_SECURE, dumpable, nosuid, scripts, no_new_privs.
#include "../oracle.h"
#include <linux/capability.h>
#include <sys/auxv.h>
#include <sys/mount.h>
static void tell(void) {
	uid_t r, e, s;
	gid_t a, b, c;
	struct { uint32_t version; int pid; } h = {_LINUX_CAPABILITY_VERSION_3};
	uint32_t d[6];
	getresuid(&r, &e, &s), getresgid(&a, &b, &c);
	sys(SYS_capget, &h, d);
	fact("  uid %d %d %d gid %d %d %d caps %s secure %ld dumpable %d", r, e, s, a, b, c, d[1] ? "some" : "none", getauxval(AT_SECURE), prctl(PR_GET_DUMPABLE));
}
static void copy(const char *to, uid_t u, gid_t g, int mode) {
	int in = must(open("/proc/self/exe", O_RDONLY)), out = must(open(to, O_CREAT | O_WRONLY | O_TRUNC, 0700));
	static char buf[1 << 16];
	ssize_t n;
	while ((n = read(in, buf, sizeof buf)) > 0)
		must(write(out, buf, n));
	must(close(out)), must(chown(to, u, g)), must(chmod(to, mode));
}
static void run(const char *what, const char *path, uid_t uid, int nnp) {
	fact("%s", what);
	pid_t pid = spawn({
		char *args[] = {"x", "y", NULL};
		must(setgid(uid)), must(setuid(uid));
		if (nnp)
			must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
		fact("  %s", ename(err(execv(path, args))));
	});
	quiet(pid);
}

int main(int argc, char **argv) {
	if (argc > 1) {
		tell();
		return 0;
	}
	must(unshare(CLONE_NEWNS)), must(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL)), must(mkdir("t", 0755)), must(mount("x", "t", "tmpfs", 0, "mode=755")), must(chdir("t"));
	copy("plain", 2000, 3000, 0755), copy("su", 2000, 3000, 04755), copy("sg", 2000, 3000, 02755), copy("both", 2000, 3000, 06755), copy("sgx", 2000, 3000, 02745), copy("root", 0, 0, 04755), copy("rootg", 0, 0, 06755);
	run("plain", "plain", 1000, 0), run("set-user-id", "su", 1000, 0), run("set-group-id", "sg", 1000, 0), run("both", "both", 1000, 0), run("no group execution", "sgx", 1000, 0), run("root's", "root", 1000, 0);
	run("root's, by root", "root", 0, 0), run("by root to 2000", "both", 0, 0), run("by its owner", "su", 2000, 0);
	run("no_new_privs", "both", 1000, 1), run("no_new_privs, root's", "rootg", 1000, 1);
	make("script", "#!/bin/sh\nid -u\n"), must(chown("script", 2000, 2000)), must(chmod("script", 04755));
	run("script", "script", 1000, 0);
	must(mount("x", ".", NULL, MS_REMOUNT | MS_NOSUID, NULL));
	run("nosuid", "both", 1000, 0);
	return 0;
}
