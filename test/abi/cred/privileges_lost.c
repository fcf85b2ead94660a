// Which changes of a file take away its capabilities and set-id bits: as root, and as an owner without capabilities.
#include "../oracle.h"
#include <grp.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/xattr.h>

static int fd, src;
static void fresh(int uid) {
	unsigned char caps[20] = {1, 0, 0, 2, 0, 4}; // cap_net_bind_service+ep
	unlink("f"), make("f", "some text"), must(chown("f", uid, 5)), must(chmod("f", 06775)), must(setxattr("f", "security.capability", caps, sizeof caps, 0));
}
static void state_of(const char *what, long r) {
	struct stat st;
	int e = errno;
	char caps[64];
	must(stat("f", &st));
	fact("%s: %s %o %s", what, r == -1 ? ename(e) : "ok", st.st_mode & 07777, getxattr("f", "security.capability", caps, sizeof caps) < 0 ? ename(errno) : "capable");
}
// each does a call in a child that is uid, on a fresh file that is open for reading and writing.
#define each(uid, call) \
	do { \
		fresh(uid); \
		quiet(spawn(if (uid) must(setgroups(0, NULL)), must(setresgid(6, 6, 6)), must(setresuid(uid, uid, uid)); \
			    fd = must(open("f", O_RDWR)), src = must(open("src", O_RDONLY)); \
			    long r = (long)(call); state_of(#call, r))); \
	} while (0)

static char *mapped(void) {
	char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	*p = 'x', msync(p, PAGE, MS_SYNC);
	return p;
}
static long spliced(void) {
	int p[2];
	must(pipe(p)), must(write(p[1], "ab", 2));
	return splice(p[0], NULL, fd, NULL, 2, 0);
}

static void all(int uid) {
	fact("uid %d", uid);
	each(uid, write(fd, "x", 1)); each(uid, write(fd, "", 0)); each(uid, pwrite(fd, "x", 1, 100)); each(uid, writev(fd, &(struct iovec){"x", 1}, 1)); each(uid, pwrite(fd, NULL, 1, 0));
	each(uid, ftruncate(fd, 3)); each(uid, ftruncate(fd, 9)); each(uid, truncate("f", 4)); each(uid, open("f", O_WRONLY | O_TRUNC)); each(uid, open("f", O_RDONLY)); each(uid, open("f", O_WRONLY | O_CREAT, 0600));
	each(uid, fallocate(fd, 0, 0, 100)); each(uid, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4)); each(uid, fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 4));
	each(uid, sendfile(fd, src, NULL, 3)); each(uid, copy_file_range(src, NULL, fd, NULL, 3, 0)); each(uid, spliced()); each(uid, mapped() == MAP_FAILED ? -1 : 0);
	each(uid, chown("f", -1, -1)); each(uid, chown("f", uid, -1)); each(uid, chown("f", -1, 6)); each(uid, chown("f", 9, -1)); each(uid, fchown(fd, -1, 5)); each(uid, chmod("f", 06777)); each(uid, chmod("f", 0755));
	each(uid, utimensat(AT_FDCWD, "f", NULL, 0)); each(uid, rename("f", "f")); each(uid, link("f", "g")); unlink("g"); each(uid, setxattr("f", "user.a", "b", 1, 0)); each(uid, removexattr("f", "security.capability"));
}

int main(void) {
	must(chmod(".", 0777)), make("src", "source"), must(chmod("src", 0644)), umask(0);
	all(0), all(7);
	return 0;
}
