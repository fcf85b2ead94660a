// Mounts that a user namespace inherits: they keep what restricts and what they hide.
#include "../oracle.h"
#include <sys/mount.h>
static void put(const char *path, const char *text) {
	int fd = must(open(path, O_WRONLY));
	must(write(fd, text, strlen(text))), must(close(fd));
}

int main(void) {
	must(unshare(CLONE_NEWNS)), must(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL)), must(mkdir("t", 0755)), must(mkdir("m", 0755)), must(mkdir("p", 0755));
	must(mount("x", "t", "tmpfs", MS_NOSUID, "size=64k")), must(mkdir("t/in", 0755)), must(mkdir("t/in/secret", 0755)), must(mount("y", "t/in", "tmpfs", 0, NULL));
	must(mount("", "t", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID, NULL));
	quiet(spawn({
		must(unshare(CLONE_NEWUSER | CLONE_NEWNS)), put("/proc/self/setgroups", "deny"), put("/proc/self/uid_map", "0 0 1"), put("/proc/self/gid_map", "0 0 1");
		show(mount("", "t", NULL, MS_REMOUNT | MS_BIND | MS_NOSUID, NULL)); // not writable again
		show(mount("", "t", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL)); // set-id does not come back
		show(mount("", "t", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NOATIME, NULL)), show(mount("", "t", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL));
		show(mount("", "t", NULL, MS_REMOUNT | MS_RDONLY | MS_NOSUID, "size=1m")); // the file system is another's
		show(umount("t/in")), show(umount2("t", MNT_DETACH)), show(access("t/in/secret", F_OK));
		show(mount("t", "m", NULL, MS_BIND, NULL)), show(mount("t", "m", NULL, MS_BIND | MS_REC, NULL)), show(access("m/in/secret", F_OK)), show(umount("m/in")), show(umount2("m", MNT_DETACH));
		show(mount("t/in", "m", NULL, MS_MOVE, NULL)), show(sys(428, AT_FDCWD, "t", 1)), show(sys(428, AT_FDCWD, "t", 1 | AT_RECURSIVE) >= 0);
		show(mount("z", "m", "tmpfs", 0, NULL)), show(mkdir("m/mine", 0755)), show(mount("", "m", NULL, MS_REMOUNT, "size=8k")), show(mount("", "m", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL)), show(mount("", "m", NULL, MS_REMOUNT | MS_BIND, NULL)), show(umount("m"));
		show(mount("p", "p", "proc", 0, NULL)), show(mount("p", "p", "ramfs", 0, NULL));
	}));
	show(access("t/in/secret", F_OK)), show(umount("t/in")), show(access("t/in/secret", F_OK));
	return 0;
}
