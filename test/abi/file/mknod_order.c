// mknod(2) of a device without CAP_MKNOD: the name and the directory are looked at first (fs/namei.c, vfs_mknod).
#include "../oracle.h"
#include <sys/sysmacros.h>

int main(void) {
	must(mkdir("open", 0777)), must(chmod("open", 0777));
	must(mkdir("closed", 0755));
	must(close(must(open("open/there", O_CREAT | O_WRONLY, 0644))));
	must(setgid(1000)), must(setuid(1000));
	show(mknod("closed/null", S_IFCHR | 0666, makedev(1, 3)));
	show(mknod("open/null", S_IFCHR | 0666, makedev(1, 3)));
	show(mknod("open/there", S_IFCHR | 0666, makedev(1, 3)));
	show(mknod("nowhere/null", S_IFBLK | 0666, makedev(1, 3)));
	show(mknod("open/block", S_IFBLK | 0666, makedev(7, 3)));
	show(mknod("open/pipe", S_IFIFO | 0666, 0));
	show(mknod("open/dir", S_IFDIR | 0777, 0));
	show(mknod("open/what", 0170000, 0));
	return 0;
}
