package mm

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// Lock is mlock(2) and mlock2(2) (do_mlock, mm/mlock.c). Pages of the memory file are never
// swapped by us, so what is left of locking is its account, its faults ahead and its errors.
func (m *MM) Lock(addr usermem.Addr, n uint64, flags uint32) linux.Errno {
	if flags&^linux.MLOCK_ONFAULT != 0 {
		return linux.EINVAL
	}
	l := m.limits.Load()
	if l.Memlock == 0 && !l.CanLock {
		return linux.EPERM
	}
	end, errno := span(addr.PageDown(), n+addr.PageOffset(), linux.EINVAL)
	if errno != 0 {
		return errno
	}
	addr = addr.PageDown()
	m.lock()
	defer m.unlock()
	pages := uint64(end-addr) >> usermem.PageShift
	if !m.mayLock(pages) && !m.mayLock(pages-min(pages, m.lockedIn(addr, end))) {
		return linux.ENOMEM
	}
	set := vmLocked
	if flags&linux.MLOCK_ONFAULT != 0 {
		set |= vmLockOnFault
	}
	if errno := m.setLocked(addr, end, set); errno != 0 {
		return errno
	}
	if set&vmLockOnFault != 0 {
		return 0
	}
	for _, v := range m.areas.overlapping(addr, end) {
		if !v.allows(false, false) {
			return linux.ENOMEM
		}
		write := v.flags&(vmWrite|vmShared) == vmWrite
		switch m.populateArea(v, max(addr, v.start), min(end, v.end), write) {
		case 0:
		case linux.ENOMEM:
			return linux.EAGAIN
		default:
			return linux.ENOMEM
		}
	}
	return 0
}

// lockedIn counts the pages of [start, end) that are locked already.
func (m *MM) lockedIn(start, end usermem.Addr) uint64 {
	n := uint64(0)
	for _, v := range m.areas.overlapping(start, end) {
		if v.flags&vmLocked != 0 {
			n += uint64(min(end, v.end)-max(start, v.start)) >> usermem.PageShift
		}
	}
	return n
}

// setLocked makes [start, end) locked as set says, or not if set is 0. What comes before a
// hole stays changed.
func (m *MM) setLocked(start, end usermem.Addr, set vmFlags) linux.Errno {
	stop := end
	for at := start; at < end; {
		v := m.areas.lookup(at)
		if v == nil {
			stop = at
			break
		}
		at = v.end
	}
	if errno := m.setFlags(start, stop, set, vmLocked|vmLockOnFault); errno != 0 {
		return errno
	}
	if stop < end {
		return linux.ENOMEM
	}
	return 0
}

// Unlock is munlock(2).
func (m *MM) Unlock(addr usermem.Addr, n uint64) linux.Errno {
	end, errno := span(addr.PageDown(), n+addr.PageOffset(), linux.EINVAL)
	if errno != 0 {
		return errno
	}
	m.lock()
	defer m.unlock()
	return m.setLocked(addr.PageDown(), end, 0)
}

// LockAll is mlockall(2).
func (m *MM) LockAll(flags uint32) linux.Errno {
	const known = linux.MCL_CURRENT | linux.MCL_FUTURE | linux.MCL_ONFAULT
	if flags == 0 || flags&^known != 0 || flags == linux.MCL_ONFAULT {
		return linux.EINVAL
	}
	l := m.limits.Load()
	if l.Memlock == 0 && !l.CanLock {
		return linux.EPERM
	}
	m.lock()
	defer m.unlock()
	if flags&linux.MCL_CURRENT != 0 && m.count.total > l.Memlock>>usermem.PageShift && !l.CanLock {
		return linux.ENOMEM
	}
	set := vmLocked
	if flags&linux.MCL_ONFAULT != 0 {
		set |= vmLockOnFault
	}
	m.defLocked = 0
	if flags&linux.MCL_FUTURE != 0 {
		m.defLocked = set
	}
	if flags&linux.MCL_CURRENT == 0 {
		return 0
	}
	m.setFlags(0, m.max, set, vmLocked|vmLockOnFault)
	if set&vmLockOnFault == 0 {
		m.populate(0, m.max, true)
	}
	return 0
}

// UnlockAll is munlockall(2).
func (m *MM) UnlockAll() linux.Errno {
	m.lock()
	defer m.unlock()
	m.defLocked = 0
	m.setFlags(0, m.max, 0, vmLocked|vmLockOnFault)
	return 0
}
