// Writing /proc/sys: numbers, texts, positions, bounds, who may; values that are read in one go.
#include "../oracle.h"
static int put(const char *path, const char *text, off_t at) {
	int fd = open(path, O_WRONLY);
	if (fd < 0)
		return -1;
	int r = pwrite(fd, text, strlen(text), at), e = errno;
	close(fd), errno = e;
	return r;
}
static char *get(const char *path) {
	char *t = slurp(path);
	if (t && strchr(t, '\n'))
		*strrchr(t, '\n') = 0;
	return t ?: "none";
}
#define HOST "/proc/sys/kernel/hostname"
#define NET "/proc/sys/net/ipv4/"

int main(void) {
	quiet(spawn({
		must(unshare(CLONE_NEWUTS | CLONE_NEWNET));
		show(put(HOST, "first\nsecond", 0)), fact("%s", get(HOST)), show(put(HOST, "XY", 3)), fact("%s", get(HOST)), show(put(HOST, "z", 40)), fact("%s", get(HOST)), show(put(HOST, "", 0)), fact("%s", get(HOST)), show(put(HOST, "0123456789012345678901234567890123456789012345678901234567890123456789", 0)), fact("%s", get(HOST));
		struct { char n[65]; } name;
		must(gethostname(name.n, 65)), fact("%s", name.n), must(sethostname("new", 3)), fact("%s", get(HOST)), show(put("/proc/sys/kernel/domainname", "dom", 0)), fact("%s", get("/proc/sys/kernel/domainname"));
		int fd = must(open(HOST, O_RDWR));
		char b[16] = {0};
		show(read(fd, b, 2)), show(read(fd, b, 9)), show(read(fd, b, 9)), must(lseek(fd, 0, SEEK_SET)), show(write(fd, "ab", 2)), show(write(fd, "cd", 2)), fact("%s", get(HOST));
		show(put(NET "ip_forward", "1", 0)), fact("%s", get(NET "ip_forward")), show(put(NET "ip_forward", "0\n", 1)), fact("%s", get(NET "ip_forward")), show(put(NET "ip_forward", "x", 0)), show(put(NET "ip_forward", " 0 ", 0)), fact("%s", get(NET "ip_forward")), show(put(NET "ip_forward", "0x1\n", 0)), fact("%s", get(NET "ip_forward"));
		fact("%s", get(NET "ip_local_port_range")), show(put(NET "ip_local_port_range", "40000 50000", 0)), fact("%s", get(NET "ip_local_port_range")), show(put(NET "tcp_keepalive_time", "600", 0)), fact("%s", get(NET "tcp_keepalive_time")), fact("%s", get("/proc/sys/net/core/somaxconn")), show(put("/proc/sys/net/core/somaxconn", "1000", 0)), fact("%s", get("/proc/sys/net/core/somaxconn"));
		quiet(spawn(must(unshare(CLONE_NEWNET)); fact("%s %s", get(NET "tcp_keepalive_time"), get("/proc/sys/net/core/somaxconn"))));
		quiet(spawn(must(setuid(1000)); show(put(HOST, "no", 0)); show(put(NET "ip_forward", "1", 0)); show(access(HOST, W_OK)); show(access(HOST, R_OK)); show(access("/proc/sys/kernel", W_OK))));
	}));
	struct stat st;
	static const char *modes[] = {"", "/kernel", "/kernel/hostname", "/kernel/ostype", "/kernel/random/uuid", "/kernel/pid_max", "/vm/overcommit_memory", "/net/core/somaxconn", "/kernel/cap_last_cap", "/fs/file-nr"};
	for (unsigned i = 0; i < COUNT(modes); i++) {
		char path[64];
		snprintf(path, 64, "/proc/sys%s", modes[i]), must(stat(path, &st)), fact("%s %o %ld", modes[i], st.st_mode, (long)st.st_size);
	}
	show(put("/proc/sys/kernel/pid_max", "x", 0)), show(put("/proc/sys/kernel/pid_max", "1", 0)), show(put("/proc/sys/kernel/pid_max", "99999999", 0)), show(put("/proc/sys/vm/overcommit_memory", "3", 0)), show(put("/proc/sys/kernel/ostype", "x", 0)), show(put("/proc/sys/kernel/random/boot_id", "x", 0)), show(chmod(HOST, 0666)), show(unlink(HOST)), show(rename(HOST, "/proc/sys/kernel/x")), show(open("/proc/sys/kernel/new", O_CREAT | O_RDWR, 0600)), show(truncate(HOST, 0));
	return 0;
}
