package syscalls

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

func init() {
	register(rows{
		linux.SYS_GETUID:    {"getuid", "", getuid, ""},
		linux.SYS_GETEUID:   {"geteuid", "", geteuid, ""},
		linux.SYS_GETGID:    {"getgid", "", getgid, ""},
		linux.SYS_GETEGID:   {"getegid", "", getegid, ""},
		linux.SYS_GETRESUID: {"getresuid", "hex hex hex", getresuid, ""},
		linux.SYS_GETRESGID: {"getresgid", "hex hex hex", getresgid, ""},
		linux.SYS_SETUID:    {"setuid", "id", setuid, ""},
		linux.SYS_SETGID:    {"setgid", "id", setgid, ""},
		linux.SYS_SETREUID:  {"setreuid", "id id", setreuid, ""},
		linux.SYS_SETREGID:  {"setregid", "id id", setregid, ""},
		linux.SYS_SETRESUID: {"setresuid", "id id id", setresuid, ""},
		linux.SYS_SETRESGID: {"setresgid", "id id id", setresgid, ""},
		linux.SYS_SETFSUID:  {"setfsuid", "id", setfsuid, ""},
		linux.SYS_SETFSGID:  {"setfsgid", "id", setfsgid, ""},
		linux.SYS_GETGROUPS: {"getgroups", "int hex", getgroups, ""},
		linux.SYS_SETGROUPS: {"setgroups", "int hex", setgroups, ""},
		linux.SYS_CAPGET:    {"capget", "hex hex", capget, ""},
		linux.SYS_CAPSET:    {"capset", "hex hex", capset, ""},
	})
}

func getuid(t *kernel.Task, _ Args) (uintptr, linux.Errno) {
	c := t.Cred()
	return uintptr(c.NS.FromKernelUID(c.Ruid)), 0
}

func geteuid(t *kernel.Task, _ Args) (uintptr, linux.Errno) {
	c := t.Cred()
	return uintptr(c.NS.FromKernelUID(c.Euid)), 0
}

func getgid(t *kernel.Task, _ Args) (uintptr, linux.Errno) {
	c := t.Cred()
	return uintptr(c.NS.FromKernelGID(c.Rgid)), 0
}

func getegid(t *kernel.Task, _ Args) (uintptr, linux.Errno) {
	c := t.Cred()
	return uintptr(c.NS.FromKernelGID(c.Egid)), 0
}

// put3 stores three ids.
func put3(t *kernel.Task, a Args, ids ...uint32) (uintptr, linux.Errno) {
	for i, id := range ids {
		if errno := usermem.CopyOutInt(t.Space(), a.Addr(i), id); errno != 0 {
			return 0, errno
		}
	}
	return 0, 0
}

func getresuid(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	c := t.Cred()
	return put3(t, a, c.NS.FromKernelUID(c.Ruid), c.NS.FromKernelUID(c.Euid), c.NS.FromKernelUID(c.Suid))
}

func getresgid(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	c := t.Cred()
	return put3(t, a, c.NS.FromKernelGID(c.Rgid), c.NS.FromKernelGID(c.Egid), c.NS.FromKernelGID(c.Sgid))
}

func setuid(t *kernel.Task, a Args) (uintptr, linux.Errno) { return ret(t.Setuid(a.Uint(0))) }

func setgid(t *kernel.Task, a Args) (uintptr, linux.Errno) { return ret(t.Setgid(a.Uint(0))) }

func setreuid(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return ret(t.Setreuid(a.Uint(0), a.Uint(1)))
}

func setregid(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return ret(t.Setregid(a.Uint(0), a.Uint(1)))
}

func setresuid(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return ret(t.Setresuid([3]uint32{a.Uint(0), a.Uint(1), a.Uint(2)}))
}

func setresgid(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return ret(t.Setresgid([3]uint32{a.Uint(0), a.Uint(1), a.Uint(2)}))
}

func setfsuid(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return uintptr(t.Setfsuid(a.Uint(0))), 0
}

func setfsgid(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	return uintptr(t.Setfsgid(a.Uint(0))), 0
}

// getgroups is getgroups(2).
func getgroups(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	c, n := t.Cred(), a.Int(0)
	switch {
	case n < 0 || n != 0 && int(n) < len(c.Groups):
		return 0, linux.EINVAL
	case n == 0:
		return uintptr(len(c.Groups)), 0
	}
	ids := make([]uint32, len(c.Groups))
	for i, g := range c.Groups {
		ids[i] = c.NS.FromKernelGID(g)
	}
	return uintptr(len(ids)), usermem.CopyOutInts(t.Space(), a.Addr(1), ids)
}

// maxGroups is NGROUPS_MAX.
const maxGroups = 65536

// setgroups is setgroups(2).
func setgroups(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if c := t.Cred(); !c.Has(linux.CAP_SETGID) || !c.NS.SetgroupsAllowed() {
		return 0, linux.EPERM
	}
	n := a.Uint(0)
	if n > maxGroups {
		return 0, linux.EINVAL
	}
	ids, errno := usermem.CopyInInts[uint32](t.Space(), a.Addr(1), int(n))
	if errno != 0 {
		return 0, errno
	}
	return ret(t.Setgroups(ids))
}

// Versions of capget(2)'s header.
const (
	capVersion1 = 0x19980330
	capVersion2 = 0x20071026
	capVersion3 = 0x20080522
)

// capHeader reads the header and returns how many words of 32 capabilities follow. An unknown
// version is answered with the preferred one, and EINVAL.
func capHeader(t *kernel.Task, addr usermem.Addr) (words int, pid int32, errno linux.Errno) {
	s := t.Space()
	v, errno := usermem.CopyInInt[uint32](s, addr)
	if errno != 0 {
		return 0, 0, errno
	}
	switch v {
	case capVersion1:
		words = 1
	case capVersion2, capVersion3:
		words = 2
	default:
		if errno := usermem.CopyOutInt(s, addr, uint32(capVersion3)); errno != 0 {
			return 0, 0, errno
		}
		return 0, 0, linux.EINVAL
	}
	pid, errno = usermem.CopyInInt[int32](s, addr+4)
	return words, pid, errno
}

// capget is capget(2).
func capget(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	words, pid, errno := capHeader(t, a.Addr(0))
	if errno != 0 {
		if errno == linux.EINVAL && a.Addr(1) == 0 {
			errno = 0
		}
		return 0, errno
	}
	if pid < 0 {
		return 0, linux.EINVAL
	}
	o := t
	if pid != 0 {
		if o = t.Kernel().TaskIn(t.PIDNS(), pid); o == nil {
			return 0, linux.ESRCH
		}
	}
	if a.Addr(1) == 0 {
		return 0, 0
	}
	c := o.Cred()
	var v []uint32
	for i := range words {
		for _, set := range []auth.CapSet{c.Effective, c.Permitted, c.Inheritable} {
			v = append(v, uint32(set>>(32*i)))
		}
	}
	return ret(usermem.CopyOutInts(t.Space(), a.Addr(1), v))
}

// capset is capset(2).
func capset(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	words, pid, errno := capHeader(t, a.Addr(0))
	if errno != 0 {
		return 0, errno
	}
	if pid != 0 && pid != t.TID() {
		return 0, linux.EPERM
	}
	v, errno := usermem.CopyInInts[uint32](t.Space(), a.Addr(1), 3*words)
	if errno != 0 {
		return 0, errno
	}
	var sets [3]auth.CapSet
	for i := range words {
		for k := range sets {
			sets[k] |= auth.CapSet(v[3*i+k]) << (32 * i)
		}
	}
	return ret(t.Capset(sets[0], sets[1], sets[2]))
}
