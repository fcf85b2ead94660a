// pivot_root(2): the rules and the result, for this process and others.
#include "../oracle.h"
#include <sys/mount.h>
#define pivot(a, b) sys(SYS_pivot_root, a, b)

int main(void) {
	char b[256] = {0};
	must(unshare(CLONE_NEWNS)), must(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL)), must(mkdir("new", 0755)), make("marker", "");
	show(pivot("new", "new")); // not a mount point
	must(mount("x", "new", "tmpfs", 0, NULL)), must(mkdir("new/old", 0755)), make("new/here", ""), must(mkdir("aside", 0755));
	show(pivot("new", "aside")); // not below the new root
	show(pivot("none", "new")), show(pivot("new", "new/none")), show(pivot("marker", "new")), show(pivot("/", "/"));
	quiet(spawn(must(setuid(1000)); show(pivot("new", "new/old"))));
	must(mount("", "new", NULL, MS_SHARED, NULL)), show(pivot("new", "new/old")), must(mount("", "new", NULL, MS_PRIVATE, NULL));
	quiet(spawn(must(chroot(".")); show(pivot("/new", "/new/old")))); // the root is no mount point
	struct gate g = gate_new(), h = gate_new();
	pid_t pid = spawn({ // others with the old root go along
		must(chdir("/"));
		gate_open(g);
		gate_pass(h);
		fact("another process: /here %s, ./here %s", ename(err(access("/here", F_OK))), ename(err(access("here", F_OK))));
	});
	gate_pass(g);
	must(sys(SYS_getcwd, b, 256));
	show(pivot("new", "new/old"));
	show(access("/here", F_OK)), show(access("/old/proc/self", F_OK)), show(access("marker", F_OK)); // cwd stays where it was
	char c[300] = {0};
	must(sys(SYS_getcwd, c, 300));
	fact("cwd is below /old: %d", !strncmp(c, "/old/", 5) && !strcmp(c + 4, b));
	gate_open(h), quiet(pid);
	must(chdir("/")), show(umount2("/old", MNT_DETACH)), show(access("/old/proc", F_OK)), show(rmdir("/old"));
	must(mkdir("/again", 0755)), must(mount("y", "/again", "tmpfs", 0, NULL)), must(chdir("/again"));
	show(pivot(".", ".")); // onto itself
	memset(c, 0, sizeof c), must(sys(SYS_getcwd, c, 300)), fact("%s", c);
	show(umount2(".", MNT_DETACH)), show(mkdir("/top", 0755));
	memset(c, 0, sizeof c), must(sys(SYS_getcwd, c, 300)), fact("%s", c);
	return 0;
}
