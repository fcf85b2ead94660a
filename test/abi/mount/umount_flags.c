// umount2(2): busy mounts, MNT_DETACH with open files and a current directory, MNT_EXPIRE, MNT_FORCE.
#include "../oracle.h"
#include <sys/mount.h>

int main(void) {
	char b[256];
	must(unshare(CLONE_NEWNS)), must(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL)), must(mkdir("t", 0755)), must(mkdir("u", 0755));
	must(mount("x", "t", "tmpfs", 0, NULL)), make("t/f", "text"), must(mkdir("t/d", 0755));
	int fd = must(open("t/f", O_RDWR));
	show(umount("t"));
	show(umount2("t", MNT_DETACH)), show(access("t/f", F_OK)), show(write(fd, "more", 4)), show(pread(fd, b, 8, 0));
	must(close(fd));
	must(mount("x", "t", "tmpfs", 0, NULL)), must(mkdir("t/d", 0755));
	quiet(spawn({
		must(chdir("t/d"));
		show(umount("../../t"));
		must(umount2("../../t", MNT_DETACH));
		make("alive", "x"), show(access("alive", F_OK));
		memset(b, 0, sizeof b);
		show(sys(SYS_getcwd, b, 256)), fact("%s", b);
		show(chdir("..")), memset(b, 0, sizeof b), show(sys(SYS_getcwd, b, 256)), fact("%s", b);
		show(chdir("..")), memset(b, 0, sizeof b), show(sys(SYS_getcwd, b, 256)), fact("%s", b); // stays at its top
		show(mkdir("after", 0755));
		show(mount("x", "after", "tmpfs", 0, NULL)); // no longer part of the namespace
	}));
	must(mount("x", "t", "tmpfs", 0, NULL)), must(mkdir("t/in", 0755)), must(mount("y", "t/in", "tmpfs", 0, NULL));
	show(umount("t")); // something is mounted on it
	show(umount2("t", MNT_DETACH)), show(access("t/in", F_OK));
	must(mount("x", "t", "tmpfs", 0, NULL));
	show(umount2("t", MNT_EXPIRE)), show(umount2("t", MNT_EXPIRE)), show(umount2("t", MNT_EXPIRE));
	must(mount("x", "t", "tmpfs", 0, NULL)), show(umount2("t", MNT_EXPIRE)), show(access("t/none", F_OK)), show(umount2("t", MNT_EXPIRE)); // used in between
	show(umount2("t", MNT_EXPIRE | MNT_FORCE)), show(umount2("t", MNT_EXPIRE | MNT_DETACH)), show(umount2("t", MNT_FORCE));
	must(mount("x", "t", "tmpfs", 0, NULL));
	make("t/m", "mapped");
	fd = must(open("t/m", O_RDONLY));
	char *m = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	must(close(fd)), show(umount("t")), must(munmap(m, PAGE)), show(umount("t"));
	must(mount("x", "t", "tmpfs", 0, NULL)), make("t/prog", "");
	fd = must(open("t", O_PATH));
	show(umount("t")), must(close(fd)), show(umount("t"));
	must(mount("x", "t", "tmpfs", 0, NULL)), must(mount("t", "u", NULL, MS_BIND, NULL)), make("t/shared", "x"), show(umount("t")), show(access("u/shared", F_OK)), show(umount("u"));
	show(umount("/proc/self")), show(umount2("t", 0x80));
	return 0;
}
