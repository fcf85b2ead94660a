package mm

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/pages"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// vmFlags are the properties of an area (vm_flags); the first three are PROT_READ, PROT_WRITE
// and PROT_EXEC.
type vmFlags uint32

const (
	vmRead  vmFlags = 1 << iota
	vmWrite         // may be written now
	vmExec
	vmShared
	vmMayRead // mprotect may allow it
	vmMayWrite
	vmMayExec
	vmMayShare // MAP_SHARED was asked for, even if the file is only open for reading
	vmGrowsDown
	vmLocked
	vmLockOnFault
	vmDontCopy
	vmDontExpand
	vmWipeOnFork
	vmDontDump
	vmAccount   // its pages are committed
	vmNoReserve // MAP_NORESERVE
	vmHugePage
	vmNoHugePage
	vmSeqRead
	vmRandRead
	vmSealed
	vmEager // a program's segment: its pages will be written rather than shared

	vmAccess = vmRead | vmWrite | vmExec
	vmMay    = vmMayRead | vmMayWrite | vmMayExec
)

// mayShift is from an access to the permission for it.
const mayShift = 4

// vma is an area: a range of addresses of one kind (struct vm_area_struct).
type vma struct {
	start, end usermem.Addr
	flags      vmFlags
	// off is the offset in file of start. A private anonymous area has the address instead, that it
	// had when it was made, so that parts moved away do not merge with others.
	off  uint64
	file File            // the open file, nil if anonymous or special
	m    Mappable        // what is mapped, nil for private anonymous memory
	host *pages.HostFile // where the pteHost pages of the area are
	name string          // of a special area ("[vdso]") or an anonymous one ("[anon:…]", prctl(2))
}

// Area names with a meaning.
const (
	nameHeap  = "[heap]"
	nameStack = "[stack]"
)

// shared tells whether writes reach what is mapped.
func (v *vma) shared() bool { return v.flags&vmShared != 0 }

// anonymous tells whether the area is private memory without a file.
func (v *vma) anonymous() bool { return v.m == nil }

// length is how many bytes the area has.
func (v *vma) length() uint64 { return uint64(v.end - v.start) }

// pages is how many pages the area has.
func (v *vma) pages() uint64 { return v.length() >> usermem.PageShift }

// fileOff is the offset in the file of addr.
func (v *vma) fileOff(addr usermem.Addr) uint64 { return v.off + uint64(addr-v.start) }

// stackGuardGap is what an area that grows down keeps free below itself (256 pages).
const stackGuardGap = 256 << usermem.PageShift

// startGap is the start of the area with the gap it keeps (vm_start_gap).
func (v *vma) startGap() usermem.Addr {
	if v.flags&vmGrowsDown == 0 {
		return v.start
	}
	return v.start - min(v.start, stackGuardGap)
}

// access returns pte's bits for what the application may do with the page p of v now: the
// area's protection, without writing where a write has to be noticed first. Memory that is
// accessible at all can be read (x86).
func (v *vma) access(p pte) pte {
	var a pte
	if v.flags&vmAccess != 0 {
		a |= pteRead
	}
	if v.flags&vmExec != 0 {
		a |= pteExec
	}
	if v.flags&vmWrite != 0 {
		switch {
		case p&pteAnon != 0:
			if p&pteCow == 0 {
				a |= pteWrite
			}
		case v.shared() && (p&(pteHost|pteNoted) != 0 || v.file == nil):
			a |= pteWrite
		}
	}
	return a
}

// joins tells whether w, which starts where v ends, can be one area with it (can_vma_merge_after).
func (v *vma) joins(w *vma) bool {
	return v.end == w.start && v.flags == w.flags && v.file == w.file && v.m == w.m &&
		v.name == w.name && v.flags&vmDontExpand == 0 && v.off+v.length() == w.off &&
		(v.host == w.host || v.host == nil || w.host == nil)
}

// isData, isStack and isExec are the accounts of /proc/pid/statm (include/linux/mm.h).
func (f vmFlags) isData() bool { return f&(vmWrite|vmShared|vmGrowsDown) == vmWrite }

func (f vmFlags) isStack() bool { return f&vmGrowsDown != 0 }

func (f vmFlags) isExec() bool { return f&(vmExec|vmWrite|vmGrowsDown) == vmExec }

// accountable tells whether an area with these flags is committed memory
// (accountable_mapping, mm/mmap.c).
func (f vmFlags) accountable() bool { return f&(vmNoReserve|vmShared|vmWrite) == vmWrite }

// vmProt returns the access flags of a protection of mmap(2).
func vmProt(prot uint32) vmFlags {
	return vmFlags(prot & (linux.PROT_READ | linux.PROT_WRITE | linux.PROT_EXEC))
}

// insert adds the area v, counting what it holds: a reference to the file and a place in the
// file's mappings.
func (m *MM) insert(v *vma) {
	m.areas.insert(v)
	m.hold(v)
}

// hold counts what a new piece of an area holds.
func (m *MM) hold(v *vma) {
	if v.file != nil {
		v.file.Get()
	}
	if v.m != nil {
		v.m.Mappings().add(m)
		v.m.Mappings().countWriters(v, 1)
	}
}

// letGo is the opposite of hold. The file itself is put when the lock is released.
func (m *MM) letGo(v *vma) {
	if v.m != nil {
		v.m.Mappings().countWriters(v, -1)
		v.m.Mappings().remove(m)
	}
	if v.file != nil {
		m.put = append(m.put, v.file)
	}
}

// split cuts v at addr and returns the upper part. The caller has checked the number of areas.
func (m *MM) split(v *vma, addr usermem.Addr) *vma {
	w := *v
	w.start, w.off = addr, v.fileOff(addr)
	m.areas.resize(v, v.start, addr)
	m.insert(&w)
	return &w
}

// carve makes sure that areas begin and end at both ends of [start, end) where they cross
// them. ENOMEM if that takes more areas than are allowed.
func (m *MM) carve(start, end usermem.Addr) linux.Errno {
	first, last := m.areas.lookup(start), m.areas.lookup(end)
	cuts := 0
	if first != nil && first.start < start {
		cuts++
	}
	if last != nil && last.start < end {
		cuts++
	}
	if cuts > 0 && m.areas.n+cuts > m.sys.maxAreas() {
		return linux.ENOMEM
	}
	if first != nil && first.start < start {
		m.split(first, start)
	}
	if last = m.areas.lookup(end); last != nil && last.start < end {
		m.split(last, end)
	}
	return 0
}

// mergeAround joins areas that touch inside or at the ends of [start, end), where flags have changed or
// areas were added.
func (m *MM) mergeAround(start, end usermem.Addr) {
	p := m.areas.find(start - min(start, 1))
	v := m.areas.at(p)
	for v != nil && v.start <= end {
		w := m.areas.first(v.end)
		if w == nil || w.start > end {
			return
		}
		if !v.joins(w) {
			v = w
			continue
		}
		m.areas.remove(w)
		m.areas.resize(v, v.start, w.end)
		if v.host == nil {
			v.host = w.host
		}
		m.letGo(w)
	}
}
