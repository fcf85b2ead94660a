// tmpfs: size, nr_inodes, mode, uid, gid; ENOSPC; remounting; bad options.
#include "../oracle.h"
#include <sys/mount.h>
#include <sys/statvfs.h>
static void look(void) {
	struct stat st;
	struct statvfs v;
	must(stat("t", &st)), must(statvfs("t", &v));
	fact("  mode %o %d:%d, blocks %ld free %ld, files %ld free %ld", st.st_mode, st.st_uid, st.st_gid, v.f_blocks, v.f_bfree, v.f_files, v.f_ffree);
}

int main(void) {
	static char page[PAGE];
	char name[16];
	must(unshare(CLONE_NEWNS)), must(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL)), must(mkdir("t", 0755));
	show(mount("x", "t", "tmpfs", 0, "size=64k,nr_inodes=5,mode=1750,uid=12,gid=34")), look();
	int fd = must(open("t/f", O_RDWR | O_CREAT, 0600)), n = 0;
	while (write(fd, page, PAGE) == PAGE)
		n++;
	fact("pages %d: %s", n, ename(errno)), look();
	show(write(fd, page, 1)), show(pwrite(fd, page, 100, 0)), show(ftruncate(fd, 1 << 20)), show(fallocate(fd, 0, 0, 1 << 20)), show(ftruncate(fd, 0)), look();
	show(fallocate(fd, 0, 0, 128 << 10)), look();
	char *m = mmap(NULL, 32 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(ftruncate(fd, 32 * PAGE));
	reap("stores beyond the size", spawn(for (int i = 0; i < 32; i++) m[i * PAGE] = 1));
	must(ftruncate(fd, 0));
	for (n = 0; n < 10; n++) {
		snprintf(name, 16, "t/n%d", n);
		if (mkdir(name, 0755))
			break;
	}
	fact("names %d: %s", n, ename(errno)), look();
	show(symlink("x", "t/l")), show(link("t/f", "t/hard"));
	show(mount("x", "t", NULL, MS_REMOUNT, "size=128k")), look();
	must(pwrite(fd, page, PAGE, 100 << 10));
	must(fallocate(fd, 0, 0, 100 << 10));
	show(mount("x", "t", NULL, MS_REMOUNT, "size=4k")), show(mount("x", "t", NULL, MS_REMOUNT, "nr_inodes=1")), show(mount("x", "t", NULL, MS_REMOUNT, "mode=700")), look();
	show(mount("x", "t", NULL, MS_REMOUNT | MS_RDONLY, NULL)); // a file is open for writing
	must(close(fd)), must(munmap(m, 32 * PAGE)), show(mount("x", "t", NULL, MS_REMOUNT | MS_RDONLY, NULL)), show(mkdir("t/ro", 0755)), show(open("t/f", O_RDWR));
	show(umount("t"));
	static const char *bad[] = {"size=", "size=abc", "size=10q", "mode=999", "uid=-1", "nonsense", "nr_inodes=x", "mode=0700,size=1m", "", "size=50%", ",,"};
	for (unsigned i = 0; i < COUNT(bad); i++) {
		fact("'%s': %s", bad[i], ename(err(mount("x", "t", "tmpfs", 0, bad[i]))));
		umount("t");
	}
	show(mount("x", "t", "nosuchfs", 0, NULL)), show(mount("x", "none", "tmpfs", 0, NULL)), show(mount("x", "t", NULL, 0, NULL)), show(mount("x", "t", (void *)8, 0, NULL)), show(mount((void *)8, "t", "tmpfs", 0, NULL));
	make("file", ""), show(mount("x", "file", "tmpfs", 0, NULL));
	must(mount("x", "t", "tmpfs", MS_NOSUID | MS_NOATIME, "mode=1777,size=1m,nr_inodes=50")), look();
	must(mount("y", "t", "tmpfs", 0, NULL)), make("t/upper", ""), must(umount("t")), show(access("t/upper", F_OK)), look();
	return 0;
}
