// Mounting proc, sysfs, devpts, mqueue, ramfs anew; options of proc; proc of a new pid namespace.
#include "../oracle.h"
#include <sys/mount.h>
static int pids(void) {
	int n = 0;
	char path[32];
	for (int i = 1; i < 300; i++) {
		snprintf(path, 32, "m/%d/stat", i);
		n += access(path, F_OK) == 0;
	}
	return n;
}

int main(void) {
	must(unshare(CLONE_NEWNS | CLONE_NEWPID)), must(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL)), must(mkdir("m", 0755));
	quiet(spawn({
		show(mount("proc", "m", "proc", MS_RDONLY, NULL));
		show(pids());
		pid_t other = spawn(pause());
		show(pids());
		char link[16] = {0};
		must(readlink("m/self", link, 15)), fact("self %s", link);
		memset(link, 0, 16);
		must(readlink("m/thread-self", link, 15)), fact("thread-self %s", link);
		show(open("m/sys/kernel/hostname", O_WRONLY));
		kill(other, SIGKILL), reap("other", other);
		show(access("m/2/stat", F_OK)), show(umount("m"));
		show(mount("proc", "m", "proc", 0, "hidepid=2")), quiet(spawn(must(setgid(1000)); must(setuid(1000)); show(access("m/1/stat", F_OK)); show(access("m/self/stat", F_OK)))), show(umount("m"));
		show(mount("proc", "m", "proc", 0, "nonsense=1")), show(mount("proc", "m", "proc", 0, "hidepid=9"));
		show(mount("sysfs", "m", "sysfs", 0, NULL)), show(access("m/kernel", F_OK)), show(umount("m"));
		show(mount("mqueue", "m", "mqueue", 0, NULL)), show(umount("m"));
		show(mount("ramfs", "m", "ramfs", 0, "mode=0711"));
		struct stat st;
		must(stat("m", &st)), fact("mode %o", st.st_mode);
		make("m/x", "y"), fact("%s", slurp("m/x")), show(umount("m"));
		show(mount("none", "m", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NODIRATIME, NULL)), show(umount("m"));
		show(mkdir("m/d", 0755)), show(rmdir("m/d"));
	}));
	show(access("/proc/filesystems", R_OK));
	char *list = slurp("/proc/filesystems");
	yes(strstr(list, "\ttmpfs\n") && strstr(list, "nodev\tproc\n") && strstr(list, "nodev\tsysfs\n"));
	return 0;
}
