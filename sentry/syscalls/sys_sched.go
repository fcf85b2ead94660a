package syscalls

import (
	"math"
	"runtime"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

func init() {
	const kept = "kept and shown; the host schedules"
	register(rows{
		linux.SYS_SCHED_YIELD:            {"sched_yield", "", schedYield, ""},
		linux.SYS_SCHED_SETSCHEDULER:     {"sched_setscheduler", "pid int hex", schedSetscheduler, kept},
		linux.SYS_SCHED_GETSCHEDULER:     {"sched_getscheduler", "pid", schedGetscheduler, ""},
		linux.SYS_SCHED_SETPARAM:         {"sched_setparam", "pid hex", schedSetparam, kept},
		linux.SYS_SCHED_GETPARAM:         {"sched_getparam", "pid hex", schedGetparam, ""},
		linux.SYS_SCHED_SETATTR:          {"sched_setattr", "pid hex hex", schedSetattr, kept},
		linux.SYS_SCHED_GETATTR:          {"sched_getattr", "pid hex uint hex", schedGetattr, ""},
		linux.SYS_SCHED_SETAFFINITY:      {"sched_setaffinity", "pid size hex", schedSetaffinity, ""},
		linux.SYS_SCHED_GETAFFINITY:      {"sched_getaffinity", "pid size hex", schedGetaffinity, ""},
		linux.SYS_SCHED_GET_PRIORITY_MAX: {"sched_get_priority_max", "int", schedGetPriorityMax, ""},
		linux.SYS_SCHED_GET_PRIORITY_MIN: {"sched_get_priority_min", "int", schedGetPriorityMin, ""},
		linux.SYS_SCHED_RR_GET_INTERVAL:  {"sched_rr_get_interval", "pid hex", schedRRGetInterval, ""},
		linux.SYS_GETPRIORITY:            {"getpriority", "int int", getpriority, ""},
		linux.SYS_SETPRIORITY:            {"setpriority", "int int int", setpriority, kept},
		linux.SYS_IOPRIO_GET:             {"ioprio_get", "int int", ioprioGet, ""},
		linux.SYS_IOPRIO_SET:             {"ioprio_set", "int int int", ioprioSet, "kept and shown; the host orders its input and output"},
		linux.SYS_GETCPU:                 {"getcpu", "hex hex hex", getcpu, ""},
	})
}

// schedYield is sched_yield(2).
func schedYield(*kernel.Task, Args) (uintptr, linux.Errno) {
	runtime.Gosched()
	return 0, 0
}

// schedTask finds the thread of a sched_ call: EINVAL for a negative number, ESRCH.
func schedTask(t *kernel.Task, tid int32) (*kernel.Task, linux.Errno) {
	switch {
	case tid < 0:
		return nil, linux.EINVAL
	case tid == 0:
		return t, 0
	}
	if o := t.Kernel().TaskIn(t.PIDNS(), tid); o != nil {
		return o, 0
	}
	return nil, linux.ESRCH
}

// maySched tells whether t may change o's scheduling.
func maySched(t, o *kernel.Task) bool {
	c, d := t.Cred(), o.Cred()
	return c.Euid == d.Ruid || c.Euid == d.Euid || c.HasIn(d.NS, linux.CAP_SYS_NICE)
}

// priorityRange is what sched_priority may be for a policy: EINVAL for an unknown one.
func priorityRange(policy int32) (lo, hi int32, errno linux.Errno) {
	switch policy {
	case linux.SCHED_FIFO, linux.SCHED_RR:
		return 1, 99, 0
	case linux.SCHED_NORMAL, linux.SCHED_BATCH, linux.SCHED_IDLE, linux.SCHED_DEADLINE:
		return 0, 0, 0
	}
	return 0, 0, linux.EINVAL
}

// setSched checks and sets policy and priority (__sched_setscheduler).
func setSched(t, o *kernel.Task, n kernel.Sched) linux.Errno {
	lo, hi, errno := priorityRange(int32(n.Policy))
	if errno != 0 || n.Priority < lo || n.Priority > hi {
		return linux.EINVAL
	}
	old := o.Sched()
	if !t.Cred().HasIn(t.Kernel().UserNS, linux.CAP_SYS_NICE) {
		rt := n.Policy == linux.SCHED_FIFO || n.Policy == linux.SCHED_RR
		limit := o.Limit(linux.RLIMIT_RTPRIO)
		switch {
		case rt && (n.Policy != old.Policy && limit == 0 || uint64(n.Priority) > limit && n.Priority > old.Priority),
			n.Policy == linux.SCHED_DEADLINE,
			old.Policy == linux.SCHED_IDLE && n.Policy != linux.SCHED_IDLE && o.Nice() < 0,
			!maySched(t, o), old.Reset && !n.Reset:
			return linux.EPERM
		}
	}
	o.SetSched(n)
	return 0
}

// schedSetscheduler is sched_setscheduler(2).
func schedSetscheduler(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Int(1) < 0 || a.Addr(2) == 0 {
		return 0, linux.EINVAL
	}
	o, errno := schedTask(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	prio, errno := usermem.CopyInInt[int32](t.Space(), a.Addr(2))
	if errno != 0 {
		return 0, errno
	}
	p := a.Uint(1)
	return ret(setSched(t, o, kernel.Sched{Policy: p &^ linux.SCHED_RESET_ON_FORK, Priority: prio, Reset: p&linux.SCHED_RESET_ON_FORK != 0}))
}

// schedGetscheduler is sched_getscheduler(2).
func schedGetscheduler(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	o, errno := schedTask(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	s := o.Sched()
	if s.Reset {
		s.Policy |= linux.SCHED_RESET_ON_FORK
	}
	return uintptr(s.Policy), 0
}

// schedSetparam is sched_setparam(2).
func schedSetparam(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Addr(1) == 0 {
		return 0, linux.EINVAL
	}
	o, errno := schedTask(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	prio, errno := usermem.CopyInInt[int32](t.Space(), a.Addr(1))
	if errno != 0 {
		return 0, errno
	}
	s := o.Sched()
	s.Priority = prio
	return ret(setSched(t, o, s))
}

// schedGetparam is sched_getparam(2).
func schedGetparam(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Addr(1) == 0 {
		return 0, linux.EINVAL
	}
	o, errno := schedTask(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	return ret(usermem.CopyOutInt(t.Space(), a.Addr(1), o.Sched().Priority))
}

// Sizes of struct sched_attr.
const (
	schedAttrVer0 = 48
	schedAttrVer1 = 56
)

// schedSetattr is sched_setattr(2).
func schedSetattr(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Addr(1) == 0 || a.Uint(2) != 0 {
		return 0, linux.EINVAL
	}
	s := t.Space()
	size, errno := usermem.CopyInInt[uint32](s, a.Addr(1))
	if errno != 0 {
		return 0, errno
	}
	if size == 0 {
		size = schedAttrVer0
	}
	if size < schedAttrVer0 || size > usermem.PageSize {
		usermem.CopyOutInt(s, a.Addr(1), uint32(schedAttrVer1))
		return 0, linux.E2BIG
	}
	if errno := restZero(t, a.Addr(1), schedAttrVer1, uint64(size)); errno != 0 {
		return 0, errno
	}
	b := make([]byte, schedAttrVer1)
	if _, errno := s.CopyIn(a.Addr(1), b[:min(size, schedAttrVer1)]); errno != 0 {
		return 0, errno
	}
	var v linux.SchedAttr
	usermem.Decode(b, &v)
	o, errno := schedTask(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	const resetOnFork, keepPolicy, keepParams = 1, 8, 16
	if v.Flags&^0x7f != 0 {
		return 0, linux.EINVAL
	}
	n := kernel.Sched{Policy: v.Policy, Priority: int32(v.Priority), Reset: v.Flags&resetOnFork != 0, Runtime: v.Runtime, Deadline: v.Deadline, Period: v.Period}
	if old := o.Sched(); v.Flags&keepPolicy != 0 {
		n.Policy = old.Policy
		if v.Flags&keepParams != 0 {
			n.Priority = old.Priority
		}
	}
	if errno := setSched(t, o, n); errno != 0 {
		return 0, errno
	}
	if v.Flags&keepParams == 0 && (n.Policy == linux.SCHED_NORMAL || n.Policy == linux.SCHED_BATCH) {
		o.SetNice(min(max(v.Nice, -20), 19))
	}
	return 0, 0
}

// schedGetattr is sched_getattr(2).
func schedGetattr(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	size := a.Uint(2)
	if a.Addr(1) == 0 || size < schedAttrVer0 || size > usermem.PageSize || a.Uint(3) != 0 {
		return 0, linux.EINVAL
	}
	o, errno := schedTask(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	s := o.Sched()
	v := linux.SchedAttr{Size: min(size, schedAttrVer1), Policy: s.Policy, Priority: uint32(s.Priority), Runtime: s.Runtime, Deadline: s.Deadline, Period: s.Period, UtilMax: 1024}
	if s.Reset {
		v.Flags = 1
	}
	if s.Policy == linux.SCHED_NORMAL || s.Policy == linux.SCHED_BATCH {
		v.Nice = o.Nice()
	}
	_, errno = t.Space().CopyOut(a.Addr(1), usermem.Encode(&v)[:v.Size])
	return 0, errno
}

// schedSetaffinity is sched_setaffinity(2).
func schedSetaffinity(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	b := make([]byte, min(a.Size(1), 1024))
	if _, errno := t.Space().CopyIn(a.Addr(2), b); errno != 0 {
		return 0, errno
	}
	o, errno := affinityTask(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	if !maySched(t, o) {
		return 0, linux.EPERM
	}
	return ret(o.SetAffinity(b))
}

// affinityTask is schedTask of the calls for which a pid below 0 is one that there is not.
func affinityTask(t *kernel.Task, pid int32) (*kernel.Task, linux.Errno) {
	if pid < 0 {
		return nil, linux.ESRCH
	}
	return schedTask(t, pid)
}

// schedGetaffinity is sched_getaffinity(2): it returns how many bytes it stored.
func schedGetaffinity(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Size(1) < uint64(len(t.Affinity())) || a.Size(1)&7 != 0 {
		return 0, linux.EINVAL
	}
	o, errno := affinityTask(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	m := o.Affinity()
	_, errno = t.Space().CopyOut(a.Addr(2), m)
	return uintptr(len(m)), errno
}

// schedGetPriorityMax is sched_get_priority_max(2).
func schedGetPriorityMax(_ *kernel.Task, a Args) (uintptr, linux.Errno) {
	_, hi, errno := priorityRange(a.Int(0))
	return uintptr(hi), errno
}

// schedGetPriorityMin is sched_get_priority_min(2).
func schedGetPriorityMin(_ *kernel.Task, a Args) (uintptr, linux.Errno) {
	lo, _, errno := priorityRange(a.Int(0))
	return uintptr(lo), errno
}

// schedRRGetInterval is sched_rr_get_interval(2).
func schedRRGetInterval(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	o, errno := schedTask(t, a.Int(0))
	if errno != 0 {
		return 0, errno
	}
	var ts linux.Timespec
	switch o.Sched().Policy {
	case linux.SCHED_RR:
		ts.Nsec = 100_000_000
	case linux.SCHED_NORMAL, linux.SCHED_BATCH:
		ts.Nsec = 3_000_000
	}
	return ret(usermem.CopyOut(t.Space(), a.Addr(1), &ts))
}

// getpriority is the system call under getpriority(2): it returns 20 minus the nice value.
func getpriority(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Int(0) < 0 || a.Int(0) > 2 {
		return 0, linux.EINVAL
	}
	best := int32(-1)
	if t.EachIn(int(a.Int(0)), a.Int(1), func(o *kernel.Task) { best = max(best, 20-o.Nice()) }) == 0 {
		return 0, linux.ESRCH
	}
	return uintptr(best), 0
}

// setpriority is setpriority(2).
func setpriority(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Int(0) < 0 || a.Int(0) > 2 {
		return 0, linux.EINVAL
	}
	nice := min(max(a.Int(2), -20), 19)
	errno := linux.ESRCH
	t.EachIn(int(a.Int(0)), a.Int(1), func(o *kernel.Task) {
		switch {
		case !maySched(t, o):
			errno = linux.EPERM
		case nice < o.Nice() && uint64(20-nice) > o.Limit(linux.RLIMIT_NICE) && !t.Cred().HasIn(t.Kernel().UserNS, linux.CAP_SYS_NICE):
			errno = linux.EACCES
		default:
			o.SetNice(nice)
			if errno == linux.ESRCH {
				errno = 0
			}
		}
	})
	return 0, errno
}

// Classes of ioprio_set(2).
const (
	ioprioShift = 13
	ioprioBE    = 2
)

// ioprioGet is ioprio_get(2) (block/ioprio.c): of several processes the best, that is the lowest value.
func ioprioGet(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Int(0) < 1 || a.Int(0) > 3 {
		return 0, linux.EINVAL
	}
	best := int32(math.MaxInt32)
	n := t.EachIn(int(a.Int(0))-1, a.Int(1), func(o *kernel.Task) {
		p := o.IOPriority()
		if p>>ioprioShift == 0 && a.Int(0) != 1 { // a process alone shows what was set
			p = ioprioBE<<ioprioShift | (o.Nice()+20)/5
		}
		best = min(best, p)
	})
	if n == 0 {
		return 0, linux.ESRCH
	}
	return uintptr(best), 0
}

// ioprioSet is ioprio_set(2).
func ioprioSet(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	class, level := a.Int(2)>>ioprioShift&7, a.Int(2)&7
	switch {
	case a.Int(0) < 1 || a.Int(0) > 3 || class > 3 || class == 0 && level != 0:
		return 0, linux.EINVAL
	case class == 1 && !t.Cred().Has(linux.CAP_SYS_NICE) && !t.Cred().Has(linux.CAP_SYS_ADMIN):
		return 0, linux.EPERM
	}
	errno := linux.ESRCH
	t.EachIn(int(a.Int(0))-1, a.Int(1), func(o *kernel.Task) {
		errno = 0
		if !maySched(t, o) {
			errno = linux.EPERM
			return
		}
		o.SetIOPriority(a.Int(2) & 0xffff)
	})
	return 0, errno
}

// getcpu is getcpu(2).
func getcpu(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	for i, v := range []uint32{t.CPUNumber(), 0} {
		if p := a.Addr(i); p != 0 {
			if errno := usermem.CopyOutInt(t.Space(), p, v); errno != 0 {
				return 0, errno
			}
		}
	}
	return 0, 0
}
