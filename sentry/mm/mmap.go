package mm

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// MapArgs is a call of mmap(2). The file's side comes with it: what its descriptor allows and
// whether it can be mapped at all.
type MapArgs struct {
	Addr  usermem.Addr
	Len   uint64
	Prot  uint32
	Flags uint32
	Off   uint64

	File               File     // nil for anonymous memory
	Mappable           Mappable // nil: the file cannot be mapped (ENODEV)
	Readable, Writable bool     // how the file is open
	NoExec             bool     // its mount is noexec
	Append             bool     // the inode is append-only

	// For the kernel's own mappings; not from system calls.
	Name   string // a special area ("[vdso]"): Mappable without File
	Stack  bool   // exec's stack
	NoMove bool   // the area does not merge nor grow (VM_DONTEXPAND)
	Eager  bool   // a program's segment
	Fixed  bool   // never writable nor executable, not even by mprotect(2)
}

// sharedValidate are the flags that MAP_SHARED_VALIDATE knows (LEGACY_MAP_MASK).
const sharedValidate = linux.MAP_SHARED | linux.MAP_PRIVATE | linux.MAP_FIXED | linux.MAP_ANONYMOUS |
	linux.MAP_DENYWRITE | linux.MAP_EXECUTABLE | linux.MAP_UNINITIALIZED | linux.MAP_GROWSDOWN |
	linux.MAP_LOCKED | linux.MAP_NORESERVE | linux.MAP_POPULATE | linux.MAP_NONBLOCK |
	linux.MAP_STACK | linux.MAP_HUGETLB | linux.MAP_32BIT | linux.MAP_ABOVE4G |
	linux.MAP_HUGE_MASK<<linux.MAP_HUGE_SHIFT

// Map is mmap(2) (do_mmap, mm/mmap.c).
func (m *MM) Map(a MapArgs) (usermem.Addr, linux.Errno) {
	m.lock()
	defer m.unlock()
	return m.mapLocked(a)
}

// mapLocked is Map with the lock held.
func (m *MM) mapLocked(a MapArgs) (usermem.Addr, linux.Errno) {
	if errno := m.checkMap(&a); errno != 0 {
		return 0, errno
	}
	addr, errno := m.placeMap(&a)
	if errno != 0 {
		return 0, errno
	}
	v, errno := m.newArea(&a, addr)
	if errno != 0 {
		return 0, errno
	}
	if errno := m.place(v); errno != 0 {
		if shm, ok := v.m.(*sharedMem); ok {
			shm.release()
		}
		return 0, errno
	}
	if a.Flags&linux.MAP_POPULATE != 0 && a.Flags&linux.MAP_NONBLOCK == 0 || v.flags&(vmLocked|vmLockOnFault) == vmLocked {
		m.populate(addr, addr+usermem.Addr(a.Len), v.flags&vmLocked != 0)
	} else if m.foreseen(v, a.Len) {
		m.anticipate(addr, addr+usermem.Addr(a.Len))
	} else if v.anonymous() && a.Len <= minWindow {
		m.small = usermem.Range{Start: addr, End: addr + usermem.Addr(a.Len)}
	}
	return addr, 0
}

// checkMap does the checks that come before a place is looked for.
func (m *MM) checkMap(a *MapArgs) linux.Errno {
	if m.dead || a.Off&usermem.PageMask != 0 || a.Len == 0 {
		return linux.EINVAL
	}
	if a.Flags&linux.MAP_HUGETLB != 0 {
		// The pool of huge pages is empty, and no file is of hugetlbfs.
		if a.File != nil {
			return linux.EINVAL
		}
		return linux.ENOMEM
	}
	if a.Prot&linux.PROT_READ != 0 && m.layout.ReadImpliesExec && !(a.File != nil && a.NoExec) {
		a.Prot |= linux.PROT_EXEC
	}
	if a.Flags&linux.MAP_FIXED_NOREPLACE != 0 {
		a.Flags |= linux.MAP_FIXED
	}
	if a.Flags&linux.MAP_FIXED == 0 {
		a.Addr = a.Addr.PageDown()
		if a.Addr != 0 && a.Addr < m.lowest() {
			a.Addr = m.lowest()
		}
	}
	var ok bool
	if a.Len, ok = usermem.PageUp(a.Len); !ok || a.Len == 0 {
		return linux.ENOMEM
	}
	if end := a.Off + a.Len; end < a.Off || a.File != nil && end > 1<<63-1 {
		return linux.EOVERFLOW
	}
	if m.areas.n > m.sys.maxAreas() {
		return linux.ENOMEM
	}
	return 0
}

// placeMap finds the address (get_unmapped_area).
func (m *MM) placeMap(a *MapArgs) (usermem.Addr, linux.Errno) {
	if a.Len > uint64(m.max) {
		return 0, linux.ENOMEM
	}
	if a.Flags&linux.MAP_FIXED != 0 {
		switch {
		case a.Addr > m.max-usermem.Addr(a.Len):
			return 0, linux.ENOMEM
		case !a.Addr.Aligned():
			return 0, linux.EINVAL
		case a.Addr < m.lowest():
			return 0, linux.EPERM
		}
		if a.Flags&linux.MAP_FIXED_NOREPLACE != 0 {
			if v := m.areas.first(a.Addr); v != nil && v.start < a.Addr+usermem.Addr(a.Len) {
				return 0, linux.EEXIST
			}
		}
		return a.Addr, 0
	}
	return m.unmapped(a.Addr, a.Len, a.Flags, a.File == nil && a.Mappable == nil)
}

// unmapped finds n free bytes, at hint if they are free there
// (arch_get_unmapped_area_topdown, arch/x86/kernel/sys_x86_64.c).
func (m *MM) unmapped(hint usermem.Addr, n uint64, flags uint32, anon bool) (usermem.Addr, linux.Errno) {
	low := max(m.lowest(), usermem.PageSize)
	if flags&linux.MAP_32BIT != 0 {
		if at, ok := m.areas.lowest(n, 0x40000000, 0x80000000, 1, 0); ok {
			return at, 0
		}
		return 0, linux.ENOMEM
	}
	if hint != 0 && hint <= m.max-usermem.Addr(n) && hint >= low {
		p := m.areas.find(hint)
		next, prev := m.areas.at(p), m.areas.before(p)
		if (next == nil || hint+usermem.Addr(n) <= next.startGap()) && (prev == nil || hint >= prev.end) {
			return hint, 0
		}
	}
	if flags&linux.MAP_ABOVE4G != 0 {
		low = max(low, 1<<32)
	}
	base := m.layout.MmapBase
	if base == 0 {
		base = m.max
	}
	// Whole huge pages of anonymous memory are placed on their boundaries
	// (thp_get_unmapped_area), as long as there is room to move them.
	if anon && hint == 0 && n%usermem.HugeSize == 0 {
		if at, ok := m.areas.highest(n, low, base, usermem.HugeSize, 0); ok {
			return at, 0
		}
	}
	if at, ok := m.areas.highest(n, low, base, 1, 0); ok {
		return at, 0
	}
	// Above the base, from the bottom up, when all else is full.
	if at, ok := m.areas.lowest(n, m.max/3, m.max, 1, 0); ok {
		return at, 0
	}
	return 0, linux.ENOMEM
}

// Unmapped returns the start of n free bytes, a multiple of align, where mmap(2) would put
// them, without mapping anything: for exec, which has the address space for itself.
func (m *MM) Unmapped(n, align uint64) (usermem.Addr, linux.Errno) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if at, ok := m.areas.highest(n, m.lowest(), m.layout.MmapBase, align, 0); ok {
		return at, 0
	}
	return 0, linux.ENOMEM
}

// Prefault brings in the page at addr and its neighbours, which will be wanted soon. It is
// advice: there are no errors.
func (m *MM) Prefault(addr usermem.Addr, write bool) {
	m.lock()
	defer m.unlock()
	if v := m.areas.lookup(addr); v != nil && v.allows(write, false) && m.table.get(addr)&pteMapped == 0 {
		m.fault(v, addr.PageDown(), write, false, usermem.PageSize)
	}
}

// Starting tells that ld.so runs first.
func (m *MM) Starting() {
	m.lock()
	defer m.unlock()
	m.starting = startAreas
}

// newArea makes the area of a at addr, not in the set yet (the middle of do_mmap).
func (m *MM) newArea(a *MapArgs, addr usermem.Addr) (*vma, linux.Errno) {
	v := &vma{start: addr, end: addr + usermem.Addr(a.Len), off: a.Off, name: a.Name}
	v.flags = vmProt(a.Prot) | vmMay | m.defLocked
	if a.Flags&linux.MAP_LOCKED != 0 {
		if l := m.limits.Load(); l.Memlock == 0 && !l.CanLock {
			return nil, linux.EPERM
		}
		v.flags |= vmLocked
	}
	if v.flags&vmLocked != 0 && !m.mayLock(v.pages()) {
		return nil, linux.EAGAIN
	}
	kind := a.Flags & linux.MAP_TYPE
	if a.Flags&linux.MAP_GROWSDOWN != 0 || a.Stack {
		v.flags |= vmGrowsDown
	}
	if a.NoMove {
		v.flags |= vmDontExpand
	}
	if a.Eager || a.File != nil && a.Flags&linux.MAP_DENYWRITE != 0 {
		v.flags |= vmEager
	}
	if a.Flags&linux.MAP_NORESERVE != 0 && m.sys.Overcommit.Load() != linux.OVERCOMMIT_NEVER {
		v.flags |= vmNoReserve
	}
	switch {
	case a.File != nil:
		return m.fileArea(a, v, kind)
	case a.Mappable != nil:
		v.m = a.Mappable
		if a.Fixed {
			v.flags &^= vmMayWrite | vmMayExec
		}
		if kind == linux.MAP_SHARED {
			v.flags |= vmShared | vmMayShare
		}
		return v, 0
	}
	switch kind {
	case linux.MAP_SHARED:
		if v.flags&vmGrowsDown != 0 {
			return nil, linux.EINVAL
		}
		v.off = 0
		v.flags |= vmShared | vmMayShare
		shm, errno := m.newShared(v.length(), v.flags&vmNoReserve == 0)
		if errno != 0 {
			return nil, errno
		}
		v.m = shm
	case linux.MAP_PRIVATE:
		v.off = uint64(addr)
	default:
		return nil, linux.EINVAL
	}
	return v, 0
}

// fileArea completes the area of a file mapping.
func (m *MM) fileArea(a *MapArgs, v *vma, kind uint32) (*vma, linux.Errno) {
	switch kind {
	case linux.MAP_SHARED_VALIDATE, linux.MAP_SHARED:
		if kind == linux.MAP_SHARED_VALIDATE && a.Flags&^sharedValidate != 0 {
			return nil, linux.EOPNOTSUPP
		}
		if a.Prot&linux.PROT_WRITE != 0 && !a.Writable || a.Append && a.Writable {
			return nil, linux.EACCES
		}
		v.flags |= vmShared | vmMayShare
		if !a.Writable {
			v.flags &^= vmMayWrite | vmShared
		}
	case linux.MAP_PRIVATE:
	default:
		return nil, linux.EINVAL
	}
	switch {
	case !a.Readable:
		return nil, linux.EACCES
	case a.NoExec && v.flags&vmExec != 0:
		return nil, linux.EPERM
	case a.Mappable == nil:
		return nil, linux.ENODEV
	case v.flags&vmGrowsDown != 0:
		return nil, linux.EINVAL
	}
	if a.NoExec {
		v.flags &^= vmMayExec
	}
	v.file, v.m = a.File, a.Mappable
	return v, 0
}

// place puts a new area in, in place of what is there (mmap_region).
func (m *MM) place(v *vma) linux.Errno {
	old := m.areas.overlapping(v.start, v.end)
	var gone uint64
	for _, o := range old {
		if o.flags&vmSealed != 0 {
			return linux.EPERM
		}
		gone += uint64(min(o.end, v.end)-max(o.start, v.start)) >> usermem.PageShift
	}
	n := v.pages()
	if errno := m.mayExpand(v.flags, n-min(n, gone)); errno != 0 {
		return errno
	}
	if len(old) > 0 {
		if errno := m.unmapLocked(v.start, v.end); errno != 0 {
			return errno
		}
	}
	if v.flags.accountable() && v.m == nil || v.flags.accountable() && v.file != nil {
		if errno := m.sys.commit(n); errno != 0 {
			return errno
		}
		m.count.committed += n
		v.flags |= vmAccount
	}
	m.insert(v)
	m.account(v.flags, int64(n))
	m.mergeAround(v.start, v.end)
	return 0
}

// mayExpand tells whether n pages with flags may be added (may_expand_vm): ENOMEM beyond
// RLIMIT_AS or RLIMIT_DATA.
func (m *MM) mayExpand(flags vmFlags, n uint64) linux.Errno {
	l := m.limits.Load()
	if m.count.total+n > l.AS>>usermem.PageShift {
		return linux.ENOMEM
	}
	if flags.isData() && m.count.data+n > l.Data>>usermem.PageShift {
		return linux.ENOMEM
	}
	return 0
}

// mayLock tells whether n pages more may be locked (mlock_future_ok).
func (m *MM) mayLock(n uint64) bool {
	l := m.limits.Load()
	return l.CanLock || m.count.locked+n <= l.Memlock>>usermem.PageShift
}

// account adds n pages of an area with flags to the accounts (vm_stat_account).
func (m *MM) account(flags vmFlags, n int64) {
	add := func(c *uint64) { *c = uint64(int64(*c) + n) }
	add(&m.count.total)
	switch {
	case flags.isExec():
		add(&m.count.exec)
	case flags.isStack():
		add(&m.count.stack)
	case flags.isData():
		add(&m.count.data)
	}
	if flags&vmLocked != 0 {
		add(&m.count.locked)
	}
	m.count.peakTotal = max(m.count.peakTotal, int64(m.count.total))
}

// Unmap is munmap(2).
func (m *MM) Unmap(addr usermem.Addr, n uint64) linux.Errno {
	m.lock()
	defer m.unlock()
	n, ok := usermem.PageUp(n)
	if !addr.Aligned() || !ok || n == 0 || addr > m.max || n > uint64(m.max-addr) {
		return linux.EINVAL
	}
	end := addr + usermem.Addr(n)
	for _, v := range m.areas.overlapping(addr, end) {
		if v.flags&vmSealed != 0 {
			return linux.EPERM
		}
	}
	return m.unmapLocked(addr, end)
}

// unmapLocked removes everything in [start, end).
func (m *MM) unmapLocked(start, end usermem.Addr) linux.Errno {
	if errno := m.carve(start, end); errno != 0 {
		return errno
	}
	gone := m.areas.overlapping(start, end)
	if len(gone) == 0 {
		return 0
	}
	m.unmapPlatform(start, end)
	for _, v := range gone {
		m.zap(v, v.start, v.end)
		m.removeArea(v)
	}
	return 0
}

// removeArea takes an area out whose pages are gone.
func (m *MM) removeArea(v *vma) {
	n := v.pages()
	m.account(v.flags, -int64(n))
	if v.flags&vmAccount != 0 {
		m.sys.uncommit(n)
		m.count.committed -= n
	}
	m.areas.remove(v)
	m.letGo(v)
}

// populate brings the pages of [start, end) in, as far as they can be (mm_populate). Errors
// stay without effect, as with MAP_POPULATE.
func (m *MM) populate(start, end usermem.Addr, locked bool) {
	for _, v := range m.areas.overlapping(start, end) {
		if locked && v.flags&vmLocked == 0 || !v.allows(false, false) {
			continue
		}
		write := v.flags&(vmWrite|vmShared) == vmWrite
		if m.populateArea(v, max(start, v.start), min(end, v.end), write) != 0 {
			return
		}
	}
}

// populateArea brings the pages of [start, end) of v in for reading or writing.
func (m *MM) populateArea(v *vma, start, end usermem.Addr, write bool) linux.Errno {
	need := wanted(write, false) | pteMapped
	for addr := start; addr < end; addr += usermem.PageSize {
		if m.table.get(addr)&need == need {
			continue
		}
		if errno := m.fault(v, addr, write, false, uint64(end-addr)); errno != 0 {
			return errno
		}
	}
	return 0
}
