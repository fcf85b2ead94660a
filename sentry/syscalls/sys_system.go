package syscalls

import (
	"bytes"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

func init() {
	register(rows{
		linux.SYS_UNAME:         {"uname", "hex", uname, ""},
		linux.SYS_SETHOSTNAME:   {"sethostname", "buf size", sethostname, ""},
		linux.SYS_SETDOMAINNAME: {"setdomainname", "buf size", setdomainname, ""},
		linux.SYS_SYSINFO:       {"sysinfo", "hex", sysinfo, ""},
		linux.SYS_GETRANDOM:     {"getrandom", "obuf size hex", getrandom, ""},
		linux.SYS_GETRLIMIT:     {"getrlimit", "int hex", getrlimit, ""},
		linux.SYS_SETRLIMIT:     {"setrlimit", "int hex", setrlimit, ""},
		linux.SYS_PRLIMIT64:     {"prlimit64", "pid int hex hex", prlimit64, ""},
		linux.SYS_GETRUSAGE:     {"getrusage", "int hex", getrusage, ""},
		linux.SYS_SYSLOG:        {"syslog", "int hex int", syslog, "the ring buffer is empty"},
		linux.SYS_REBOOT:        {"reboot", "hex hex hex hex", reboot, "only from a PID namespace's init, as there"},
		linux.SYS_VHANGUP:       {"vhangup", "", vhangup, ""},
		linux.SYS_IOPERM:        {"ioperm", "hex hex int", ioperm, "nobody may: EPERM"},
		linux.SYS_IOPL:          {"iopl", "int", iopl, "nobody may: EPERM"},
		linux.SYS_SYSFS:         {"sysfs", "int hex hex", sysfsCall, ""},
	})
}

// What uname(2) says of this kernel.
const (
	sysname = "Linux"
	release = "6.12.0"
	version = "#1 SMP PREEMPT_DYNAMIC runsc"
	machine = "x86_64"
)

// uname is uname(2).
func uname(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	host, domain := t.Namespaces().UTS.Names()
	var u linux.Utsname
	copy(u.Sysname[:64], sysname)
	copy(u.Nodename[:64], host)
	rel := release
	if t.Personality()&uname26 != 0 {
		rel = "2.6.72"
	}
	copy(u.Release[:64], rel)
	copy(u.Version[:64], version)
	mach := machine
	if t.Personality()&perMask == perLinux32 {
		mach = "i686"
	}
	copy(u.Machine[:64], mach)
	copy(u.Domainname[:64], domain)
	return ret(usermem.CopyOut(t.Space(), a.Addr(0), &u))
}

// utsName copies in a host or domain name.
func utsName(t *kernel.Task, a Args) (string, linux.Errno) {
	if !t.Cred().HasIn(t.Namespaces().UTS.Owner, linux.CAP_SYS_ADMIN) {
		return "", linux.EPERM
	}
	if a.Int(1) < 0 || a.Int(1) > 64 {
		return "", linux.EINVAL
	}
	b := make([]byte, a.Int(1))
	if _, errno := t.Space().CopyIn(a.Addr(0), b); errno != 0 {
		return "", errno
	}
	name, _, _ := bytes.Cut(b, []byte{0})
	return string(name), 0
}

// sethostname is sethostname(2).
func sethostname(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	name, errno := utsName(t, a)
	if errno == 0 {
		t.Namespaces().UTS.SetHostname(name)
	}
	return 0, errno
}

// setdomainname is setdomainname(2).
func setdomainname(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	name, errno := utsName(t, a)
	if errno == 0 {
		t.Namespaces().UTS.SetDomainname(name)
	}
	return 0, errno
}

// sysinfo is sysinfo(2).
func sysinfo(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	k := t.Kernel()
	load := k.Load()
	used := k.Pool.Total()
	s := linux.Sysinfo{
		Uptime: (k.Uptime() + linux.Second - 1) / linux.Second, Totalram: k.TotalRAM, Freeram: k.TotalRAM - min(used, k.TotalRAM),
		Sharedram: k.SharedMemory(), Procs: uint16(min(k.Tasks(), 65535)), Unit: 1,
	}
	for i := range load {
		s.Loads[i] = load[i] << 5 // from 11 to 16 bits of fraction
	}
	return ret(usermem.CopyOut(t.Space(), a.Addr(0), &s))
}

// getrandom is getrandom(2).
func getrandom(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	const nonblock, random, insecure = 1, 2, 4
	flags := a.Uint(2)
	if flags&^(nonblock|random|insecure) != 0 || flags&(random|insecure) == random|insecure {
		return 0, linux.EINVAL
	}
	n := min(a.Size(1), usermem.MaxRW)
	chunk := make([]byte, min(n, 4096)) // mostly a few bytes
	done := uint64(0)
	for done < n {
		b := chunk[:min(n-done, uint64(len(chunk)))]
		t.Kernel().Random(b)
		got, errno := t.Space().CopyOut(a.Addr(0)+usermem.Addr(done), b)
		done += uint64(got)
		if errno != 0 {
			if done == 0 {
				return 0, errno
			}
			break
		}
		if t.Waiter().Interrupted() && done >= 256 {
			break
		}
	}
	return uintptr(done), 0
}

// getrlimit is getrlimit(2).
func getrlimit(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Uint(0) >= linux.RLIM_NLIMITS {
		return 0, linux.EINVAL
	}
	l := t.Group().Rlimit(int(a.Uint(0)))
	return ret(usermem.CopyOut(t.Space(), a.Addr(1), &l))
}

// setrlimit is setrlimit(2).
func setrlimit(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Uint(0) >= linux.RLIM_NLIMITS {
		return 0, linux.EINVAL
	}
	l, errno := usermem.CopyIn[linux.Rlimit](t.Space(), a.Addr(1))
	if errno != 0 {
		return 0, errno
	}
	return ret(t.SetRlimit(t.Group(), int(a.Uint(0)), l))
}

// prlimit64 is prlimit(2).
func prlimit64(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Uint(1) >= linux.RLIM_NLIMITS {
		return 0, linux.EINVAL
	}
	r := int(a.Uint(1))
	var n linux.Rlimit
	set := a.Addr(2) != 0
	if set {
		var errno linux.Errno
		if n, errno = usermem.CopyIn[linux.Rlimit](t.Space(), a.Addr(2)); errno != 0 {
			return 0, errno
		}
	}
	o := t
	if a.Int(0) != 0 {
		if o = t.Kernel().TaskIn(t.PIDNS(), a.Int(0)); o == nil {
			return 0, linux.ESRCH
		}
		c, d := t.Cred(), o.Cred()
		same := c.Ruid == d.Euid && c.Ruid == d.Suid && c.Ruid == d.Ruid && c.Rgid == d.Egid && c.Rgid == d.Sgid && c.Rgid == d.Rgid
		if o.Group() != t.Group() && !same && !c.HasIn(d.NS, linux.CAP_SYS_RESOURCE) {
			return 0, linux.EPERM
		}
	}
	old := o.Group().Rlimit(r)
	if set {
		if errno := t.SetRlimit(o.Group(), r, n); errno != 0 {
			return 0, errno
		}
	}
	if p := a.Addr(3); p != 0 {
		return ret(usermem.CopyOut(t.Space(), p, &old))
	}
	return 0, 0
}

// getrusage is getrusage(2).
func getrusage(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	u, errno := t.Rusage(int(a.Int(0)))
	if errno != 0 {
		return 0, errno
	}
	return ret(usermem.CopyOut(t.Space(), a.Addr(1), &u))
}

// syslog is syslog(2): an empty ring buffer.
func syslog(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	const (
		readAll    = 3
		sizeUnread = 9
		sizeBuffer = 10
	)
	cmd := a.Int(0)
	if cmd < 0 || cmd > sizeBuffer {
		return 0, linux.EINVAL
	}
	if c := t.Cred(); cmd != readAll && cmd != sizeBuffer && !c.HasIn(t.Kernel().UserNS, linux.CAP_SYSLOG) {
		return 0, linux.EPERM
	}
	switch cmd {
	case 2, 3, 4:
		if a.Addr(1) == 0 || a.Int(2) < 0 {
			return 0, linux.EINVAL
		}
	case sizeBuffer:
		return 1 << 17, 0
	}
	return 0, 0
}

// reboot is reboot(2): it ends the caller's PID namespace (kernel/pid_namespace.c,
// reboot_pid_ns).
func reboot(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if !t.Cred().Has(linux.CAP_SYS_BOOT) {
		return 0, linux.EPERM
	}
	const magic1 = 0xfee1dead
	switch a.Uint(1) {
	case 672274793, 85072278, 369367448, 537993216:
	default:
		return 0, linux.EINVAL
	}
	if a.Uint(0) != magic1 {
		return 0, linux.EINVAL
	}
	switch a.Uint(2) {
	case 0x89abcdef, 0: // ctrl-alt-del
		return 0, linux.EINVAL
	case 0x01234567, 0xa1b2c3d4: // restart
		t.Kernel().Reboot(t.PIDNS(), linux.SIGHUP)
	case 0xcdef0123, 0x4321fedc: // halt, power off
		t.Kernel().Reboot(t.PIDNS(), linux.SIGINT)
	default:
		return 0, linux.EINVAL
	}
	return 0, 0
}

// vhangup is vhangup(2).
func vhangup(t *kernel.Task, _ Args) (uintptr, linux.Errno) {
	if !t.Cred().Has(linux.CAP_SYS_TTY_CONFIG) {
		return 0, linux.EPERM
	}
	if tty := t.TTY(); tty != nil {
		if s := tty.Session(); s != nil {
			s.Hangup()
		}
	}
	return 0, 0
}

// ioperm is ioperm(2).
func ioperm(_ *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Size(0)+a.Size(1) < a.Size(0) || a.Size(0)+a.Size(1) > 65536 {
		return 0, linux.EINVAL
	}
	return 0, linux.EPERM
}

// iopl is iopl(2).
func iopl(_ *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Uint(0) > 3 {
		return 0, linux.EINVAL
	}
	return 0, linux.EPERM
}

// sysfsCall is sysfs(2).
func sysfsCall(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	types := t.Kernel().Filesystems()
	switch a.Int(0) {
	case 1:
		name, errno := path(t, a.Addr(1), false)
		if errno != 0 {
			return 0, errno
		}
		for i, n := range types {
			if n == name {
				return uintptr(i), 0
			}
		}
	case 2:
		if a.Uint(1) < uint32(len(types)) {
			_, errno := t.Space().CopyOut(a.Addr(2), append([]byte(types[a.Uint(1)]), 0))
			return 0, errno
		}
	case 3:
		return uintptr(len(types)), 0
	}
	return 0, linux.EINVAL
}
