// open_tree, move_mount, fsopen, fsconfig, fsmount, mount_setattr: mounts as descriptors.
#include "../oracle.h"
#include <sys/mount.h>
#define open_tree_(...) sys(428, __VA_ARGS__)
#define move_mount_(...) sys(429, __VA_ARGS__)
#define fsopen_(...) sys(430, __VA_ARGS__)
#define fsconfig_(...) sys(431, __VA_ARGS__)
#define fsmount_(...) sys(432, __VA_ARGS__)
#define setattr_(...) sys(442, __VA_ARGS__)
struct attr { uint64_t set, clr, propagation, userns; };

int main(void) {
	must(unshare(CLONE_NEWNS)), must(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL)), must(mkdir("a", 0755)), must(mkdir("b", 0755)), make("a/f", "x");
	int fs = fsopen_("tmpfs", 1);
	fact("fsopen: %s, cloexec %d", fs < 0 ? ename(errno) : "ok", fs < 0 ? 0 : fcntl(fs, F_GETFD));
	show(fsopen_("nosuchfs", 0)), show(fsopen_("tmpfs", 8)), show(fsopen_((void *)8, 0));
	show(fsconfig_(fs, 1, "size", "64k", 0)), show(fsconfig_(fs, 1, "mode", "0700", 0)), show(fsconfig_(fs, 1, "nonsense", "1", 0)), show(fsconfig_(fs, 0, "ro", NULL, 0)), show(fsconfig_(fs, 99, NULL, NULL, 0)), show(fsconfig_(0, 1, "size", "1", 0));
	show(fsmount_(fs, 0, 0)); // not created yet
	show(fsconfig_(fs, 6, NULL, NULL, 0)), show(fsconfig_(fs, 6, NULL, NULL, 0)), show(fsmount_(fs, 1, 1 << 20));
	int m = fsmount_(fs, 1, 2); // nosuid
	fact("fsmount: %s", m < 0 ? ename(errno) : "ok");
	show(fsmount_(fs, 0, 0)); // once
	show(openat(m, "x", O_CREAT | O_RDWR, 0600)); // usable before it is attached; "ro" was asked for
	show(move_mount_(m, "", AT_FDCWD, "b", 4)), show(move_mount_(m, "", AT_FDCWD, "b", 0)), show(move_mount_(m, "", AT_FDCWD, "b", 0x1000));
	struct stat st;
	must(stat("b", &st)), fact("mode %o", st.st_mode);
	show(mkdir("b/d", 0755)), show(umount("b")), must(close(m)), show(umount("b"));
	int t = open_tree_(AT_FDCWD, "a", 1 | O_CLOEXEC);
	fact("open_tree: %s", t < 0 ? ename(errno) : "ok");
	show(faccessat(t, "f", F_OK, 0)), show(open_tree_(AT_FDCWD, "none", 1)), show(open_tree_(AT_FDCWD, "a", 2)), show(open_tree_(AT_FDCWD, "a", AT_RECURSIVE));
	struct attr ro = {1}, bad = {1UL << 40}, shared = {.propagation = MS_SHARED};
	show(setattr_(t, "", AT_EMPTY_PATH, &ro, 32)), show(setattr_(t, "", AT_EMPTY_PATH, &bad, 32)), show(setattr_(t, "", AT_EMPTY_PATH, &ro, 8)), show(setattr_(AT_FDCWD, "a", 0, &ro, 32));
	show(move_mount_(t, "", AT_FDCWD, "b", 4)), show(access("b/f", W_OK)), show(access("a/f", W_OK));
	ro = (struct attr){.clr = 1};
	show(setattr_(AT_FDCWD, "b", 0, &ro, 32)), show(access("b/f", W_OK)), show(setattr_(AT_FDCWD, "b", AT_RECURSIVE, &shared, 32));
	show(move_mount_(AT_FDCWD, "b", AT_FDCWD, "a", 0)), show(access("a/f", F_OK));
	int keep = open_tree_(AT_FDCWD, "a", 0); // a plain O_PATH descriptor
	show(fcntl(keep, F_GETFL) & O_PATH ? 1 : 0);
	int gone = open_tree_(AT_FDCWD, "a", 1);
	must(close(gone)), show(access("a/f", F_OK));
	quiet(spawn(must(setuid(1000)); show(fsopen_("tmpfs", 0)); show(open_tree_(AT_FDCWD, "a", 1)); show(setattr_(AT_FDCWD, "a", 0, &ro, 32))));
	return 0;
}
