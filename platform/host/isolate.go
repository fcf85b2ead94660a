package host

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// Isolate gives up what the process can see and do of the host, before it meets its first
// hostile byte: an empty read-only root in the mount namespace it was started in (of its own:
// the caller has seen to that), no supplementary groups, the unprivileged user and group id
// in every thread, with that no capabilities, and no_new_privs. uid 0 (rootless: the process is root of a user
// namespace that holds nothing else) keeps the id and drops the capabilities only. Those to keep
// stay. The seccomp filter comes later (Seal), when the descriptors that need more are made.
func Isolate(uid, gid int, keep ...int) error {
	RaiseOpenFiles()
	if err := EmptyRoot(); err != nil {
		return err
	}
	if uid != 0 {
		if e := allThreads(unix.SYS_PRCTL, unix.PR_SET_KEEPCAPS, uintptr(min(len(keep), 1)), 0); e != 0 {
			return fmt.Errorf("keep capabilities: %w", e)
		}
		if err := syscall.Setgroups(nil); err != nil {
			return fmt.Errorf("drop supplementary groups: %w", err)
		}
		if err := syscall.Setresgid(gid, gid, gid); err != nil {
			return fmt.Errorf("become group %d: %w", gid, err)
		}
		if err := syscall.Setresuid(uid, uid, uid); err != nil {
			return fmt.Errorf("become user %d: %w", uid, err)
		}
	}
	return KeepCapabilities(keep...)
}

// maxOpen is how many descriptors the sentry and the gofer may have. Each file of the host that
// the application has open, and each that is cached, takes one.
const maxOpen = 1 << 18

// RaiseOpenFiles raises RLIMIT_NOFILE of the process as far as it may.
func RaiseOpenFiles() {
	var r unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &r) != nil || r.Cur >= maxOpen {
		return
	}
	if unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: maxOpen, Max: max(r.Max, maxOpen)}) != nil {
		r.Cur = min(r.Max, maxOpen)
		unix.Setrlimit(unix.RLIMIT_NOFILE, &r)
	}
}

// OpenFiles is how many descriptors the process may have, maxOpen at most.
func OpenFiles() int {
	var r unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &r) != nil || r.Cur > maxOpen {
		return maxOpen
	}
	return int(r.Cur)
}

// KeepCapabilities leaves every thread the given capabilities only, of those it has (uid 0 keeps what it
// had otherwise), and forbids it to gain any (no_new_privs).
func KeepCapabilities(keep ...int) error {
	var mask uint64
	for _, c := range keep {
		mask |= 1 << c
	}
	if err := setCapabilities(mask); err != nil {
		return err
	}
	if e := allThreads(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0); e != 0 {
		return fmt.Errorf("set no_new_privs: %w", e)
	}
	return nil
}

// EmptyRoot makes an empty tmpfs the root of the mount namespace and takes the old one away.
func EmptyRoot() error {
	steps := []struct {
		what string
		do   func() error
	}{
		{"make mounts private", func() error { return unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "") }},
		{"mount an empty root", func() error {
			return unix.Mount("none", "/proc", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "size=0,nr_inodes=2")
		}},
		{"enter the empty root", func() error { return unix.Chdir("/proc") }},
		{"pivot to the empty root", func() error { return unix.PivotRoot(".", ".") }},
		{"detach the old root", func() error { return unix.Unmount(".", unix.MNT_DETACH) }},
		{"enter the empty root", func() error { return unix.Chdir("/") }},
		{"make the empty root read-only", func() error {
			return unix.Mount("", "/", "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
		}},
	}
	for _, s := range steps {
		if err := s.do(); err != nil {
			return fmt.Errorf("%s: %w", s.what, err)
		}
	}
	return nil
}
