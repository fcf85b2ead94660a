// Propagation along chains and trees: slaves that are shared, subtrees, mounts that were there first, lazy
// unmounting, moves, namespaces.
#include "../oracle.h"
#include <sys/mount.h>

static int is(const char *path) { return access(path, F_OK) == 0; }
static void mark(const char *p, const char *name) {
	char path[64];
	must(mount("x", p, "tmpfs", 0, NULL));
	snprintf(path, 64, "%s/%s", p, name), make(path, "");
}
#define flag(p, kind) must(mount("", p, NULL, kind, NULL))

int main(void) {
	static const char *dirs[] = {"a", "b", "c", "d", "e", "m", "n"};
	must(unshare(CLONE_NEWNS)), flag("/", MS_REC | MS_PRIVATE);
	for (unsigned i = 0; i < COUNT(dirs); i++)
		must(mkdir(dirs[i], 0755));
	must(mount("x", "a", "tmpfs", 0, NULL)), must(mkdir("a/p", 0755)), must(mkdir("a/q", 0755)), must(mkdir("a/p/in", 0755)), flag("a", MS_SHARED);
	must(mount("a", "b", NULL, MS_BIND, NULL)), flag("b", MS_SLAVE), flag("b", MS_SHARED); // a slave, and shared
	must(mount("b", "c", NULL, MS_BIND, NULL)); // its peer
	must(mount("c", "d", NULL, MS_BIND, NULL)), flag("d", MS_SLAVE); // a slave of the slave
	must(mount("a/p", "e", NULL, MS_BIND, NULL)); // a peer that shows a part
	mark("a/q", "1"), fact("down the chain: %d %d %d, not in the part %d", is("b/q/1"), is("c/q/1"), is("d/q/1"), is("e/1"));
	mark("a/p/in", "2"), fact("in the part: %d, %d %d %d", is("e/in/2"), is("b/p/in/2"), is("c/p/in/2"), is("d/p/in/2"));
	mark("c/q", "3"), fact("from the slaves: up %d, across %d, down %d", is("a/q/3"), is("b/q/3"), is("d/q/3"));
	must(umount("c/q")), fact("off again: %d %d, below %d %d", is("b/q/3"), is("d/q/3"), is("b/q/1"), is("d/q/1"));
	mark("d/q", "own"), show(umount("a/q")), fact("own stays: %d, %d %d", is("d/q/own"), is("b/q/1"), is("c/q/1"));
	mark("a/q", "4"), fact("goes beneath: %d %d", is("d/q/own"), is("d/q/4")), must(umount("d/q")), fact("and comes out: %d", is("d/q/4"));
	int fd = must(open("d/q/4", O_RDONLY));
	show(umount("a/q")), must(close(fd)), show(umount("a/q")), fact("gone: %d", is("d/q/4"));
	fd = must(open("d/p/in/2", O_RDONLY)), show(umount2("a/p/in", MNT_DETACH)), fact("lazily: %d %d %d", is("b/p/in/2"), is("d/p/in/2"), is("e/in/2")), must(close(fd));
	mark("m", "m"), must(mkdir("m/sub", 0755)), mark("m/sub", "s"), must(mount("m", "a/p/in", NULL, MS_BIND | MS_REC, NULL)), fact("a tree: %d %d %d %d", is("b/p/in/sub/s"), is("c/p/in/m"), is("d/p/in/sub/s"), is("e/in/sub/s"));
	must(umount("c/p/in/sub")), fact("one of it: %d %d %d", is("a/p/in/sub/s"), is("b/p/in/sub/s"), is("d/p/in/sub/s"));
	show(umount("a/p/in")), show(umount2("a/p/in", MNT_DETACH)), fact("%d %d", is("b/p/in/m"), is("e/in/m"));
	mark("n", "n"), show(mount("n", "a/q", NULL, MS_MOVE, NULL)), fact("moved in: %d %d %d", is("b/q/n"), is("d/q/n"), is("n/n")), show(mount("a/q", "n", NULL, MS_MOVE, NULL)); // not out of a shared one
	flag("m", MS_UNBINDABLE), show(mount("m", "e", NULL, MS_BIND, NULL)), show(mount("m", "a/p", NULL, MS_MOVE, NULL));
	struct gate g = gate_new(), h = gate_new();
	pid_t pid = spawn(must(unshare(CLONE_NEWNS)); flag("b", MS_SLAVE); flag("m", MS_PRIVATE); gate_open(g); gate_pass(h); fact("in the other namespace: %d %d %d", is("a/p/in/5"), is("b/p/in/5"), is("m/6")); mark("a/p/in", "7"); mark("d/p/in", "8"); umount("m"));
	gate_pass(g), mark("a/p/in", "5"), mark("m", "6"), gate_open(h), quiet(pid);
	fact("from there: shared %d, slave %d, private %d", is("a/p/in/7"), is("d/p/in/8"), is("m/6"));
	return 0;
}
