package mm

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// Sync is msync(2) (mm/msync.c). Files are synced without the lock.
func (m *MM) Sync(addr usermem.Addr, n uint64, flags uint32) linux.Errno {
	if flags&^(linux.MS_ASYNC|linux.MS_INVALIDATE|linux.MS_SYNC) != 0 || !addr.Aligned() ||
		flags&linux.MS_ASYNC != 0 && flags&linux.MS_SYNC != 0 {
		return linux.EINVAL
	}
	end, errno := span(addr, n, linux.ENOMEM)
	if errno != 0 || end == addr {
		return errno
	}
	hole := false
	for at := addr; at < end; {
		m.mu.RLock()
		v := m.areas.first(at)
		if v == nil || v.start >= end {
			m.mu.RUnlock()
			return linux.ENOMEM
		}
		if v.start > at {
			hole, at = true, v.start
		}
		if flags&linux.MS_INVALIDATE != 0 && v.flags&vmLocked != 0 {
			m.mu.RUnlock()
			return linux.EBUSY
		}
		to := min(end, v.end)
		file, what, off := v.file, v.m, v.fileOff(at)
		sync := flags&linux.MS_SYNC != 0 && file != nil && v.shared()
		if sync {
			file.Get()
		}
		m.mu.RUnlock()
		if sync {
			errno := what.Sync(off, uint64(to-at))
			file.Put()
			if errno != 0 {
				return errno
			}
		}
		at = to
	}
	if hole {
		return linux.ENOMEM
	}
	return 0
}

// Incore is mincore(2) for the pages from addr on: dst gets a byte each, 1 if the page is in
// memory. Pages of files count as such: the host has them or not, and does not tell everybody. ENOMEM if a page is not
// mapped.
func (m *MM) Incore(addr usermem.Addr, dst []byte) linux.Errno {
	m.mu.RLock()
	defer m.mu.RUnlock()
	end := addr + usermem.Addr(len(dst))<<usermem.PageShift
	if !m.covered(addr, end) {
		return linux.ENOMEM
	}
	for _, v := range m.areas.overlapping(addr, end) {
		from, to := max(addr, v.start), min(end, v.end)
		part := dst[(from-addr)>>usermem.PageShift : (to-addr)>>usermem.PageShift]
		for i := range part {
			part[i] = 0
			if v.file != nil || m.table.get(from+usermem.Addr(i)<<usermem.PageShift) != 0 {
				part[i] = 1
			}
		}
	}
	return 0
}
