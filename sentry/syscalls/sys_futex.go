package syscalls

import (
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/kernel"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

func init() {
	register(rows{
		linux.SYS_FUTEX:           {"futex", "hex futex int hex hex int", futex, ""},
		linux.SYS_FUTEX_WAITV:     {"futex_waitv", "hex uint hex hex int", futexWaitv, "32-bit futexes only, as in Linux"},
		linux.SYS_FUTEX_WAKE:      {"futex_wake", "hex hex int hex", futexWake, ""},
		linux.SYS_FUTEX_WAIT:      {"futex_wait", "hex hex hex hex hex int", futexWait, ""},
		linux.SYS_FUTEX_REQUEUE:   {"futex_requeue", "hex hex int int", futexRequeue, ""},
		linux.SYS_SET_ROBUST_LIST: {"set_robust_list", "hex size", setRobustList, ""},
		linux.SYS_GET_ROBUST_LIST: {"get_robust_list", "pid hex hex", getRobustList, ""},
	})
}

// futexDeadline copies in the time of a futex call: relative, or absolute on a clock.
func futexDeadline(t *kernel.Task, addr usermem.Addr, clock int32, abs bool) (time.Time, linux.Errno) {
	if addr == 0 {
		return wait.Forever, 0
	}
	ts, errno := timespec(t, addr)
	if errno != 0 {
		return wait.Forever, errno
	}
	if !abs {
		return deadlineAfter(ts.Nanos()), 0
	}
	now, errno := t.ClockNow(clock)
	if errno != 0 {
		return wait.Forever, errno
	}
	if ts.Nanos() == 1<<63-1 {
		return wait.Forever, 0
	}
	return deadlineAfter(ts.Nanos() - now), 0
}

// futex is futex(2).
func futex(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	op := a.Uint(1)
	cmd, shared := op&0x7f, op&linux.FUTEX_PRIVATE_FLAG == 0
	clock := int32(linux.CLOCK_MONOTONIC)
	if op&linux.FUTEX_CLOCK_REALTIME != 0 {
		clock = linux.CLOCK_REALTIME
		switch cmd {
		case linux.FUTEX_WAIT_BITSET, linux.FUTEX_WAIT_REQUEUE_PI, linux.FUTEX_LOCK_PI2:
		default:
			return 0, linux.ENOSYS
		}
	}
	addr, addr2, val := a.Addr(0), a.Addr(4), a.Uint(2)
	switch cmd {
	case linux.FUTEX_WAIT, linux.FUTEX_WAIT_BITSET:
		bitset := uint32(linux.FUTEX_BITSET_MATCH_ANY)
		if cmd == linux.FUTEX_WAIT_BITSET {
			bitset = a.Uint(5)
		}
		deadline, errno := futexDeadline(t, a.Addr(3), clock, cmd == linux.FUTEX_WAIT_BITSET)
		if errno != 0 {
			return 0, errno
		}
		return waitFutex(t, addr, shared, val, bitset, deadline, a.Addr(3) != 0)
	case linux.FUTEX_WAKE, linux.FUTEX_WAKE_BITSET:
		bitset := uint32(linux.FUTEX_BITSET_MATCH_ANY)
		if cmd == linux.FUTEX_WAKE_BITSET {
			bitset = a.Uint(5)
		}
		n, errno := t.FutexWake(addr, shared, max(int(int32(val)), 1), bitset)
		return uintptr(n), errno
	case linux.FUTEX_REQUEUE, linux.FUTEX_CMP_REQUEUE:
		var cmp *uint32
		if cmd == linux.FUTEX_CMP_REQUEUE {
			v := a.Uint(5)
			cmp = &v
		}
		n, errno := t.FutexRequeue(addr, addr2, shared, int(int32(val)), int(a.Int(3)), cmp)
		return uintptr(n), errno
	case linux.FUTEX_WAKE_OP:
		n, errno := t.FutexWakeOp(addr, addr2, shared, int(int32(val)), int(a.Int(3)), a.Uint(5))
		return uintptr(n), errno
	}
	return futexPI(t, a, cmd, shared, clock)
}

// futexPI is the part of futex(2) with priority inheritance.
func futexPI(t *kernel.Task, a Args, cmd uint32, shared bool, clock int32) (uintptr, linux.Errno) {
	addr, addr2, val := a.Addr(0), a.Addr(4), a.Uint(2)
	switch cmd {
	case linux.FUTEX_LOCK_PI, linux.FUTEX_LOCK_PI2:
		if cmd == linux.FUTEX_LOCK_PI {
			clock = linux.CLOCK_REALTIME
		}
		deadline, errno := futexDeadline(t, a.Addr(3), clock, true)
		if errno != 0 {
			return 0, errno
		}
		return ret(t.FutexLockPI(addr, shared, false, deadline))
	case linux.FUTEX_TRYLOCK_PI:
		return ret(t.FutexLockPI(addr, shared, true, wait.Forever))
	case linux.FUTEX_UNLOCK_PI:
		return ret(t.FutexUnlockPI(addr, shared))
	case linux.FUTEX_WAIT_REQUEUE_PI:
		deadline, errno := futexDeadline(t, a.Addr(3), clock, true)
		if errno != 0 {
			return 0, errno
		}
		return ret(t.FutexWaitRequeuePI(addr, addr2, shared, val, linux.FUTEX_BITSET_MATCH_ANY, deadline))
	case linux.FUTEX_CMP_REQUEUE_PI:
		n, errno := t.FutexCmpRequeuePI(addr, addr2, shared, int(int32(val)), int(a.Int(3)), a.Uint(5))
		return uintptr(n), errno
	}
	return 0, linux.ENOSYS
}

// waitFutex waits; an interrupted wait with a time goes on by restart_syscall(2).
func waitFutex(t *kernel.Task, addr usermem.Addr, shared bool, val, bitset uint32, deadline time.Time, timed bool) (uintptr, linux.Errno) {
	errno := t.FutexWait(addr, shared, val, bitset, deadline)
	if errno != linux.ERESTARTSYS || !timed {
		return 0, errno
	}
	t.SetRestart(func(t *kernel.Task) (uintptr, linux.Errno) {
		return waitFutex(t, addr, shared, val, bitset, deadline, true)
	})
	return 0, linux.ERESTART_RESTARTBLOCK
}

// Flags of the futex2 calls.
const (
	futex2Size32  = 2
	futex2SizeAll = 3
	futex2Private = 128
)

// futex2Flags checks the flags of a futex2 call.
func futex2Flags(flags uint32) linux.Errno {
	if flags&^(futex2SizeAll|futex2Private) != 0 || flags&futex2SizeAll != futex2Size32 {
		return linux.EINVAL
	}
	return 0
}

// futexWake is futex_wake(2).
func futexWake(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if errno := futex2Flags(a.Uint(3)); errno != 0 {
		return 0, errno
	}
	n, errno := t.FutexWake(a.Addr(0), a.Uint(3)&futex2Private == 0, int(a.Int(2)), a.Uint(1))
	return uintptr(n), errno
}

// futexWait is futex_wait(2).
func futexWait(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if errno := futex2Flags(a.Uint(3)); errno != 0 {
		return 0, errno
	}
	deadline, errno := futex2Deadline(t, a.Addr(4), a.Int(5))
	if errno != 0 {
		return 0, errno
	}
	return ret(t.FutexWait(a.Addr(0), a.Uint(3)&futex2Private == 0, a.Uint(1), a.Uint(2), deadline))
}

func futex2Deadline(t *kernel.Task, addr usermem.Addr, clock int32) (time.Time, linux.Errno) {
	if addr != 0 && clock != linux.CLOCK_REALTIME && clock != linux.CLOCK_MONOTONIC {
		return wait.Forever, linux.EINVAL
	}
	return futexDeadline(t, addr, clock, true)
}

// waitv copies in n struct futex_waitv.
func waitv(t *kernel.Task, addr usermem.Addr, n int) ([]linux.FutexWaitv, linux.Errno) {
	list, errno := usermem.CopyInSlice[linux.FutexWaitv](t.Space(), addr, n)
	if errno != 0 {
		return nil, errno
	}
	for i := range list {
		if errno := futex2Flags(list[i].Flags); errno != 0 {
			return nil, errno
		}
		if list[i].Reserved != 0 || list[i].Val>>32 != 0 {
			return nil, linux.EINVAL
		}
	}
	return list, 0
}

// futexRequeue is futex_requeue(2).
func futexRequeue(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Uint(1) != 0 {
		return 0, linux.EINVAL
	}
	list, errno := waitv(t, a.Addr(0), 2)
	if errno != 0 {
		return 0, errno
	}
	cmp := uint32(list[0].Val)
	n, errno := t.FutexRequeue(usermem.Addr(list[0].Addr), usermem.Addr(list[1].Addr), list[0].Flags&futex2Private == 0, int(a.Int(2)), int(a.Int(3)), &cmp)
	return uintptr(n), errno
}

// futexWaitv is futex_waitv(2).
func futexWaitv(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if n := a.Uint(1); n == 0 || n > 128 || a.Uint(2) != 0 || a.Addr(0) == 0 {
		return 0, linux.EINVAL
	}
	list, errno := waitv(t, a.Addr(0), int(a.Uint(1)))
	if errno != 0 {
		return 0, errno
	}
	deadline, errno := futex2Deadline(t, a.Addr(3), a.Int(4))
	if errno != 0 {
		return 0, errno
	}
	n, errno := t.FutexWaitv(list, deadline)
	return uintptr(n), errno
}

const robustListHeadSize = 24

// setRobustList is set_robust_list(2).
func setRobustList(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	if a.Size(1) != robustListHeadSize {
		return 0, linux.EINVAL
	}
	t.SetRobustList(a.Addr(0))
	return 0, 0
}

// getRobustList is get_robust_list(2).
func getRobustList(t *kernel.Task, a Args) (uintptr, linux.Errno) {
	o := t
	if a.Int(0) != 0 {
		if o = t.Kernel().TaskIn(t.PIDNS(), a.Int(0)); o == nil {
			return 0, linux.ESRCH
		}
		if !t.MayAccess(o, true) {
			return 0, linux.EPERM
		}
	}
	if errno := usermem.CopyOutInt(t.Space(), a.Addr(2), uint64(robustListHeadSize)); errno != 0 {
		return 0, errno
	}
	return ret(usermem.CopyOutInt(t.Space(), a.Addr(1), uint64(o.RobustList())))
}
