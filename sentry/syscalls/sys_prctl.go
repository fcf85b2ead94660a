package syscalls

import (
	"bytes"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform/arch"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/bpf"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

func init() {
	register(rows{
		linux.SYS_PRCTL:      {"prctl", "int hex hex hex hex", prctl, "no PR_SET_MM_MAP, PR_SCHED_CORE, speculation control"},
		linux.SYS_ARCH_PRCTL: {"arch_prctl", "hex hex", archPrctl, "segment bases and CPUID; no AMX, no shadow stack"},
		linux.SYS_SECCOMP:    {"seccomp", "int hex hex", seccomp, ""},
	})
}

// Operations of prctl(2) (include/uapi/linux/prctl.h).
const (
	prSetPdeathsig      = 1
	prGetPdeathsig      = 2
	prGetDumpable       = 3
	prSetDumpable       = 4
	prGetKeepcaps       = 7
	prSetKeepcaps       = 8
	prGetTiming         = 13
	prSetTiming         = 14
	prSetName           = 15
	prGetName           = 16
	prGetSeccomp        = 21
	prSetSeccomp        = 22
	prCapbsetRead       = 23
	prCapbsetDrop       = 24
	prGetTSC            = 25
	prSetTSC            = 26
	prGetSecurebits     = 27
	prSetSecurebits     = 28
	prSetTimerslack     = 29
	prGetTimerslack     = 30
	prMCEKill           = 33
	prMCEKillGet        = 34
	prSetChildSubreaper = 36
	prGetChildSubreaper = 37
	prSetNoNewPrivs     = 38
	prGetNoNewPrivs     = 39
	prGetTidAddress     = 40
	prSetTHPDisable     = 41
	prGetTHPDisable     = 42
	prTaskPerfDisable   = 31
	prTaskPerfEnable    = 32
	prSetMM             = 35
	prCapAmbient        = 47
	prSetIOFlusher      = 57
	prGetIOFlusher      = 58
	prSetUserDispatch   = 59
	prSetVMA            = 0x53564d41
	prSetVMAAnonName    = 0
	capAmbientIsSet     = 1
	capAmbientRaise     = 2
	capAmbientLower     = 3
	capAmbientClearAll  = 4
)

// prctl is prctl(2).
func prctl(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	s := t.Space()
	switch a.Int(0) {
	case prSetPdeathsig:
		if a[1] > linux.SIGRTMAX {
			return 0, linux.EINVAL
		}
		t.SetPdeathSignal(a.Int(1))
		return 0, 0
	case prGetPdeathsig:
		return ret(usermem.CopyOutInt(s, a.Addr(1), t.PdeathSignal()))
	case prGetDumpable:
		return uintptr(t.Group().Dumpable()), 0
	case prSetDumpable:
		if a[1] > 1 {
			return 0, linux.EINVAL
		}
		t.Group().SetDumpable(a.Int(1))
		return 0, 0
	case prGetTiming:
		return 0, 0
	case prSetTiming:
		if a[1] != 0 {
			return 0, linux.EINVAL
		}
		return 0, 0
	case prSetName:
		var b [16]byte
		n, errno := s.CopyInStringTo(a.Addr(1), b[:])
		if errno != 0 && errno != linux.ENAMETOOLONG {
			return 0, errno
		}
		if errno == linux.ENAMETOOLONG {
			n = 15
		}
		name, _, _ := bytes.Cut(b[:n], []byte{0})
		t.SetComm(string(name))
		return 0, 0
	case prGetName:
		var b [16]byte
		copy(b[:15], t.Comm())
		_, errno := s.CopyOut(a.Addr(1), b[:])
		return 0, errno
	case prGetTSC:
		return ret(usermem.CopyOutInt(s, a.Addr(1), int32(1)))
	case prSetTSC:
		if a[1] != 1 {
			return 0, linux.EINVAL
		}
		return 0, 0
	case prSetTimerslack:
		n := a.Long(1)
		if n <= 0 {
			n = 50 * linux.Microsecond
		}
		t.SetTimerSlack(n)
		return 0, 0
	case prGetTimerslack:
		return uintptr(t.TimerSlack()), 0
	case prSetChildSubreaper:
		t.Group().SetSubreaper(a[1] != 0)
		return 0, 0
	case prGetChildSubreaper:
		return ret(usermem.CopyOutInt(s, a.Addr(1), boolInt(t.Group().Subreaper())))
	case prSetVMA:
		return prctlVMA(t, a)
	case prGetTidAddress:
		return ret(usermem.CopyOutInt(s, a.Addr(1), uint64(t.ClearTID())))
	case prMCEKill, prMCEKillGet:
		return prctlMCE(a)
	case prSetTHPDisable:
		if a[2]|a[3]|a[4] != 0 {
			return 0, linux.EINVAL
		}
		t.Group().SetTHPDisabled(a[1] != 0)
		return 0, 0
	case prTaskPerfDisable, prTaskPerfEnable:
		return 0, 0 // of all the counters there are: none
	case prSetMM:
		return ret(prctlMM(t, a))
	case prSetIOFlusher, prGetIOFlusher:
		return prctlIOFlusher(t, a)
	case prSetUserDispatch:
		if a[1] > 1 {
			return 0, linux.EINVAL
		}
		return ret(t.SetUserDispatch(a[1] == 1, a[2], a[3], a.Addr(4)))
	case prGetTHPDisable:
		if a[1]|a[2]|a[3]|a[4] != 0 {
			return 0, linux.EINVAL
		}
		return uintptr(boolInt(t.Group().THPDisabled())), 0
	}
	return prctlSecurity(t, a)
}

func boolInt(b bool) int32 {
	if b {
		return 1
	}
	return 0
}

// prctlMCE is PR_MCE_KILL: memory failures are the host's.
func prctlMCE(a Args) (uintptr, linux.Errno) {
	const clear, set, dflt = 0, 1, 2
	if a.Int(0) == prMCEKillGet {
		if a[1]|a[2]|a[3]|a[4] != 0 {
			return 0, linux.EINVAL
		}
		return dflt, 0
	}
	switch {
	case a[3]|a[4] != 0, a[1] == clear && a[2] != 0, a[1] == set && a[2] > dflt, a[1] > set:
		return 0, linux.EINVAL
	}
	return 0, 0
}

// prctlSecurity are the operations about credentials and filters.
func prctlSecurity(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	c := t.Cred()
	switch a.Int(0) {
	case prGetKeepcaps:
		return uintptr(boolInt(t.KeepCaps())), 0
	case prSetKeepcaps:
		if a[1] > 1 {
			return 0, linux.EINVAL
		}
		if c.Securebits&(kernel.SecureKeepCaps<<1) != 0 {
			return 0, linux.EPERM
		}
		t.SetKeepCaps(a[1] == 1)
		return 0, 0
	case prGetSeccomp:
		mode, _ := t.SeccompMode()
		return uintptr(mode), 0
	case prSetSeccomp:
		switch a[1] {
		case kernel.SeccompStrict:
			return ret(t.SetSeccompStrict())
		case kernel.SeccompFilter:
			return addFilter(t, 0, a.Addr(2))
		}
		return 0, linux.EINVAL
	case prCapbsetRead:
		if a[1] > linux.CAP_LAST_CAP {
			return 0, linux.EINVAL
		}
		return uintptr(boolInt(c.Bounding.Has(int(a[1])))), 0
	case prCapbsetDrop:
		if !c.Has(linux.CAP_SETPCAP) {
			return 0, linux.EPERM
		}
		if a[1] > linux.CAP_LAST_CAP {
			return 0, linux.EINVAL
		}
		n := c.Clone()
		n.Bounding &^= 1 << a[1]
		t.SetCred(n)
		return 0, 0
	case prGetSecurebits:
		bits := c.Securebits
		if t.KeepCaps() {
			bits |= kernel.SecureKeepCaps
		}
		return uintptr(bits), 0
	case prSetSecurebits:
		return ret(setSecurebits(t, a[1]))
	case prSetNoNewPrivs:
		if a[1] != 1 || a[2]|a[3]|a[4] != 0 {
			return 0, linux.EINVAL
		}
		n := c.Clone()
		n.NoNewPrivs = true
		t.SetCred(n)
		return 0, 0
	case prGetNoNewPrivs:
		if a[1]|a[2]|a[3]|a[4] != 0 {
			return 0, linux.EINVAL
		}
		return uintptr(boolInt(c.NoNewPrivs)), 0
	case prCapAmbient:
		return prctlAmbient(t, a)
	}
	return 0, linux.EINVAL
}

// setSecurebits is PR_SET_SECUREBITS: locked bits stay (cap_task_prctl).
func setSecurebits(t *kernel.Task, bits uint64) linux.Errno {
	const all, locks = 0xff, 0xaa
	c := t.Cred()
	old := uint64(c.Securebits)
	if old&locks>>1&(old^bits) != 0 || old&locks&^bits != 0 || bits&^all != 0 || !c.Has(linux.CAP_SETPCAP) {
		return linux.EPERM
	}
	n := c.Clone()
	n.Securebits = uint32(bits)
	t.SetCred(n)
	t.SetKeepCaps(bits&kernel.SecureKeepCaps != 0)
	return 0
}

// prctlAmbient is PR_CAP_AMBIENT.
func prctlAmbient(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	c := t.Cred()
	if a[3]|a[4] != 0 {
		return 0, linux.EINVAL
	}
	if a[1] == capAmbientClearAll {
		if a[2] != 0 {
			return 0, linux.EINVAL
		}
		n := c.Clone()
		n.Ambient = 0
		t.SetCred(n)
		return 0, 0
	}
	if a[2] > linux.CAP_LAST_CAP {
		return 0, linux.EINVAL
	}
	bit := auth.CapSet(1) << a[2]
	switch a[1] {
	case capAmbientIsSet:
		return uintptr(boolInt(c.Ambient&bit != 0)), 0
	case capAmbientRaise:
		if c.Permitted&bit == 0 || c.Inheritable&bit == 0 || c.Securebits&kernel.SecureNoCapAmbientRise != 0 {
			return 0, linux.EPERM
		}
		n := c.Clone()
		n.Ambient |= bit
		t.SetCred(n)
		return 0, 0
	case capAmbientLower:
		n := c.Clone()
		n.Ambient &^= bit
		t.SetCred(n)
		return 0, 0
	}
	return 0, linux.EINVAL
}

// prctlVMA is PR_SET_VMA.
func prctlVMA(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a[1] != prSetVMAAnonName {
		return 0, linux.EINVAL
	}
	name := ""
	if p := a.Addr(4); p != 0 {
		var errno linux.Errno
		if name, errno = t.Space().CopyInString(p, 80); errno != 0 {
			if errno == linux.ENAMETOOLONG {
				errno = linux.EINVAL
			}
			return 0, errno
		}
		for _, c := range []byte(name) {
			if c < 0x20 || c > 0x7e || bytes.IndexByte([]byte("\\`$[]"), c) >= 0 {
				return 0, linux.EINVAL
			}
		}
	}
	return ret(t.MM().SetAnonName(a.Addr(2), a.Size(3), name))
}

// Operations of arch_prctl(2).
const (
	archSetGS     = 0x1001
	archSetFS     = 0x1002
	archGetFS     = 0x1003
	archGetGS     = 0x1004
	archGetCPUID  = 0x1011
	archSetCPUID  = 0x1012
	archXcompSupp = 0x1021
	archXcompPerm = 0x1022
)

// archPrctl is arch_prctl(2).
func archPrctl(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	r := t.Regs()
	switch a.Int(0) {
	case archSetFS, archSetGS:
		if a[1] >= arch.TaskSizeMax {
			return 0, linux.EPERM
		}
		if a.Int(0) == archSetFS {
			r.FsBase, r.Fs = a[1], 0
		} else {
			r.GsBase, r.Gs = a[1], 0
		}
		return 0, 0
	case archGetFS:
		return ret(usermem.CopyOutInt(t.Space(), a.Addr(1), r.FsBase))
	case archGetGS:
		return ret(usermem.CopyOutInt(t.Space(), a.Addr(1), r.GsBase))
	case archGetCPUID:
		return 1, 0
	case archSetCPUID:
		return 0, linux.ENODEV
	case archXcompSupp, archXcompPerm:
		return ret(usermem.CopyOutInt(t.Space(), a.Addr(1), arch.XFeatures))
	}
	return 0, linux.EINVAL
}

// Operations of seccomp(2).
const (
	seccompSetModeStrict  = 0
	seccompSetModeFilter  = 1
	seccompGetActionAvail = 2
	seccompGetNotifSizes  = 3
)

// seccomp is seccomp(2).
func seccomp(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	switch a.Uint(0) {
	case seccompSetModeStrict:
		if a.Uint(1) != 0 || a[2] != 0 {
			return 0, linux.EINVAL
		}
		return ret(t.SetSeccompStrict())
	case seccompSetModeFilter:
		return addFilter(t, a.Uint(1), a.Addr(2))
	case seccompGetActionAvail:
		if a.Uint(1) != 0 {
			return 0, linux.EINVAL
		}
		v, errno := usermem.CopyInInt[uint32](t.Space(), a.Addr(2))
		if errno != 0 {
			return 0, errno
		}
		switch v {
		case kernel.RetKillProcess, kernel.RetKillThread, kernel.RetTrap, kernel.RetErrno, kernel.RetUserNotif, kernel.RetTrace, kernel.RetLog, kernel.RetAllow:
			return 0, 0
		}
		return 0, linux.EOPNOTSUPP
	case seccompGetNotifSizes:
		if a.Uint(1) != 0 {
			return 0, linux.EINVAL
		}
		// struct seccomp_notif_sizes: 80, 24, 64.
		return ret(usermem.CopyOutInts(t.Space(), a.Addr(2), []uint16{80, 24, 64}))
	}
	return 0, linux.EINVAL
}

// addFilter copies in a struct sock_fprog and installs it.
func addFilter(t *kernel.Task, flags uint32, addr usermem.Addr) (uintptr, linux.Errno) {
	const known = kernel.SeccompFlagTsync | kernel.SeccompFlagLog | kernel.SeccompFlagSpecAllow | kernel.SeccompFlagTsyncEsrch |
		kernel.SeccompFlagNewListener | kernel.SeccompFlagWaitKillable
	has := func(bits uint32) bool { return flags&bits == bits }
	switch {
	case flags&^known != 0, has(kernel.SeccompFlagTsync|kernel.SeccompFlagNewListener) && !has(kernel.SeccompFlagTsyncEsrch),
		has(kernel.SeccompFlagWaitKillable) && !has(kernel.SeccompFlagNewListener):
		return 0, linux.EINVAL
	}
	s := t.Space()
	n, errno := usermem.CopyInInt[uint16](s, addr)
	if errno != 0 {
		return 0, errno
	}
	at, errno := usermem.CopyInInt[uint64](s, addr+8)
	if errno != 0 {
		return 0, errno
	}
	if n == 0 || n > 4096 {
		return 0, linux.EINVAL
	}
	b := make([]byte, 8*int(n))
	if _, errno := s.CopyIn(usermem.Addr(at), b); errno != 0 {
		return 0, errno
	}
	prog, errno := bpf.Parse(b)
	if errno != 0 {
		return 0, errno
	}
	got, errno := t.AddSeccomp(prog, flags)
	return uintptr(got), errno
}
