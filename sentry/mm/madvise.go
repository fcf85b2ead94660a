package mm

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// Advise is madvise(2) (mm/madvise.c). Holes count as ENOMEM after everything else is done.
// Advice of features that are configured out (KSM, memory failure) is EINVAL.
func (m *MM) Advise(addr usermem.Addr, n uint64, advice int) linux.Errno {
	set, clear, act := advice2flags(advice)
	if !act || !addr.Aligned() {
		return linux.EINVAL
	}
	end, errno := span(addr, n, linux.EINVAL)
	if errno != 0 || end == addr {
		return errno
	}
	if advice == linux.MADV_REMOVE {
		return m.punch(addr, end)
	}
	m.lock()
	defer m.unlock()
	if advice == linux.MADV_POPULATE_READ || advice == linux.MADV_POPULATE_WRITE {
		return m.advisePopulate(addr, end, advice == linux.MADV_POPULATE_WRITE)
	}
	hole := !m.covered(addr, end)
	for _, v := range m.areas.overlapping(addr, end) {
		from, to := max(addr, v.start), min(end, v.end)
		if errno := m.adviseArea(v, from, to, advice, set, clear); errno != 0 {
			return errno
		}
	}
	if hole {
		return linux.ENOMEM
	}
	return 0
}

// advice2flags returns what an advice changes in the flags of areas; ok is false for one that
// Linux would not know.
func advice2flags(advice int) (set, clear vmFlags, ok bool) {
	switch advice {
	case linux.MADV_NORMAL:
		return 0, vmRandRead | vmSeqRead, true
	case linux.MADV_RANDOM:
		return vmRandRead, vmSeqRead, true
	case linux.MADV_SEQUENTIAL:
		return vmSeqRead, vmRandRead, true
	case linux.MADV_DONTFORK:
		return vmDontCopy, 0, true
	case linux.MADV_DOFORK:
		return 0, vmDontCopy, true
	case linux.MADV_WIPEONFORK:
		return vmWipeOnFork, 0, true
	case linux.MADV_KEEPONFORK:
		return 0, vmWipeOnFork, true
	case linux.MADV_DONTDUMP:
		return vmDontDump, 0, true
	case linux.MADV_DODUMP:
		return 0, vmDontDump, true
	case linux.MADV_HUGEPAGE:
		return vmHugePage, vmNoHugePage, true
	case linux.MADV_NOHUGEPAGE:
		return vmNoHugePage, vmHugePage, true
	case linux.MADV_WILLNEED, linux.MADV_DONTNEED, linux.MADV_DONTNEED_LOCKED, linux.MADV_FREE,
		linux.MADV_REMOVE, linux.MADV_COLD, linux.MADV_PAGEOUT,
		linux.MADV_POPULATE_READ, linux.MADV_POPULATE_WRITE:
		return 0, 0, true
	}
	return 0, 0, false
}

// adviseArea applies an advice to [start, end) of v.
func (m *MM) adviseArea(v *vma, start, end usermem.Addr, advice int, set, clear vmFlags) linux.Errno {
	switch advice {
	case linux.MADV_DONTNEED, linux.MADV_DONTNEED_LOCKED, linux.MADV_FREE:
		if v.flags&vmLocked != 0 && advice != linux.MADV_DONTNEED_LOCKED ||
			advice == linux.MADV_FREE && !v.anonymous() {
			return linux.EINVAL
		}
		if v.flags&vmSealed != 0 && v.m == nil && v.flags&vmWrite == 0 {
			return linux.EPERM
		}
		// A page marked free may be taken at any time; here that is at once.
		m.zap(v, start, end)
		return 0
	case linux.MADV_COLD, linux.MADV_PAGEOUT:
		if v.flags&vmLocked != 0 {
			return linux.EINVAL
		}
		return 0
	case linux.MADV_WIPEONFORK, linux.MADV_KEEPONFORK:
		if !v.anonymous() {
			return linux.EINVAL
		}
	case linux.MADV_DODUMP:
		if v.flags&vmDontExpand != 0 {
			return linux.EINVAL
		}
	}
	if set|clear == 0 {
		return 0
	}
	return m.setFlags(start, end, set, clear)
}

// advisePopulate is MADV_POPULATE_READ and _WRITE.
func (m *MM) advisePopulate(start, end usermem.Addr, write bool) linux.Errno {
	for at := start; at < end; {
		v := m.areas.lookup(at)
		if v == nil {
			return linux.ENOMEM
		}
		if !v.allows(write, false) {
			return linux.EINVAL
		}
		to := min(end, v.end)
		switch errno := m.populateArea(v, at, to, write); errno {
		case 0:
		case linux.ENOMEM:
			return errno
		default:
			return linux.EFAULT
		}
		at = to
	}
	return 0
}

// punch is MADV_REMOVE: the file loses the pages of the range. Files are called without the lock.
func (m *MM) punch(start, end usermem.Addr) linux.Errno {
	type part struct {
		file   HolePuncher
		off, n uint64
	}
	var parts []part
	m.lock()
	hole := !m.covered(start, end)
	var errno linux.Errno
	for _, v := range m.areas.overlapping(start, end) {
		file, ok := v.m.(HolePuncher)
		switch {
		case v.flags&vmLocked != 0, v.m == nil:
			errno = linux.EINVAL
		case v.flags&(vmShared|vmWrite) != vmShared|vmWrite:
			errno = linux.EACCES
		case !ok:
			errno = linux.EOPNOTSUPP
		}
		if errno != 0 {
			break
		}
		from, to := max(start, v.start), min(end, v.end)
		if v.file != nil {
			v.file.Get()
			m.put = append(m.put, v.file)
		}
		// The record of mappings keeps memory that has no file.
		v.m.Mappings().add(m)
		defer v.m.Mappings().remove(m)
		parts = append(parts, part{file, v.fileOff(from), uint64(to - from)})
	}
	put := m.put
	m.put = nil
	m.unlock()
	for _, p := range parts {
		if e := p.file.PunchHole(p.off, p.n); e != 0 && errno == 0 {
			errno = e
		}
	}
	for _, f := range put {
		f.Put()
	}
	if errno == 0 && hole {
		errno = linux.ENOMEM
	}
	return errno
}
