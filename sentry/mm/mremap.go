package mm

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// Remap is mremap(2) (mm/mremap.c).
func (m *MM) Remap(addr usermem.Addr, oldLen, newLen uint64, flags uint32, to usermem.Addr) (usermem.Addr, linux.Errno) {
	const known = linux.MREMAP_MAYMOVE | linux.MREMAP_FIXED | linux.MREMAP_DONTUNMAP
	moves := flags & (linux.MREMAP_FIXED | linux.MREMAP_DONTUNMAP)
	switch {
	case flags&^known != 0,
		moves != 0 && flags&linux.MREMAP_MAYMOVE == 0,
		flags&linux.MREMAP_DONTUNMAP != 0 && oldLen != newLen,
		!addr.Aligned():
		return 0, linux.EINVAL
	}
	oldLen, ok1 := usermem.PageUp(oldLen)
	newLen, ok2 := usermem.PageUp(newLen)
	if !ok1 || !ok2 || newLen == 0 {
		return 0, linux.EINVAL
	}
	m.lock()
	defer m.unlock()
	v := m.areas.lookup(addr)
	if v == nil {
		return 0, linux.EFAULT
	}
	if v.flags&vmSealed != 0 {
		return 0, linux.EPERM
	}
	if moves != 0 {
		return m.remapTo(addr, oldLen, newLen, flags, to)
	}
	if oldLen >= newLen {
		return addr, m.shrink(addr, oldLen, newLen)
	}
	if errno := m.mayResize(v, addr, oldLen, newLen, flags); errno != 0 {
		return 0, errno
	}
	if oldLen == uint64(v.end-addr) {
		if done, errno := m.extend(v, newLen-oldLen); done || errno != 0 {
			return addr, errno
		}
	}
	if flags&linux.MREMAP_MAYMOVE == 0 {
		return 0, linux.ENOMEM
	}
	dst, errno := m.unmapped(0, newLen, 0, v.anonymous())
	if errno != 0 {
		return 0, errno
	}
	return m.move(v, addr, oldLen, dst, newLen, flags)
}

// shrink takes away what [addr, addr+oldLen) has beyond newLen.
func (m *MM) shrink(addr usermem.Addr, oldLen, newLen uint64) linux.Errno {
	if oldLen == newLen {
		return 0
	}
	from, to := addr+usermem.Addr(newLen), addr+usermem.Addr(oldLen)
	if to < from || to > m.max {
		return linux.EINVAL
	}
	for _, v := range m.areas.overlapping(from, to) {
		if v.flags&vmSealed != 0 {
			return linux.EPERM
		}
	}
	return m.unmapLocked(from, to)
}

// remapTo is Remap to an address that is given or, with MREMAP_DONTUNMAP alone, proposed
// (mremap_to).
func (m *MM) remapTo(addr usermem.Addr, oldLen, newLen uint64, flags uint32, to usermem.Addr) (usermem.Addr, linux.Errno) {
	switch {
	case !to.Aligned(), newLen > uint64(m.max), to > m.max-usermem.Addr(newLen):
		return 0, linux.EINVAL
	case addr+usermem.Addr(oldLen) > to && to+usermem.Addr(newLen) > addr:
		return 0, linux.EINVAL
	case m.areas.n+2 >= m.sys.maxAreas()-3:
		return 0, linux.ENOMEM
	}
	if flags&linux.MREMAP_FIXED != 0 {
		if to < m.lowest() {
			return 0, linux.EPERM
		}
		if errno := m.shrink(to, newLen, 0); errno != 0 {
			return 0, errno
		}
	}
	if oldLen > newLen {
		if errno := m.shrink(addr, oldLen, newLen); errno != 0 {
			return 0, errno
		}
		oldLen = newLen
	}
	v := m.areas.lookup(addr)
	if v == nil {
		return 0, linux.EFAULT
	}
	if errno := m.mayResize(v, addr, oldLen, newLen, flags); errno != 0 {
		return 0, errno
	}
	if flags&linux.MREMAP_DONTUNMAP != 0 {
		if errno := m.mayExpand(v.flags, oldLen>>usermem.PageShift); errno != 0 {
			return 0, errno
		}
	}
	dst := to
	if flags&linux.MREMAP_FIXED == 0 {
		var errno linux.Errno
		if dst, errno = m.unmapped(to, newLen, 0, v.anonymous()); errno != 0 {
			return 0, errno
		}
	}
	return m.move(v, addr, oldLen, dst, newLen, flags)
}

// mayResize checks whether v may change its length (vma_to_resize).
func (m *MM) mayResize(v *vma, addr usermem.Addr, oldLen, newLen uint64, flags uint32) linux.Errno {
	switch {
	case v.flags&vmSealed != 0:
		return linux.EPERM
	case oldLen == 0 && v.flags&(vmShared|vmMayShare) == 0:
		return linux.EINVAL
	case flags&linux.MREMAP_DONTUNMAP != 0 && v.flags&vmDontExpand != 0:
		return linux.EINVAL
	case oldLen > uint64(v.end-addr):
		return linux.EFAULT
	case newLen == oldLen:
		return 0
	case v.fileOff(addr)+newLen < v.fileOff(addr):
		return linux.EINVAL
	case v.flags&vmDontExpand != 0:
		return linux.EFAULT
	}
	grow := (newLen - min(oldLen, newLen)) >> usermem.PageShift
	if v.flags&vmLocked != 0 && !m.mayLock(grow) {
		return linux.EAGAIN
	}
	return m.mayExpand(v.flags, grow)
}

// extend lets v grow by n bytes where it is, if nothing is in the way.
func (m *MM) extend(v *vma, n uint64) (done bool, errno linux.Errno) {
	end := v.end + usermem.Addr(n)
	if end < v.end || end > m.max {
		return false, 0
	}
	if next := m.areas.first(v.end); next != nil && next.startGap() < end {
		return false, 0
	}
	if v.flags&vmAccount != 0 {
		if errno := m.sys.commit(n >> usermem.PageShift); errno != 0 {
			return false, errno
		}
		m.count.committed += n >> usermem.PageShift
	}
	old := v.end
	m.areas.resize(v, v.start, end)
	m.account(v.flags, int64(n>>usermem.PageShift))
	m.mergeAround(old, end)
	if v.flags&(vmLocked|vmLockOnFault) == vmLocked {
		m.populate(old, end, true)
	}
	return true, 0
}

// move moves oldLen bytes of v at addr to dst, where nothing is, and makes newLen bytes of
// them (move_vma).
func (m *MM) move(v *vma, addr usermem.Addr, oldLen uint64, dst usermem.Addr, newLen uint64, flags uint32) (usermem.Addr, linux.Errno) {
	if m.areas.n >= m.sys.maxAreas()-3 {
		return 0, linux.ENOMEM
	}
	keep := flags&linux.MREMAP_DONTUNMAP != 0
	if v.flags&vmAccount != 0 {
		if errno := m.sys.commit(newLen >> usermem.PageShift); errno != 0 {
			return 0, errno
		}
		m.count.committed += newLen >> usermem.PageShift
	}
	w := *v
	w.start, w.end, w.off = dst, dst+usermem.Addr(newLen), v.fileOff(addr)
	if v.anonymous() && m.untouched(v) {
		w.off = uint64(dst)
	}
	m.insert(&w)
	m.account(w.flags, int64(w.pages()))
	end := addr + usermem.Addr(oldLen)
	m.movePages(addr, end, dst)
	switch {
	case oldLen == 0: // a second mapping of shared memory
	case keep:
		if errno := m.setFlags(addr, end, 0, vmLocked|vmLockOnFault); errno != 0 {
			return 0, errno
		}
	default:
		if errno := m.unmapLocked(addr, end); errno != 0 {
			return 0, errno
		}
	}
	locked := w.flags&(vmLocked|vmLockOnFault) == vmLocked
	m.mergeAround(dst, dst+usermem.Addr(newLen))
	if locked {
		m.populate(dst+usermem.Addr(min(oldLen, newLen)), dst+usermem.Addr(newLen), true)
	}
	return dst, 0
}

// untouched tells whether v has no page of its own.
func (m *MM) untouched(v *vma) bool {
	l, _ := m.table.nextLeaf(v.start, v.end)
	none := l == nil
	if !none {
		none = true
		m.table.each(v.start, v.end, func(_ usermem.Addr, ptes []pte) {
			for _, p := range ptes {
				none = none && p == 0
			}
		})
	}
	return none
}

// movePages moves the pages of [start, end) to dst on.
func (m *MM) movePages(start, end, dst usermem.Addr) {
	m.unmapPlatform(start, end)
	m.table.clear(start, end, func(addr usermem.Addr, ptes []pte) {
		for i, p := range ptes {
			if p != 0 {
				m.table.set(dst+(addr-start)+usermem.Addr(i)<<usermem.PageShift, p)
			}
		}
	})
}
