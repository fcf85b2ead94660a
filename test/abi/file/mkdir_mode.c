// mkdir, mknod, umask, set-group-id directories, sticky directories.
#include "../oracle.h"
#include <sys/sysmacros.h>
static void mode(const char *p) {
	struct stat st;
	if (lstat(p, &st))
		fact("%s: %s", p, ename(errno));
	else
		fact("%s: mode %o uid %d gid %d links %ld", p, st.st_mode, st.st_uid, st.st_gid, (long)st.st_nlink);
}

int main(void) {
	umask(0);
	show(mkdir("a", 07777)), mode("a");
	umask(022);
	show(mkdir("b", 0777)), mode("b");
	show(mkdir("b", 0777)), show(mkdir("b/c/d", 0777)), show(mkdir("new/", 0700)), show(mkdir("b/.", 0700)), show(mkdir("", 0700)), show(mkdir("/", 0700));
	make("f", ""), show(mkdir("f", 0700)), show(mkdir("f/x", 0700));
	must(symlink("nowhere", "dang")), show(mkdir("dang", 0700)), show(mkdir("dang/", 0700));
	must(mkdir("sg", 0755)), must(chown("sg", 0, 77)), must(chmod("sg", 02775));
	make("sg/file", ""), mode("sg/file"); // the directory's group
	must(mkdir("sg/dir", 0755)), mode("sg/dir"); // and the bit
	must(symlink("x", "sg/link")), mode("sg/link");
	quiet(spawn(must(setgid(5)); must(chmod(".", 0777)); must(chmod("sg", 02777)); must(setuid(1000)); close(open("sg/x", O_CREAT | O_RDWR, 02775)); mode("sg/x"); close(open("own", O_CREAT | O_RDWR, 02775)); mode("own")));
	must(mkdir("st", 01777)), must(chmod("st", 01777));
	quiet(spawn(must(setuid(1000)); make("st/mine", ""); must(mkdir("st/dir", 0777)); make("st/dir/x", "")));
	make("st/roots", ""), must(chmod("st/roots", 0666));
	quiet(spawn(must(setuid(2000)); show(unlink("st/mine")); show(rename("st/mine", "st/m2")); show(rmdir("st/dir")); show(unlink("st/roots")); make("st/theirs", ""); show(rename("st/theirs", "st/mine"));
		    show(rename("st/theirs", "st/t2")); show(open("st/roots", O_WRONLY) >= 0)));
	quiet(spawn(must(setuid(1000)); show(unlink("st/mine")); show(unlink("st/t2"))));
	must(chown("st", 3000, 0));
	quiet(spawn(must(setuid(3000)); show(unlink("st/t2")))); // the directory's owner may
	show(mknod("fifo", S_IFIFO | 0644, 0)), mode("fifo");
	show(mknod("reg", 0644, 0)), mode("reg");
	show(mknod("reg2", S_IFREG | 0644, 0)), mode("reg2");
	show(mknod("sock", S_IFSOCK | 0644, 0)), mode("sock");
	show(mknod("dir", S_IFDIR | 0644, 0)), show(mknod("lnk", S_IFLNK | 0644, 0)), show(mknod("bad", 0170000 | 0644, 0)), show(mknod("reg", S_IFREG, 0));
	show(mknod("null", S_IFCHR | 0666, makedev(1, 3))), mode("null");
	quiet(spawn(must(chmod(".", 0777)); must(setuid(1000)); show(mknod("n2", S_IFCHR | 0666, makedev(1, 3))); show(mknod("f2", S_IFIFO | 0666, 0)); show(mknod("whiteout", S_IFCHR, 0))));
	return 0;
}
