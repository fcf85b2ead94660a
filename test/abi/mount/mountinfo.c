// /proc/self/mountinfo and /proc/mounts: the line of a new mount, optional fields, escapes, chroot's view.
#include "../oracle.h"
#include <sys/mount.h>
static char here[256];
// line prints the mountinfo line of a path without its numbers.
static void line(const char *path) {
	char want[600], *text = slurp("/proc/self/mountinfo");
	snprintf(want, sizeof want, "%s%s", *path == '/' ? "" : here, path);
	for (char *p = strtok(text, "\n"); p; p = strtok(NULL, "\n")) {
		int id, parent, major, minor, used;
		char root[400], point[400], options[100], rest[400];
		if (sscanf(p, "%d %d %d:%d %399s %399s %99s%n", &id, &parent, &major, &minor, root, point, options, &used) == 7 && !strcmp(point, want)) {
			strcpy(rest, p + used);
			for (char *q = rest; *q; q++)
				if ((q[0] == ':') && q[1] >= '0' && q[1] <= '9')
					while (q[1] >= '0' && q[1] <= '9')
						memmove(q + 1, q + 2, strlen(q + 1));
			char *base = strncmp(root, "/run.", 5) ? NULL : strchr(root + 5, '/');
			char *size = strstr(rest, ",inode64");
			if (size)
				*size = 0;
			fact("%s: root %s options %s%s; ids %d", path, base ?: root, options, rest, id > 0 && parent > 0 && id != parent);
			return;
		}
	}
	fact("%s: no line", path);
}

int main(void) {
	must(unshare(CLONE_NEWNS)), must(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	must(getcwd(here, 250) ? 0 : -1), strcat(here, "/");
	must(mkdir("t", 0755)), must(mkdir("b", 0755)), must(mkdir("with space\ttab", 0755)), must(mkdir("t2", 0755));
	must(mount("source", "t", "tmpfs", MS_NOSUID | MS_NOEXEC, "size=64k,mode=700")), line("t");
	must(mount("none", "t", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NODEV, NULL)), line("t");
	must(mount("none", "t", NULL, MS_REMOUNT | MS_RDONLY, NULL)), line("t");
	must(mount("none", "t", NULL, MS_REMOUNT | MS_NOATIME, NULL)), line("t");
	must(mkdir("t/dir", 0755)), must(mount("t/dir", "b", NULL, MS_BIND, NULL)), line("b");
	must(mount("", "t", NULL, MS_SHARED, NULL)), line("t"), must(mount("t", "t2", NULL, MS_BIND, NULL)), must(mount("", "t2", NULL, MS_SLAVE, NULL)), line("t2");
	must(mount("", "b", NULL, MS_UNBINDABLE, NULL)), line("b");
	must(mount("a b", "with space\ttab", "tmpfs", MS_STRICTATIME, "size=8k")), line("with\\040space\\011tab");
	char *mounts = slurp("/proc/mounts"), *p = strstr(mounts, "a\\040b");
	fact("mounts: %d", p != NULL);
	p = strstr(mounts, "source ");
	fact("%.7s %s", p, strstr(p, "tmpfs rw") ? "tmpfs" : "");
	make("f", ""), make("g", ""), must(mount("f", "g", NULL, MS_BIND, NULL)), line("g");
	must(unlink("f")), line("g");
	must(mkdir("gone", 0755)), must(mount("gone", "b", NULL, MS_BIND, NULL));
	must(umount2("t2", MNT_DETACH)), line("t2");
	quiet(spawn(must(chroot("t")); int fd = open("/dir", O_RDONLY); fact("in a chroot without proc: %d", slurp("/proc/self/mountinfo") == NULL); (void)fd));
	line("/proc"), line("/dev/pts");
	return 0;
}
