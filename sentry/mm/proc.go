package mm

import (
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// Area is what /proc/PID/maps and smaps show of an area.
type Area struct {
	Start, End usermem.Addr
	Prot       uint32 // PROT_ bits
	Shared     bool   // 's' rather than 'p'
	Off        uint64
	Info       MapInfo // of the file; else Name alone is set
	VmFlags    string  // the VmFlags line of smaps

	// Bytes, for smaps.
	Rss, Anon, SharedPages, Locked uint64
}

// Areas returns all areas with an end beyond from, at most max of them (0: all). With sizes true
// it counts their pages.
func (m *MM) Areas(from usermem.Addr, max int, sizes bool) []Area {
	var list []Area
	var files []File
	m.mu.RLock()
	for p := m.areas.find(from); max == 0 || len(list) < max; p = m.areas.next(p) {
		v := m.areas.at(p)
		if v == nil {
			break
		}
		a := Area{Start: v.start, End: v.end, Prot: uint32(v.flags & vmAccess), VmFlags: v.flags.String()}
		a.Shared = v.flags&vmMayShare != 0
		a.Info.Name = m.nameOf(v)
		if v.m != nil {
			a.Off = v.off
		}
		if shm, ok := v.m.(*sharedMem); ok {
			a.Info.Minor, a.Info.Ino = 1, shm.ino // the device of the kernel's own tmpfs
		}
		if sizes {
			m.measure(v, &a)
		}
		if v.file != nil {
			v.file.Get()
		}
		list, files = append(list, a), append(files, v.file)
	}
	m.mu.RUnlock()
	for i, f := range files { // names are asked for without the lock
		if f != nil {
			list[i].Info = f.MapInfo()
			f.Put()
		}
	}
	return list
}

// FileOf returns the file of the area that is exactly [start, end), with a reference; nil if there
// is none (/proc/PID/map_files).
func (m *MM) FileOf(start, end usermem.Addr) File {
	m.mu.RLock()
	defer m.mu.RUnlock()
	v := m.areas.lookup(start)
	if v == nil || v.start != start || v.end != end || v.file == nil {
		return nil
	}
	v.file.Get()
	return v.file
}

// Bits of /proc/PID/pagemap (Documentation/admin-guide/mm/pagemap.rst).
const (
	pagemapExclusive = 1 << 56
	pagemapFile      = 1 << 61
	pagemapPresent   = 1 << 63
)

// Pagemap fills out with the words of /proc/PID/pagemap for the pages from at on. Page frames are
// nobody's business.
func (m *MM) Pagemap(at usermem.Addr, out []uint64) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	clear(out)
	m.table.each(at, at+usermem.Addr(len(out))<<usermem.PageShift, func(addr usermem.Addr, ptes []pte) {
		to := out[(addr-at)>>usermem.PageShift:]
		for i, p := range ptes {
			switch {
			case p == 0:
			case p&(pteAnon|pteCow) == pteAnon:
				to[i] = pagemapPresent | pagemapExclusive
			case p&pteAnon != 0:
				to[i] = pagemapPresent
			default:
				to[i] = pagemapPresent | pagemapFile
			}
		}
	})
}

// nameOf returns what maps shows of an area without a file (get_vma_name, fs/proc/task_mmu.c).
func (m *MM) nameOf(v *vma) string {
	l := &m.layout
	switch {
	case v.file != nil:
		return ""
	case v.name != "":
		return v.name
	case v.m != nil && v.shared():
		return "/dev/zero (deleted)"
	case v.start < l.Brk && v.end > l.StartBrk:
		return nameHeap
	case v.start <= l.StartStack && v.end >= l.StartStack && l.StartStack != 0:
		return nameStack
	}
	return ""
}

// measure counts the pages of v.
func (m *MM) measure(v *vma, a *Area) {
	m.table.each(v.start, v.end, func(_ usermem.Addr, ptes []pte) {
		for _, p := range ptes {
			if p == 0 {
				continue
			}
			a.Rss += usermem.PageSize
			if p&pteAnon != 0 {
				a.Anon += usermem.PageSize
			}
			if p&(pteAnon|pteCow) != pteAnon {
				a.SharedPages += usermem.PageSize
			}
		}
	})
	if v.flags&vmLocked != 0 {
		a.Locked = a.Rss
	}
}

// String returns the flags as the VmFlags line of smaps has them (show_smap_vma_flags).
func (f vmFlags) String() string {
	names := [...]struct {
		flag vmFlags
		name string
	}{
		{vmRead, "rd "}, {vmWrite, "wr "}, {vmExec, "ex "}, {vmShared, "sh "},
		{vmMayRead, "mr "}, {vmMayWrite, "mw "}, {vmMayExec, "me "}, {vmMayShare, "ms "},
		{vmGrowsDown, "gd "}, {vmLocked, "lo "}, {vmSeqRead, "sr "}, {vmRandRead, "rr "},
		{vmDontCopy, "dc "}, {vmDontExpand, "de "}, {vmLockOnFault, "lf "}, {vmAccount, "ac "},
		{vmNoReserve, "nr "}, {vmWipeOnFork, "wf "}, {vmDontDump, "dd "},
		{vmHugePage, "hg "}, {vmNoHugePage, "nh "}, {vmSealed, "sl "},
	}
	b := make([]byte, 0, 64)
	for _, n := range names {
		if f&n.flag != 0 {
			b = append(b, n.name...)
		}
	}
	return string(b)
}

// Stats is what /proc/PID/status and statm show of an address space, in bytes.
type Stats struct {
	Size, PeakSize            uint64 // VmSize, VmPeak
	Anon, File, Shmem         uint64 // RssAnon, RssFile, RssShmem
	PeakRss                   uint64 // VmHWM
	Data, Stack, Exec, Locked uint64 // VmData, VmStk, VmExe+VmLib, VmLck
	Code                      uint64 // VmExe: the program's own code
	PageTables                uint64 // VmPTE
	Areas                     int
}

// Rss is the resident set.
func (s *Stats) Rss() uint64 { return s.Anon + s.File + s.Shmem }

// Lib is VmLib.
func (s *Stats) Lib() uint64 { return s.Exec - min(s.Exec, s.Code) }

// Stats returns the sizes of the address space.
func (m *MM) Stats() Stats {
	m.mu.RLock()
	defer m.mu.RUnlock()
	bytes := func(n int64) uint64 { return uint64(max(0, n)) << usermem.PageShift }
	c, l := &m.count, &m.layout
	code, _ := l.EndCode.PageUp()
	s := Stats{
		Size: bytes(int64(c.total)), PeakSize: bytes(c.peakTotal),
		Anon: bytes(c.anon), File: bytes(c.file), Shmem: bytes(c.shmem), PeakRss: bytes(c.peak),
		Data: bytes(int64(c.data)), Stack: bytes(int64(c.stack)), Exec: bytes(int64(c.exec)),
		Locked: bytes(int64(c.locked)), Areas: m.areas.n,
	}
	if code > l.StartCode {
		s.Code = uint64(code - l.StartCode.PageDown())
	}
	leaves := uint64(0)
	for l, at := m.table.nextLeaf(0, m.max); l != nil; l, at = m.table.nextLeaf(at+usermem.HugeSize, m.max) {
		at &^= usermem.HugeMask
		leaves++
	}
	s.PageTables = (leaves + 3) << usermem.PageShift
	return s
}

// ResetPeak lets VmHWM start again from the resident set (/proc/PID/clear_refs).
func (m *MM) ResetPeak() {
	m.lock()
	defer m.unlock()
	m.count.peak = m.count.anon + m.count.file + m.count.shmem
}

// Key identifies the memory at an address for a futex: the same for every process that
// shares it.
type Key struct {
	Of  any    // *MM or Mappable
	Off uint64 // the address, or the offset in what is mapped
}

// FutexKey returns the key of addr (get_futex_key, kernel/futex/core.c); false if nothing is mapped
// there. Private memory belongs to the address space.
func (m *MM) FutexKey(addr usermem.Addr) (Key, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	v := m.areas.lookup(addr)
	switch {
	case v == nil:
		return Key{}, false
	case v.m == nil || v.flags&vmMayShare == 0:
		return Key{m, uint64(addr)}, true
	}
	return Key{v.m, v.fileOff(addr)}, true
}
