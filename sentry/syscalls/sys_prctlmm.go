package syscalls

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform/arch"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/mm"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// Options of PR_SET_MM.
const (
	prMMStartCode  = 1
	prMMEndCode    = 2
	prMMStartData  = 3
	prMMEndData    = 4
	prMMStartStack = 5
	prMMStartBrk   = 6
	prMMBrk        = 7
	prMMArgStart   = 8
	prMMArgEnd     = 9
	prMMEnvStart   = 10
	prMMEnvEnd     = 11
	prMMAuxv       = 12
	prMMMap        = 14
	prMMMapSize    = 15
)

// prctlMM is PR_SET_MM: where the parts of a program are, one at a time (prctl_set_mm,
// kernel/sys.c). PR_SET_MM_MAP is missing as without CONFIG_CHECKPOINT_RESTORE.
func prctlMM(t *kernel.Task, a Args) linux.Errno {
	opt, addr := a[1], a.Addr(2)
	switch {
	case a[4] != 0, a[3] != 0 && opt != prMMAuxv, opt == prMMMap, opt == prMMMapSize:
		return linux.EINVAL
	case !t.Cred().HasIn(t.Kernel().UserNS, linux.CAP_SYS_RESOURCE):
		return linux.EPERM
	case opt == prMMAuxv:
		return prctlAuxv(t, addr, a[3])
	case addr >= arch.TaskSizeMax || uint64(addr) < t.Kernel().MM.MinAddr.Load():
		return linux.EINVAL
	}
	m := t.MM()
	l := m.Layout()
	at := layoutField(&l, opt)
	if at == nil {
		return linux.EINVAL
	}
	*at = addr
	if l.StartCode > l.EndCode || l.StartData > l.EndData || l.StartBrk > l.Brk || l.ArgStart > l.ArgEnd || l.EnvStart > l.EnvEnd {
		return linux.EINVAL
	}
	if opt >= prMMStartStack && opt != prMMStartBrk && opt != prMMBrk && !mapped(t, addr) {
		return linux.EINVAL
	}
	m.SetLayout(l)
	return 0
}

// mapped tells whether there is memory at addr.
func mapped(t *kernel.Task, addr usermem.Addr) bool {
	var b [1]byte
	_, errno := t.MM().ForceSpace().CopyIn(addr, b[:])
	return errno == 0
}

// layoutField is what an option of PR_SET_MM changes, nil if it is none.
func layoutField(l *mm.Layout, opt uint64) *usermem.Addr {
	switch opt {
	case prMMStartCode:
		return &l.StartCode
	case prMMEndCode:
		return &l.EndCode
	case prMMStartData:
		return &l.StartData
	case prMMEndData:
		return &l.EndData
	case prMMStartStack:
		return &l.StartStack
	case prMMStartBrk:
		return &l.StartBrk
	case prMMBrk:
		return &l.Brk
	case prMMArgStart:
		return &l.ArgStart
	case prMMArgEnd:
		return &l.ArgEnd
	case prMMEnvStart:
		return &l.EnvStart
	case prMMEnvEnd:
		return &l.EnvEnd
	}
	return nil
}

// prctlAuxv is PR_SET_MM_AUXV: what /proc/PID/auxv shows.
func prctlAuxv(t *kernel.Task, addr usermem.Addr, n uint64) linux.Errno {
	const most = 2 * 26 * 8 // AT_VECTOR_SIZE words
	if addr == 0 || n == 0 || n > most || n%8 != 0 {
		return linux.EINVAL
	}
	v, errno := usermem.CopyInInts[uint64](t.Space(), addr, int(n/8))
	if errno != 0 {
		return errno
	}
	l := t.MM().Layout()
	l.Auxv = append(v, 0, 0)
	t.MM().SetLayout(l)
	return 0
}

// prctlIOFlusher is PR_SET_IO_FLUSHER and PR_GET_IO_FLUSHER. The mark has no effect but to be
// inherited: no task's allocations wait for writing here.
func prctlIOFlusher(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if !t.Cred().HasIn(t.Kernel().UserNS, linux.CAP_SYS_RESOURCE) {
		return 0, linux.EPERM
	}
	if a.Int(0) == prGetIOFlusher {
		if a[1]|a[2]|a[3]|a[4] != 0 {
			return 0, linux.EINVAL
		}
		return uintptr(boolInt(t.IOFlusher())), 0
	}
	if a[1] > 1 || a[2]|a[3]|a[4] != 0 {
		return 0, linux.EINVAL
	}
	t.SetIOFlusher(a[1] == 1)
	return 0, 0
}
