// Capabilities over execve: for root, for others, inheritable, ambient, bounding, securebits, file capabilities.
#include "../oracle.h"
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/auxv.h>
#include <sys/mount.h>
#include <sys/xattr.h>
struct header { uint32_t version; int pid; };
static uint32_t d[6]; // effective, permitted, inheritable, twice
static void get(void) {
	struct header h = {_LINUX_CAPABILITY_VERSION_3};
	must(sys(SYS_capget, &h, d));
}
static void set(uint32_t e, uint32_t p, uint32_t i) {
	struct header h = {_LINUX_CAPABILITY_VERSION_3};
	uint32_t n[6] = {e, p, i};
	must(sys(SYS_capset, &h, n));
}
static void run(const char *what, const char *path) {
	char *args[] = {"x", (char *)what, NULL};
	fact("%s: %s", what, ename(err(execv(path, args))));
	_exit(0);
}
#define KILL (1 << CAP_KILL)
#define CHOWN (1 << CAP_CHOWN)
#define become(uid) (must(prctl(PR_SET_KEEPCAPS, 1)), must(setgid(uid)), must(setuid(uid)))

int main(int argc, char **argv) {
	if (argc > 1) {
		get();
		int amb = 0;
		for (int i = 0; i < 41; i++)
			amb += prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, i, 0, 0) == 1;
		fact("%s: e %#x p %#x i %#x ambient %d secure %ld keepcaps %d", argv[1], d[0], d[1], d[2], amb, getauxval(AT_SECURE), prctl(PR_GET_KEEPCAPS));
		return 0;
	}
	must(unshare(CLONE_NEWNS)), must(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL)), must(mkdir("t", 0755)), must(mount("x", "t", "tmpfs", 0, "mode=755"));
	int in = must(open("/proc/self/exe", O_RDONLY)), out;
	static char buf[1 << 20];
	ssize_t n = must(read(in, buf, sizeof buf));
	static const char *files[] = {"t/plain", "t/eff", "t/perm", "t/inh"};
	for (int i = 0; i < 4; i++)
		out = must(open(files[i], O_CREAT | O_WRONLY, 0755)), must(write(out, buf, n)), must(close(out));
	struct { uint32_t magic, p0, i0, p1, i1; } v = {0x02000001, KILL, 0, 0, 0};
	show(setxattr("t/eff", "security.capability", &v, 20, 0)), v.magic = 0x02000000, show(setxattr("t/perm", "security.capability", &v, 20, 0)), v.p0 = 0, v.i0 = CHOWN | KILL, v.magic = 0x02000001, show(setxattr("t/inh", "security.capability", &v, 20, 0));
	show(setxattr("t/plain", "security.capability", &v, 7, 0)), show(getxattr("t/eff", "security.capability", buf, 64));
	quiet(spawn({
		for (int i = 0; i < 41; i++)
			if (i != CAP_CHOWN && i != CAP_KILL && i != CAP_SETPCAP)
				prctl(PR_CAPBSET_DROP, i);
		set(0, CHOWN, 0);
		run("root gets what is in the bounding set", "t/plain");
	}));
	quiet(spawn(become(1000); set(KILL, KILL, 0); run("user, plain", "t/plain")));
	quiet(spawn(become(1000); set(KILL, KILL, KILL); run("user, inheritable", "t/plain")));
	quiet(spawn(become(1000); set(KILL, KILL, KILL); must(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0)); run("user, ambient", "t/plain")));
	quiet(spawn(become(1000); set(CHOWN, CHOWN, CHOWN); must(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0)); run("user, ambient, file capabilities", "t/eff")));
	quiet(spawn(must(setuid(1000)); run("file, effective", "t/eff")));
	quiet(spawn(must(setuid(1000)); run("file, permitted", "t/perm")));
	quiet(spawn(become(1000); set(CHOWN, CHOWN, CHOWN); run("file, inheritable", "t/inh")));
	quiet(spawn(must(setuid(1000)); run("file, inheritable, none inherited", "t/inh")));
	quiet(spawn(must(prctl(PR_CAPBSET_DROP, CAP_KILL)); must(setuid(1000)); run("file, effective but not in the bounding set", "t/eff")));
	quiet(spawn(must(prctl(PR_CAPBSET_DROP, CAP_KILL)); must(setuid(1000)); run("file, permitted but not in the bounding set", "t/perm")));
	quiet(spawn(must(setuid(1000)); must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)); run("no_new_privs", "t/eff")));
	quiet(spawn(must(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT)); run("root without root's power", "t/plain")));
	quiet(spawn(prctl(PR_SET_KEEPCAPS, 0); must(seteuid(1000)); run("effective 1000, real root", "t/plain")));
	make("t/eff2", "x"), must(setxattr("t/eff2", "security.capability", (v.magic = 0x02000001, &v), 20, 0));
	out = must(open("t/eff2", O_WRONLY)), must(write(out, "y", 1)), show(getxattr("t/eff2", "security.capability", buf, 64)); // writing takes them away
	must(setxattr("t/eff2", "security.capability", &v, 20, 0)), must(chown("t/eff2", 5, 5)), show(getxattr("t/eff2", "security.capability", buf, 64));
	return 0;
}
