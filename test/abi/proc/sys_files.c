// Files of /proc/sys that programs read: present, with sane values; writing where it is allowed.
#include "../oracle.h"
static void read_(const char *name, int value) {
	char path[96], *t;
	snprintf(path, 96, "/proc/sys/%s", name), t = slurp(path);
	if (t && strchr(t, '\n'))
		*strchr(t, '\n') = 0;
	fact("%s: %s", name, !t ? ename(errno) : value ? t : *t ? "there" : "empty");
}

int main(void) {
	read_("kernel/ostype", 1), read_("kernel/osrelease", 0), read_("kernel/version", 0), read_("kernel/hostname", 1), read_("kernel/domainname", 1), read_("kernel/pid_max", 0), read_("kernel/threads-max", 0), read_("kernel/cap_last_cap", 1), read_("kernel/ngroups_max", 1), read_("kernel/random/uuid", 0), read_("kernel/random/boot_id", 0), read_("kernel/random/entropy_avail", 0), read_("kernel/shmmax", 1), read_("kernel/shmall", 0), read_("kernel/sem", 1), read_("kernel/msgmax", 1), read_("kernel/core_pattern", 0), read_("kernel/overflowuid", 1), read_("kernel/overflowgid", 1), read_("kernel/none", 1);
	read_("vm/overcommit_memory", 0), read_("vm/max_map_count", 0), read_("vm/mmap_min_addr", 0), read_("fs/file-max", 0), read_("fs/nr_open", 0), read_("fs/pipe-max-size", 0), read_("fs/file-nr", 0), read_("fs/mqueue/msg_max", 1), read_("fs/mqueue/msgsize_max", 1), read_("fs/inotify/max_user_watches", 0);
	char *u = slurp("/proc/sys/kernel/random/uuid"), *v = slurp("/proc/sys/kernel/random/uuid"), *b = slurp("/proc/sys/kernel/random/boot_id"), *b2 = slurp("/proc/sys/kernel/random/boot_id");
	fact("uuid: length %zu, version %c, new each time %d; boot id the same %d", strlen(u), u[14], strcmp(u, v) != 0, strcmp(b, b2) == 0);
	struct stat st;
	must(stat("/proc/sys/kernel/ostype", &st)), fact("mode %o size %ld", st.st_mode, (long)st.st_size), must(stat("/proc/sys", &st)), fact("mode %o", st.st_mode);
	show(open("/proc/sys/kernel/ostype", O_WRONLY) < 0 || errno == EACCES), show(open("/proc/sys/none", O_CREAT | O_RDWR, 0600)), show(mkdir("/proc/sys/x", 0755)), show(unlink("/proc/sys/kernel/ostype"));
	quiet(spawn({
		must(unshare(CLONE_NEWUTS));
		int fd = must(open("/proc/sys/kernel/hostname", O_RDWR));
		show(write(fd, "abc", 3)), show(pwrite(fd, "def", 3, 1) >= 0), fact("%.3s", slurp("/proc/sys/kernel/hostname"));
		show(ftruncate(fd, 0)), show(write(fd, "", 0));
	}));
	quiet(spawn(must(setuid(1000)); show(open("/proc/sys/kernel/hostname", O_WRONLY)); ok(open("/proc/sys/kernel/hostname", O_RDONLY))));
	return 0;
}
