// Mount propagation: shared, private, slave, unbindable; mounts and unmounts that travel.
#include "../oracle.h"
#include <sys/mount.h>
static int is(const char *p) {
	char path[64];
	snprintf(path, 64, "%s/mark", p);
	return access(path, F_OK) == 0;
}
static void set(const char *p, int kind) { fact("%s %s: %s", p, kind == MS_SHARED ? "shared" : kind == MS_SLAVE ? "slave" : kind == MS_PRIVATE ? "private" : "unbindable", ename(err(mount("", p, NULL, kind, NULL)))); }
static void mark(const char *p) {
	char path[64];
	must(mount("x", p, "tmpfs", 0, NULL));
	snprintf(path, 64, "%s/mark", p);
	make(path, "");
}

int main(void) {
	must(unshare(CLONE_NEWNS)), must(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	must(mkdir("a", 0755)), must(mkdir("b", 0755)), must(mkdir("c", 0755)), must(mkdir("d", 0755));
	must(mount("x", "a", "tmpfs", 0, NULL)), must(mkdir("a/p", 0755)), must(mkdir("a/q", 0755));
	set("a/p", MS_SHARED); // not a mount point
	set("a", MS_SHARED);
	must(mount("a", "b", NULL, MS_BIND, NULL)); // a peer
	mark("a/p"), fact("to a peer: %d", is("b/p"));
	mark("b/q"), fact("from a peer: %d", is("a/q"));
	must(umount("b/q")), fact("unmounted: %d", is("a/q"));
	set("b", MS_SLAVE);
	must(umount("a/p")), fact("to a slave: %d", is("b/p"));
	mark("b/q"), fact("not from a slave: %d", is("a/q"));
	mark("a/q"), fact("to a slave, below what it has: %d", is("b/q"));
	must(umount("a/q")), must(umount("b/q"));
	fact("b/q after both: %d", is("b/q"));
	must(mount("b", "c", NULL, MS_BIND, NULL)); // a slave of the same master
	mark("a/p"), fact("to both: %d %d", is("b/p"), is("c/p")), must(umount("a/p"));
	set("c", MS_PRIVATE);
	mark("a/p"), fact("to b only: %d %d", is("b/p"), is("c/p")), must(umount("a/p"));
	set("b", MS_SHARED); // slave and shared
	must(umount("c")), must(mount("b", "c", NULL, MS_BIND, NULL));
	mark("a/p"), fact("through b to c: %d %d", is("b/p"), is("c/p")), must(umount("a/p"));
	mark("b/p"), fact("from b to c, not to a: %d %d", is("c/p"), is("a/p")), must(umount("b/p"));
	set("c", MS_UNBINDABLE);
	show(mount("c", "d", NULL, MS_BIND, NULL));
	show(mount("", "a", NULL, MS_SHARED | MS_PRIVATE, NULL)), show(mount("", "a", NULL, MS_SHARED | MS_BIND, NULL)), show(mount("", "a", NULL, MS_SHARED | MS_RDONLY, NULL));
	pid_t pid = spawn({ // a copy of the namespace: peers stay peers
		must(unshare(CLONE_NEWNS));
		mark("a/p");
	});
	quiet(pid);
	fact("from another namespace: %d", is("a/p"));
	must(umount("a/p"));
	struct gate g = gate_new(), h = gate_new();
	pid = spawn(must(unshare(CLONE_NEWNS)); must(mount("", "a", NULL, MS_SLAVE, NULL)); gate_open(g); gate_pass(h); fact("to a namespace's slave: %d", is("a/p")));
	gate_pass(g);
	mark("a/p");
	gate_open(h), quiet(pid);
	must(mount("a", "d", NULL, MS_BIND | MS_REC, NULL));
	must(umount("d/p")), fact("of a peer: %d", is("a/p"));
	must(mkdir("m", 0755)), must(mount("x", "m", "tmpfs", 0, NULL)), show(mount("m", "a/q", NULL, MS_MOVE, NULL)), show(access("d/q", F_OK));
	show(mount("a", "m", NULL, MS_MOVE, NULL)); // its parent is private: allowed
	show(mount("m", "m/q", NULL, MS_MOVE, NULL)), show(mount("none", "b", NULL, MS_MOVE, NULL)), show(mount("b/q", "c", NULL, MS_MOVE, NULL));
	return 0;
}
