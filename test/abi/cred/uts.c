// sethostname, setdomainname, uname, UTS namespaces, /proc/sys/kernel.
#include "../oracle.h"
#include <sys/personality.h>
#include <sys/utsname.h>

int main(void) {
	struct utsname u;
	must(uname(&u));
	fact("%s %s %s %s", u.sysname, u.nodename, u.machine, u.domainname);
	yes(strlen(u.release) > 2 && u.release[0] == '6' && u.release[1] == '.');
	yes(u.version[0] == '#');
	show(uname((void *)8));
	must(unshare(CLONE_NEWUTS));
	show(sethostname("new-name", 8)), must(uname(&u)), fact("%s", u.nodename);
	char long_[70];
	memset(long_, 'n', 70);
	show(sethostname(long_, 64)), show(sethostname(long_, 65)), show(sethostname(long_, -1)), show(sethostname((void *)8, 5)), show(setdomainname("dom", 3)), show(setdomainname(long_, 65));
	must(uname(&u)), fact("%zu %s", strlen(u.nodename), u.domainname);
	show(sethostname("", 0)), must(uname(&u)), fact("'%s'", u.nodename);
	must(sethostname("abc", 3));
	fact("%s", slurp("/proc/sys/kernel/hostname"));
	int fd = must(open("/proc/sys/kernel/hostname", O_WRONLY));
	show(write(fd, "by-proc\n", 8)), must(uname(&u)), fact("%s", u.nodename);
	quiet(spawn(sethostname("child", 5)));
	must(uname(&u)), fact("%s", u.nodename);
	quiet(spawn(must(unshare(CLONE_NEWUTS)); must(sethostname("apart", 5))));
	must(uname(&u)), fact("%s", u.nodename);
	quiet(spawn(must(setuid(1000)); show(sethostname("x", 1)); show(unshare(CLONE_NEWUTS))));
	char *text = slurp("/proc/version");
	yes(text && !strncmp(text, "Linux version 6.", 16));
	text = slurp("/proc/sys/kernel/ostype"), fact("%s", text);
	yes(!strncmp(slurp("/proc/sys/kernel/osrelease"), u.release, strlen(u.release)));
	quiet(spawn(must(personality(0x0020000)); must(uname(&u)); fact("2.6 personality: %.4s", u.release)));
	return 0;
}
