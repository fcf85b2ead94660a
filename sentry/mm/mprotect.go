package mm

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// span checks an address and length as most calls here do: addr a page boundary or bad, the
// length rounded up to pages and without overflow or bad.
func span(addr usermem.Addr, n uint64, bad linux.Errno) (end usermem.Addr, errno linux.Errno) {
	up, ok := usermem.PageUp(n)
	if !ok {
		return 0, bad
	}
	if end, ok = addr.Add(up); !ok {
		return 0, bad
	}
	return end, 0
}

// Protect is mprotect(2) (do_mprotect_pkey, mm/mprotect.c). What comes before an error stays
// changed.
func (m *MM) Protect(addr usermem.Addr, n uint64, prot uint32) linux.Errno {
	const grows = linux.PROT_GROWSDOWN | linux.PROT_GROWSUP
	if prot&grows == grows || !addr.Aligned() {
		return linux.EINVAL
	}
	if n == 0 {
		return 0
	}
	end, errno := span(addr, n, linux.ENOMEM)
	if errno != 0 {
		return errno
	}
	if prot&^(grows|linux.PROT_READ|linux.PROT_WRITE|linux.PROT_EXEC|linux.PROT_SEM) != 0 {
		return linux.EINVAL
	}
	m.lock()
	defer m.unlock()
	v := m.areas.first(addr)
	switch {
	case v == nil:
		return linux.ENOMEM
	case prot&linux.PROT_GROWSDOWN != 0:
		if v.start >= end {
			return linux.ENOMEM
		}
		if v.flags&vmGrowsDown == 0 {
			return linux.EINVAL
		}
		addr = v.start
	case v.start > addr:
		return linux.ENOMEM
	case prot&linux.PROT_GROWSUP != 0:
		return linux.EINVAL
	}
	defer func() { m.mergeAround(addr, end) }()
	for at := addr; at < end; {
		v := m.areas.lookup(at)
		if v == nil {
			return linux.ENOMEM
		}
		to := min(end, v.end)
		flags := v.flags&^vmAccess | vmProt(prot)
		if prot&linux.PROT_READ != 0 && m.layout.ReadImpliesExec && v.flags&vmMayExec != 0 {
			flags |= vmExec
		}
		if flags&vmAccess&^(flags>>mayShift) != 0 {
			return linux.EACCES
		}
		if errno := m.protectArea(v, at, to, flags); errno != 0 {
			return errno
		}
		at = to
	}
	return 0
}

// protectArea gives [start, end) of v other flags (mprotect_fixup).
func (m *MM) protectArea(v *vma, start, end usermem.Addr, flags vmFlags) linux.Errno {
	if v.flags&vmSealed != 0 {
		return linux.EPERM
	}
	if flags == v.flags {
		return 0
	}
	n := uint64(end-start) >> usermem.PageShift
	if flags.isData() && !v.flags.isData() && m.count.data+n > m.limits.Load().Data>>usermem.PageShift {
		return linux.ENOMEM
	}
	if flags&vmWrite != 0 && v.flags&(vmAccount|vmWrite|vmShared|vmNoReserve) == 0 {
		if errno := m.sys.commit(n); errno != 0 {
			return errno
		}
		m.count.committed += n
		flags |= vmAccount
	}
	if errno := m.carve(start, end); errno != 0 {
		if flags&^v.flags&vmAccount != 0 {
			m.sys.uncommit(n)
			m.count.committed -= n
		}
		return errno
	}
	v = m.areas.lookup(start)
	m.account(v.flags, -int64(n))
	v.flags = flags
	m.account(v.flags, int64(n))
	m.refresh(v, start, end)
	return 0
}

// Seal is mseal(2): the areas of the range can no longer be changed or taken away.
func (m *MM) Seal(addr usermem.Addr, n uint64, flags uint64) linux.Errno {
	if flags != 0 || !addr.Aligned() {
		return linux.EINVAL
	}
	end, errno := span(addr, n, linux.EINVAL)
	if errno != 0 || end == addr {
		return errno
	}
	m.lock()
	defer m.unlock()
	if !m.covered(addr, end) {
		return linux.ENOMEM
	}
	return m.setFlags(addr, end, vmSealed, 0)
}

// covered tells whether areas cover [start, end) without a hole.
func (m *MM) covered(start, end usermem.Addr) bool {
	for at := start; at < end; {
		v := m.areas.lookup(at)
		if v == nil {
			return false
		}
		at = v.end
	}
	return true
}

// setFlags sets and clears flags of the areas in [start, end) that have no part in accesses.
func (m *MM) setFlags(start, end usermem.Addr, set, clear vmFlags) linux.Errno {
	var errno linux.Errno
	for _, v := range m.areas.overlapping(start, end) {
		if v.flags&^clear|set == v.flags {
			continue
		}
		from, to := max(start, v.start), min(end, v.end)
		if errno = m.carve(from, to); errno != 0 {
			break
		}
		v = m.areas.lookup(from)
		m.account(v.flags, -int64(v.pages()))
		v.flags = v.flags&^clear | set
		m.account(v.flags, int64(v.pages()))
	}
	m.mergeAround(start, end)
	return errno
}

// RemapFilePages is remap_file_pages(2), as Linux has emulated it since 4.0: a new mapping of
// another part of the file.
func (m *MM) RemapFilePages(addr usermem.Addr, n uint64, prot uint32, pgoff uint64, flags uint32) linux.Errno {
	addr, n = addr.PageDown(), n&^usermem.PageMask
	if prot != 0 || n == 0 || addr+usermem.Addr(n) <= addr || pgoff+n>>usermem.PageShift < pgoff || pgoff > 1<<51 {
		return linux.EINVAL
	}
	m.lock()
	defer m.unlock()
	end := addr + usermem.Addr(n)
	v := m.areas.lookup(addr)
	if v == nil || !v.shared() {
		return linux.EINVAL
	}
	for at := v.end; at < end; {
		w := m.areas.lookup(at)
		if w == nil || w.m != v.m || w.flags != v.flags {
			return linux.EINVAL
		}
		at = w.end
	}
	a := MapArgs{
		Addr: addr, Len: n, Prot: uint32(v.flags & vmAccess), Off: pgoff << usermem.PageShift,
		Flags: linux.MAP_SHARED | linux.MAP_FIXED | linux.MAP_POPULATE | flags&linux.MAP_NONBLOCK,
		File:  v.file, Mappable: v.m, Readable: true, Writable: v.flags&vmMayWrite != 0,
	}
	if v.flags&vmLocked != 0 {
		a.Flags |= linux.MAP_LOCKED
	}
	// What is mapped must not go while it is not.
	v.m.Mappings().add(m)
	defer v.m.Mappings().remove(m)
	_, errno := m.mapLocked(a)
	return errno
}

// SetAnonName is prctl(2) PR_SET_VMA_ANON_NAME: name shows in /proc/PID/maps as [anon:name];
// "" takes it away. EBADF for areas that are not anonymous memory.
func (m *MM) SetAnonName(addr usermem.Addr, n uint64, name string) linux.Errno {
	if !addr.Aligned() {
		return linux.EINVAL
	}
	end, errno := span(addr, n, linux.EINVAL)
	if errno != 0 || end == addr {
		return errno
	}
	if name != "" {
		name = "[anon:" + name + "]"
	}
	m.lock()
	defer m.unlock()
	hole := !m.covered(addr, end)
	for _, v := range m.areas.overlapping(addr, end) {
		if v.file != nil {
			return linux.EBADF
		}
		from, to := max(addr, v.start), min(end, v.end)
		if v.name == name {
			continue
		}
		if errno := m.carve(from, to); errno != 0 {
			return errno
		}
		m.areas.lookup(from).name = name
	}
	m.mergeAround(addr, end)
	if hole {
		return linux.ENOMEM
	}
	return 0
}
