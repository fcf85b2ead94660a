// Permission bits for owner, group, others, and what CAP_DAC_* change; directories' search and write.
#include "../oracle.h"
#include <grp.h>
static void as(uid_t uid, gid_t gid, int extra) {
	pid_t pid = spawn({
		gid_t groups[1] = {500};
		must(setgroups(extra, groups)), must(setgid(gid)), must(setuid(uid));
		for (int m = 0; m < 8; m++) {
			char p[16], line[64] = "";
			snprintf(p, 16, "m%d%d%d", m, (m + 3) % 8, (m + 5) % 8);
			sprintf(line, "%s%s%s", access(p, R_OK) ? "-" : "r", access(p, W_OK) ? "-" : "w", access(p, X_OK) ? "-" : "x");
			fact("uid %d gid %d groups %d, %s: %s, open %s %s", uid, gid, extra, p, line, ename(err(open(p, O_RDONLY))), ename(err(open(p, O_WRONLY))));
		}
		fact("  list: %s, in: %s, new: %s, delete: %s", ename(err(open("list", O_RDONLY | O_DIRECTORY))), ename(err(access("list/x", F_OK))), ename(err(mkdir("list/n", 0755))), ename(err(unlink("list/x"))));
		fact("  search: %s, in: %s, new: %s, delete: %s", ename(err(open("search", O_RDONLY | O_DIRECTORY))), ename(err(access("search/x", F_OK))), ename(err(mkdir("search/n", 0755))), ename(err(unlink("search/x"))));
		fact("  write: %s, in: %s, new: %s, delete: %s", ename(err(open("write", O_RDONLY | O_DIRECTORY))), ename(err(access("write/x", F_OK))), ename(err(mkdir("write/n", 0755))), ename(err(unlink("write/none"))));
	});
	quiet(pid);
}

int main(void) {
	umask(0);
	for (int m = 0; m < 8; m++) {
		char p[16];
		snprintf(p, 16, "m%d%d%d", m, (m + 3) % 8, (m + 5) % 8);
		close(must(open(p, O_CREAT | O_RDWR, 0600)));
		must(chown(p, 1000, 500)), must(chmod(p, m << 6 | (m + 3) % 8 << 3 | (m + 5) % 8));
	}
	static const struct { const char *name; int mode; } d[] = {{"list", 0444}, {"search", 0111}, {"write", 0333}};
	for (int i = 0; i < 3; i++) {
		char p[32];
		must(mkdir(d[i].name, 0755));
		snprintf(p, 32, "%s/x", d[i].name);
		make(p, "");
		must(chown(d[i].name, 1000, 500)), must(chmod(d[i].name, d[i].mode));
	}
	must(chmod(".", 0755));
	as(1000, 1, 0); // owner
	as(1001, 500, 0); // group
	as(1001, 1, 1); // by a supplementary group
	as(1001, 1, 0); // others
	as(0, 0, 0); // root: all but execution without any x
	return 0;
}
