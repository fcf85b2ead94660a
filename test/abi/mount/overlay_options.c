// overlayfs: which options are taken, which contradict each other, which directories can be layers together.
#include "../oracle.h"
#include <sys/mount.h>
#include <sys/xattr.h>

static const char *options[] = {
	"redirect_dir=on", "redirect_dir=off", "redirect_dir=follow", "redirect_dir=nofollow", "redirect_dir=x", "redirect_dir", "index=on", "index=off", "index=2", "metacopy=off",
	"metacopy=on,redirect_dir=off", "metacopy=on,redirect_dir=nofollow", "xino=on", "xino=off", "xino=auto", "xino=x", "userxattr", "userxattr,redirect_dir=on",
	"userxattr,redirect_dir=off", "userxattr,metacopy=on", "userxattr=1", "nfs_export=on", "nfs_export=on,index=off", "nfs_export=off", "uuid=off", "uuid=null", "uuid=x", "verity=off", "verity=x",
	"default_permissions", "bad", "bad=1", "lowerdir=l2", "upperdir=", "workdir=none", "upperdir=f", "lowerdir=f", "lowerdir=l1:f", "lowerdir=:l1", "lowerdir=l1:", "lowerdir=l1:l1", "lowerdir=l1:l1/d",
	"lowerdir=l1:up", "lowerdir=.:l1", "lowerdir=a\\:b", "lowerdir=a\\,b", "lowerdir=/proc/self:l1", "upperdir=l1/d", "workdir=up", "workdir=up/in", "upperdir=/proc",
};

// shown prints what /proc/mounts says of the options behind those that every mount has.
static void shown(void) {
	static char line[4096];
	FILE *f = fopen("/proc/self/mounts", "r");
	while (f && fgets(line, sizeof line, f))
		if (strstr(line, "/m overlay ")) {
			char *o = strstr(line, "overlay "), *uuid = strstr(line, ",uuid=on");
			if (uuid) // of the first mount of an upper directory
				memmove(uuid, uuid + 8, strlen(uuid + 8) + 1);
			line[strcspn(line, "\n")] = 0, fact("  %s", o);
		}
	fclose(f);
}

int main(void) {
	must(unshare(CLONE_NEWNS)), must(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	static const char *dirs[] = {"l1", "l2", "up", "work", "m", "l1/d", "up/in", "a:b", "a,b"};
	for (unsigned i = 0; i < COUNT(dirs); i++)
		must(mkdir(dirs[i], 0755));
	make("f", "x"), make("l1/low", "x"), make("a:b/colon", "x"), make("a,b/comma", "x");
	for (unsigned i = 0; i < COUNT(options); i++) {
		char text[256];
		snprintf(text, sizeof text, "lowerdir=l1:l2,upperdir=up,workdir=work,%s", options[i]);
		int e = err(mount("o", "m", "overlay", 0, text));
		fact("%s: %s%s%s", options[i], ename(e), access("m/colon", F_OK) ? "" : " colon", access("m/comma", F_OK) ? "" : " comma");
		if (e == 0)
			shown(), must(umount("m"));
	}
	// More options are in the way of a remount, none of them counts.
	must(mount("o", "m", "overlay", 0, "lowerdir=l1:l2"));
	shown(), show(mount("o", "m", NULL, MS_REMOUNT, "")), show(mount("o", "m", NULL, MS_REMOUNT | MS_RDONLY, "")), must(umount("m"));
	int fd = must(sys(SYS_fsopen, "overlay", 0));
	show(sys(SYS_fsconfig, fd, 1, "lowerdir", "l1:l2", 0)), show(sys(SYS_fsconfig, fd, 1, "upperdir", "up", 0)), show(sys(SYS_fsconfig, fd, 1, "workdir", "work", 0));
	show(sys(SYS_fsconfig, fd, 1, "strange", "x", 0)), show(sys(SYS_fsconfig, fd, 0, "redirect_dir", NULL, 0)), show(sys(SYS_fsconfig, fd, 6, NULL, NULL, 0));
	int mnt = show(sys(SYS_fsmount, fd, 0, 0)) >= 0 ? fd + 1 : -1;
	show(sys(SYS_move_mount, mnt, "", AT_FDCWD, "m", 4)), shown(), show(access("m/low", F_OK)), show(umount("m"));
	return 0;
}
