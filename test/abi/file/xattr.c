// Extended attributes: namespaces, create and replace, listing, sizes, symlinks, permissions.
#include "../oracle.h"
#include <sys/xattr.h>
static int compare(const void *a, const void *b) { return strcmp(*(char **)a, *(char **)b); }
static void list(const char *p) {
	char buf[1024], *names[16];
	int n = llistxattr(p, buf, sizeof buf), k = 0;
	for (char *s = buf; s < buf + n; s += strlen(s) + 1)
		names[k++] = s;
	qsort(names, k, sizeof *names, compare);
	printf("%s:", p);
	for (int i = 0; i < k; i++)
		printf(" %s", names[i]);
	printf(" (%d)\n", n);
}

int main(void) {
	char b[64] = {0};
	make("f", ""), must(mkdir("d", 0755)), must(symlink("f", "l")), must(mkfifo("p", 0666));
	show(setxattr("f", "trusted.a", "value", 5, 0)), show(getxattr("f", "trusted.a", b, 64)), fact("%s", b);
	show(getxattr("f", "trusted.a", b, 0)), show(getxattr("f", "trusted.a", b, 3)), show(getxattr("f", "trusted.none", b, 64));
	show(setxattr("f", "trusted.a", "v2", 2, XATTR_CREATE)), show(setxattr("f", "trusted.b", "v2", 2, XATTR_REPLACE)), show(setxattr("f", "trusted.a", "", 0, XATTR_REPLACE)), show(getxattr("f", "trusted.a", b, 64));
	show(setxattr("f", "trusted.b", "v", 1, XATTR_CREATE)), show(setxattr("f", "trusted.b", "v", 1, 3)), show(setxattr("f", "trusted.b", "v", 1, 4));
	list("f");
	show(listxattr("f", b, 5)), show(listxattr("f", NULL, 0)), show(removexattr("f", "trusted.b")), show(removexattr("f", "trusted.b"));
	show(setxattr("f", "noprefix", "v", 1, 0)), show(setxattr("f", "", "v", 1, 0)), show(setxattr("f", "trusted.", "v", 1, 0)), show(setxattr("f", "unknown.x", "v", 1, 0)), show(getxattr("f", "unknown.x", b, 64));
	char name[300] = "trusted.";
	memset(name + 8, 'n', 290), name[256] = 0;
	show(setxattr("f", name, "v", 1, 0)), name[255] = 0, show(setxattr("f", name, "v", 1, 0)), show(removexattr("f", name));
	static char big[65537];
	show(setxattr("f", "trusted.big", big, 65537, 0));
	show(setxattr("f", "trusted.a", (void *)8, 5, 0)), show(getxattr("f", "trusted.a", (void *)8, 64)), show(setxattr("none", "trusted.a", "v", 1, 0));
	show(lsetxattr("l", "trusted.link", "v", 1, 0)), list("l"), list("f");
	show(setxattr("l", "trusted.through", "v", 1, 0)), list("f");
	show(setxattr("d", "trusted.a", "v", 1, 0)), show(setxattr("p", "trusted.a", "v", 1, 0)), show(setxattr("p", "user.a", "v", 1, 0)), show(lsetxattr("l", "user.a", "v", 1, 0));
	int fd = must(open("f", O_RDONLY));
	show(fsetxattr(fd, "trusted.fd", "v", 1, 0)), show(fgetxattr(fd, "trusted.fd", b, 64)), show(flistxattr(999, b, 64)), show(fremovexattr(fd, "trusted.fd"));
	must(chmod("f", 0666));
	quiet(spawn(must(setuid(1000)); show(getxattr("f", "trusted.a", b, 64)); show(setxattr("f", "trusted.a", "v", 1, 0)); list("f"); show(setxattr("f", "security.x", "v", 1, 0))));
	show(setxattr("f", "security.x", "v", 1, 0)), list("f");
	must(link("f", "hard")), list("hard");
	show(listxattr("/proc/self", b, 64));
	int q[2];
	must(pipe(q)), show(fsetxattr(q[0], "trusted.a", "v", 1, 0));
	return 0;
}
