// access(2), faccessat2: real against effective ids, flags, errors.
#include "../oracle.h"
#define AT_EACCESS_ 0x200
static long f2(int d, const char *p, int m, int f) { return sys(SYS_faccessat2, d, p, m, f); }

int main(void) {
	make("f", ""), must(chown("f", 1000, 0)), must(chmod("f", 0600)), make("x", ""), must(chmod("x", 0100)), make("n", ""), must(chmod("n", 0));
	must(symlink("none", "dang")), must(mkdir("d", 0700)), make("d/y", "");
	show(access("f", F_OK)), show(access("none", F_OK)), show(access("f", R_OK | W_OK)), show(access("f", X_OK)), show(access("x", X_OK)), show(access("n", R_OK | W_OK));
	show(access("f", 8)), show(access("f", -1)), show(access("dang", F_OK)), show(access("f/", F_OK)), show(access("", F_OK)), show(access((void *)8, F_OK));
	show(f2(AT_FDCWD, "dang", F_OK, AT_SYMLINK_NOFOLLOW)), show(f2(AT_FDCWD, "f", F_OK, 1)), show(f2(999, "f", F_OK, 0)), show(f2(999, "/dev/null", F_OK, 0));
	int fd = must(open("f", O_RDONLY));
	show(f2(fd, "", R_OK, AT_EMPTY_PATH)), show(f2(fd, "", R_OK, 0)), show(f2(fd, "x", R_OK, 0));
	quiet(spawn({
		must(setresuid(1000, 0, 0)); // real 1000, effective root
		show(access("f", R_OK)), show(access("n", R_OK)), show(access("d/y", F_OK)), show(f2(AT_FDCWD, "n", R_OK, AT_EACCESS_)), show(f2(AT_FDCWD, "d/y", F_OK, AT_EACCESS_));
		show(open("n", O_RDONLY) >= 0);
	}));
	quiet(spawn({
		must(setresuid(0, 1000, 0)); // real root, effective 1000: access looks at the permitted set
		show(access("n", R_OK)), show(f2(AT_FDCWD, "n", R_OK, AT_EACCESS_)), show(f2(AT_FDCWD, "f", R_OK, AT_EACCESS_)), show(open("n", O_RDONLY));
	}));
	must(mkdir("ro", 0777)), must(chmod(".", 0755));
	quiet(spawn(must(setuid(1000)); show(access("d/y", F_OK)); show(access("d", X_OK)); show(access("f", R_OK)); show(access("x", X_OK)); show(access("/proc/self/mem", W_OK)); show(access("/sys", W_OK))));
	show(access("/sys/kernel", W_OK)); // a read-only mount
	show(access("/sys/kernel", R_OK));
	return 0;
}
