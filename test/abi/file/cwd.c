// getcwd, chdir, fchdir, chroot: paths, deleted directories, outside the root, permissions.
#include "../oracle.h"

int main(void) {
	char b[4200], here[256];
	must(sys(SYS_getcwd, here, 256));
	must(mkdir("d", 0755)), must(mkdir("d/sub", 0755)), make("f", ""), must(symlink("d/sub", "l"));
	show(chdir("l")), must(sys(SYS_getcwd, b, 256)), fact("%s", b + strlen(here));
	show(sys(SYS_getcwd, b, 3)), show(sys(SYS_getcwd, b, 0)), show(sys(SYS_getcwd, 8, 100));
	show(chdir("none")), show(chdir("../../f")), show(chdir("")), show(chdir("../.."));
	int d = must(open("d", O_RDONLY)), f = must(open("f", O_RDONLY));
	show(fchdir(d)), show(fchdir(f)), show(fchdir(999));
	must(chdir(here)), must(mkdir("closed", 0700)), must(mkdir("closed/in", 0777));
	quiet(spawn(must(chdir("closed/in")); must(setuid(1000)); show(chdir("..")); show(chdir(".")); show(access("x", F_OK)); show(chdir(here))));
	quiet(spawn({
		show(chroot("none")), show(chroot("f"));
		must(chdir("d"));
		show(chroot("sub"));
		must(sys(SYS_getcwd, b, 4096)), fact("outside: %.13s", b);
		show(chdir("..")), must(sys(SYS_getcwd, b, 4096)), fact("%.13s", b); // .. goes on above
		show(chdir("/")), must(sys(SYS_getcwd, b, 4096)), fact("%s", b);
		show(chdir("..")), must(sys(SYS_getcwd, b, 4096)), fact("%s", b);
		show(access("/../../f", F_OK)), show(open("/proc/self", O_RDONLY));
		show(fchdir(d)), show(access("../f", F_OK));
		must(chdir("/"));
		must(mkdir("/made", 0755));
	}));
	show(access("d/sub/made", F_OK));
	quiet(spawn(must(setuid(1000)); show(chroot("d"))));
	must(mkdir("deep", 0755)), must(chdir("deep"));
	char name[201];
	memset(name, 'd', 200), name[200] = 0;
	int made = 0;
	for (int i = 0; i < 30; i++)
		if (mkdir(name, 0755) == 0 && chdir(name) == 0)
			made++;
	fact("deep: %d", made); // deeper than PATH_MAX
	show(sys(SYS_getcwd, b, sizeof b));
	show(access("..", F_OK)), show(mkdir("x", 0755));
	fact("glibc's getcwd: %d", getcwd(NULL, 0) != NULL);
	return 0;
}
