package mm

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// Brk is brk(2): it moves the end of the heap and returns where it is then, which is where it
// was if it cannot be moved.
func (m *MM) Brk(to usermem.Addr) usermem.Addr {
	m.lock()
	defer m.unlock()
	l := &m.layout
	if to < l.StartBrk || m.dead {
		return l.Brk
	}
	if limit := m.limits.Load().Data; limit != Unlimited &&
		uint64(to-l.StartBrk)+uint64(l.EndData-l.StartData) > limit {
		return l.Brk
	}
	newEnd, ok := to.PageUp()
	oldEnd, _ := l.Brk.PageUp()
	switch {
	case !ok || newEnd > m.max:
		return l.Brk
	case newEnd < oldEnd:
		for _, v := range m.areas.overlapping(newEnd, oldEnd) {
			if v.flags&vmSealed != 0 {
				return l.Brk
			}
		}
		used := m.heapUsed(newEnd, oldEnd)
		if m.unmapLocked(newEnd, oldEnd) != 0 {
			return l.Brk
		}
		m.heapTop = max(m.heapTop, used)
	case newEnd > oldEnd:
		if next := m.areas.first(oldEnd); next != nil && newEnd+usermem.PageSize > next.startGap() {
			return l.Brk
		}
		if m.growHeap(oldEnd, newEnd) != 0 {
			return l.Brk
		}
	}
	l.Brk = to
	return to
}

// growHeap adds [start, end) to the heap (do_brk_flags).
func (m *MM) growHeap(start, end usermem.Addr) linux.Errno {
	v := &vma{start: start, end: end, off: uint64(start)}
	v.flags = vmRead | vmWrite | vmMay | m.defLocked
	if m.layout.ReadImpliesExec {
		v.flags |= vmExec
	}
	if v.flags&vmLocked != 0 && !m.mayLock(v.pages()) {
		return linux.EAGAIN
	}
	if m.areas.n > m.sys.maxAreas() {
		return linux.ENOMEM
	}
	if errno := m.place(v); errno != 0 {
		return errno
	}
	if m.defLocked&(vmLocked|vmLockOnFault) == vmLocked {
		m.populate(start, end, true)
	} else {
		m.anticipate(start, min(end, m.heapAhead(start)))
	}
	m.heapTop = 0
	return 0
}

// maxHeapAhead is how much of new heap is made accessible at once.
const maxHeapAhead = 256 << 10

// heapAhead is how far new heap from start on is made accessible: as far as a part was that has been given back, since who allocates
// and frees in turns would fault for it each time; and by as much as all of what is below is accessible, as with faults (window).
func (m *MM) heapAhead(start usermem.Addr) usermem.Addr {
	below := usermem.Addr(m.presentBefore(m.areas.lookup(start), start))
	return max(start+min(max(minWindow, below), maxHeapAhead), min(m.heapTop, start+maxHeapAhead))
}

// heapUsed returns where what is accessible of the heap's part [start, end) ends, as far as that counts; 0: there is nothing.
func (m *MM) heapUsed(start, end usermem.Addr) usermem.Addr {
	for at := min(end, start+maxHeapAhead); at > start; at -= usermem.PageSize {
		if m.table.get(at-usermem.PageSize) != 0 {
			return at
		}
	}
	return 0
}
