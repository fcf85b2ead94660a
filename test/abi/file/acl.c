// Access control lists: who may what, inheritance, chmod and the mask, what is refused.
#include "../oracle.h"
#include <grp.h>
#include <sys/xattr.h>

struct entry { uint16_t tag, perm; uint32_t id; };
struct list { uint32_t version; struct entry e[12]; };
enum { UO = 1, U = 2, GO = 4, G = 8, M = 16, O = 32 };
static struct list l;
static int set(const char *path, const char *which, int n, ...) {
	char name[64];
	va_list a;
	l = (struct list){2};
	va_start(a, n);
	for (int i = 0; i < n; i++) {
		int tag = va_arg(a, int), perm = va_arg(a, int);
		l.e[i] = (struct entry){tag, perm, tag & (U | G) ? va_arg(a, int) : -1};
	}
	va_end(a);
	snprintf(name, sizeof name, "system.posix_acl_%s", which);
	return setxattr(path, name, &l, 4 + 8 * n, 0);
}
static void get(const char *path) {
	char line[512];
	struct stat st;
	if (lstat(path, &st) == -1)
		return fact("%s: %s", path, ename(errno));
	sprintf(line, "%s %o", path, st.st_mode);
	static const char *names[] = {"system.posix_acl_access", "system.posix_acl_default"};
	for (int k = 0; k < 2; k++) {
		ssize_t n = lgetxattr(path, names[k], &l, sizeof l);
		if (n < 0)
			sprintf(line + strlen(line), " %s", ename(errno));
		for (int i = 0; i < (n - 4) / 8; i++)
			sprintf(line + strlen(line), "%s%d:%d:%d", i ? "," : k ? " default " : " ", l.e[i].tag, (int)l.e[i].id, l.e[i].perm);
	}
	fact("%s", line);
}
static void as(int uid, int gid, const char *path) {
	quiet(spawn(must(setgroups(0, NULL)), must(setresgid(gid, gid, gid)), must(setresuid(uid, uid, uid)), fact("%d/%d %s: r %s w %s x %s", uid, gid, path, ename(err(access(path, R_OK))), ename(err(access(path, W_OK))), ename(err(access(path, X_OK))))));
}

int main(void) {
	umask(077), must(chmod(".", 0755)), must(mkdir("d", 0755)), must(chmod("d", 0755)), make("f", "x"), must(chown("f", 1, 2)), must(chmod("f", 0640)), must(symlink("f", "s"));
	get("f"), show(set("f", "access", 6, UO, 6, U, 7, 1000, GO, 4, G, 6, 1001, M, 7, O, 0)), get("f");
	as(1000, 9, "f"), as(9, 1001, "f"), as(9, 2, "f"), as(9, 9, "f"), as(1, 9, "f"), as(1000, 1001, "f");
	show(chmod("f", 0750)), get("f"), as(1000, 9, "f"), as(9, 1001, "f"), show(chmod("f", 0604)), get("f"), as(1000, 9, "f"), as(9, 9, "f"), as(9, 2, "f");
	show(set("f", "access", 3, UO, 7, GO, 5, O, 1)), get("f");
	show(set("f", "access", 4, UO, 7, U, 7, 1000, GO, 5, O, 1)), show(set("f", "access", 4, UO, 7, GO, 5, M, 7, O, 8)), show(set("f", "access", 3, GO, 5, UO, 7, O, 1)), show(set("f", "access", 2, UO, 7, O, 1)), show(set("f", "access", 4, UO, 7, 64, 1, GO, 5, O, 1));
	l.version = 3, show(setxattr("f", "system.posix_acl_access", &l, 28, 0)), show(setxattr("f", "system.posix_acl_access", "", 0, 0)), show(setxattr("f", "system.posix_acl_access", &l, 5, 0)), show(setxattr("f", "system.posix_acl_other", &l, 28, 0));
	show(set("f", "default", 3, UO, 7, GO, 5, O, 1)), show(removexattr("f", "system.posix_acl_default")), show(removexattr("f", "system.posix_acl_access")), l.version = 2, show(lsetxattr("s", "system.posix_acl_access", &l, 4, 0)), get("s");
	quiet(spawn(must(setresuid(9, 9, 9)), show(set("f", "access", 3, UO, 7, GO, 5, O, 1)), show(removexattr("f", "system.posix_acl_access"))));
	show(set("d", "default", 5, UO, 7, U, 6, 1000, GO, 5, M, 7, O, 4)), get("d");
	make("d/f", "x"), get("d/f"), must(mkdir("d/sub", 0777)), get("d/sub"), must(mkfifo("d/p", 0666)), get("d/p"), must(symlink("f", "d/s")), get("d/s"), must(close(must(open("d/x", O_CREAT | O_WRONLY, 0700)))), get("d/x");
	int t = must(open("d", O_TMPFILE | O_RDWR, 0666));
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", t);
	show(linkat(AT_FDCWD, path, AT_FDCWD, "d/t", AT_SYMLINK_FOLLOW)), get("d/t");
	show(set("d", "default", 3, UO, 7, GO, 5, O, 0)), must(mkdir("d/plain", 0777)), get("d/plain"), must(mkdir("d/plain/in", 0700)), get("d/plain/in");
	show(rename("d/f", "g")), get("g"), show(removexattr("d", "system.posix_acl_default")), must(mkdir("d/none", 0777)), get("d/none");
	must(chmod("g", 02770)), quiet(spawn(must(chown("g", 9, 8)), must(chmod("g", 02770)), must(setgroups(0, NULL)), must(setresgid(9, 9, 9)), must(setresuid(9, 9, 9)), show(set("g", "access", 3, UO, 7, GO, 7, O, 0)))), get("g");
	char names[256] = "";
	show(set("d", "default", 3, UO, 7, GO, 5, O, 0)), show(listxattr("d", names, sizeof names)), fact("%s", names);
	show(getxattr("/proc/self/status", "system.posix_acl_access", &l, sizeof l)), show(set("/proc/self/status", "access", 3, UO, 7, GO, 5, O, 0));
	return 0;
}
