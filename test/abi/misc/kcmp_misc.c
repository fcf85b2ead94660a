// kcmp(2), and calls that the unprivileged may not make.
#include "../oracle.h"
#define t(name, ...) fact(#name ": %s", ename(err(sys(SYS_##name, __VA_ARGS__))))

int main(void) {
	int p[2], d = must(dup(0));
	must(pipe(p));
	show(sys(SYS_kcmp, getpid(), getpid(), 0, 0, d)), show(sys(SYS_kcmp, getpid(), getpid(), 0, p[0], p[1]) > 0), show(sys(SYS_kcmp, getpid(), getpid(), 0, 0, 999)), show(sys(SYS_kcmp, getpid(), getpid(), 1, 0, 0)), show(sys(SYS_kcmp, getpid(), 999999, 1, 0, 0)), show(sys(SYS_kcmp, getpid(), getpid(), 99, 0, 0));
	pid_t pid = spawn(pause());
	show(sys(SYS_kcmp, getpid(), pid, 0, 0, 0)), show(sys(SYS_kcmp, getpid(), pid, 1, 0, 0) > 0);
	kill(pid, SIGKILL), reap("child", pid);
	quiet(spawn({
		must(setgid(1000)), must(setuid(1000));
		t(mount, "x", "/tmp", "tmpfs", 0, 0), t(umount2, "/tmp", 0), t(chroot, "/"), t(pivot_root, "/", "/"), t(sethostname, "x", 1), t(setdomainname, "x", 1), t(reboot, 0xfee1dead, 672274793, 0, 0), t(settimeofday, 8, 0), t(vhangup, 0), t(setns, 0, 0), t(mknod, "/tmp/d", S_IFCHR | 0600, 0x103), t(setgroups, 0, 0), t(setresuid, 0, 0, 0), t(setpriority, 0, 0, -5), t(clock_settime, 0, 8), t(sched_setscheduler, 0, 1, ((int[]){1}));
	}));
	t(sync, 0), t(syncfs, 999), t(personality, 0xffffffff), t(umask, 022), t(getpgrp, 0), t(readahead, 999, 0, 0), t(restart_syscall, 0), t(alarm, 0);
	return 0;
}
