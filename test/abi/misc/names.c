// Numbers of everything by the interfaces of libc: sysconf, pathconf, ttyname, getlogin-like calls on the kernel.
#include "../oracle.h"
#include <sys/statvfs.h>
#include <sys/utsname.h>

int main(void) {
	show(sysconf(_SC_CLK_TCK)), show(sysconf(_SC_PAGESIZE)), show(sysconf(_SC_OPEN_MAX)), show(sysconf(_SC_IOV_MAX)), show(sysconf(_SC_NGROUPS_MAX)), show(sysconf(_SC_HOST_NAME_MAX)), show(sysconf(_SC_SYMLOOP_MAX)), show(sysconf(_SC_ARG_MAX)), show(sysconf(_SC_SIGQUEUE_MAX) > 10), show(sysconf(_SC_CHILD_MAX) > 10), show(sysconf(_SC_MONOTONIC_CLOCK) > 0);
	show(pathconf(".", _PC_NAME_MAX)), show(pathconf(".", _PC_PATH_MAX)), show(pathconf(".", _PC_LINK_MAX) > 0), show(pathconf(".", _PC_PIPE_BUF)), show(pathconf("none", _PC_NAME_MAX));
	show(isatty(0)), fact("ttyname: %s", ttyname(0) ? "some" : ename(errno));
	struct statvfs v;
	must(statvfs(".", &v)), fact("name %lu flags %#lx", v.f_namemax, v.f_flag & (ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC));
	must(statvfs("/sys", &v)), fact("sys flags %#lx", v.f_flag & (ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC));
	FILE *f = tmpfile();
	yes(f != NULL), fputs("temp", f), rewind(f);
	char b[8] = {0};
	yes(fgets(b, 8, f) && !strcmp(b, "temp"));
	f = popen("echo from a shell; exit 3", "r");
	char line[64] = {0};
	yes(fgets(line, 64, f) != NULL), fact("%.12s", line), status("pclose", pclose(f));
	status("system", system("exit 5")), status("system, killed", system("kill -9 $$"));
	char name[] = "tempXXXXXX", dir[] = "dirXXXXXX";
	struct stat st;
	int fd = must(mkstemp(name));
	must(fstat(fd, &st)), fact("mkstemp mode %o", st.st_mode), yes(mkdtemp(dir) != NULL), must(stat(dir, &st)), fact("mkdtemp mode %o", st.st_mode);
	char *real = realpath("./././", NULL), cwd[256];
	yes(real && !strcmp(real, getcwd(cwd, 256)));
	fact("posix_fallocate %s", ename(posix_fallocate(fd, 0, 1000)));
	show(lockf(fd, F_TLOCK, 0)), show(getdtablesize());
	return 0;
}
