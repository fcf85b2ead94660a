package mm

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// pager is an MM as usermem.Pager, with the rights of the application.
type pager MM

func (g *pager) RLock()   { g.mu.RLock() }
func (g *pager) RUnlock() { g.mu.RUnlock() }

// Peek is usermem.Pager's. The page table alone says what may be done.
func (g *pager) Peek(addr usermem.Addr, n int, write bool) (usermem.Piece, bool) {
	need := ptePresent | pteRead
	if write {
		need = ptePresent | pteWrite
	}
	return (*MM)(g).peek(addr, n, need, need)
}

// peek returns the kernel's view of at most n bytes at addr, as far as pages whose bits in
// mask are want lie together.
func (m *MM) peek(addr usermem.Addr, n int, mask, want pte) (usermem.Piece, bool) {
	l := m.table.leaf(addr)
	if l == nil {
		return usermem.Piece{}, false
	}
	i := index(addr, usermem.PageShift)
	p := l.ptes[i]
	if p&mask != want {
		return usermem.Piece{}, false
	}
	have := usermem.PageSize - int(addr.PageOffset())
	for k := 1; have < n && i+k < entries; k++ {
		q := l.ptes[i+k]
		if q&mask != want || q.off() != p.off()+uint64(k)<<usermem.PageShift || (q^p)&pteHost != 0 {
			break
		}
		have += usermem.PageSize
	}
	have = min(have, n)
	off := p.off() + addr.PageOffset()
	if p&pteHost == 0 {
		return usermem.Piece{Bytes: m.file.Bytes(off, uint64(have))}, true
	}
	v := m.areas.lookup(addr)
	have = int(min(uint64(have), uint64(v.end-addr))) // the next area may have another file
	return v.host.Peek(off, have)
}

// Fault is usermem.Pager's.
func (g *pager) Fault(addr usermem.Addr, n int, write bool) linux.Errno {
	m := (*MM)(g)
	m.lock()
	defer m.unlock()
	v := m.areaForCopy(addr)
	if v == nil || !v.allows(write, false) {
		return linux.EFAULT
	}
	off := addr.PageOffset()
	if m.fault(v, addr.PageDown(), write, false, off+uint64(n)) != 0 {
		return linux.EFAULT
	}
	return 0
}

// areaForCopy returns the area of addr, letting the stack grow, nil if there is none.
func (m *MM) areaForCopy(addr usermem.Addr) *vma {
	if m.dead || addr >= m.max {
		return nil
	}
	v := m.areas.first(addr)
	if v == nil || addr < v.start && !m.growDown(v, addr.PageDown()) {
		return nil
	}
	return v
}

// forcePager is an MM as usermem.Pager with the rights of a debugger.
type forcePager MM

func (g *forcePager) RLock()   { g.mu.RLock() }
func (g *forcePager) RUnlock() { g.mu.RUnlock() }

// Peek is usermem.Pager's: any page can be read; writable ones can be written, and private
// ones that nobody else has.
func (g *forcePager) Peek(addr usermem.Addr, n int, write bool) (usermem.Piece, bool) {
	m := (*MM)(g)
	if !write {
		return m.peek(addr, n, ptePresent, ptePresent)
	}
	if p, ok := m.peek(addr, n, ptePresent|pteWrite, ptePresent|pteWrite); ok {
		return p, true
	}
	return m.peek(addr, n, ptePresent|pteAnon|pteCow, ptePresent|pteAnon)
}

// Fault is usermem.Pager's, with FOLL_FORCE (check_vma_flags, mm/gup.c).
func (g *forcePager) Fault(addr usermem.Addr, n int, write bool) linux.Errno {
	m := (*MM)(g)
	m.lock()
	defer m.unlock()
	v := m.areaForCopy(addr)
	switch {
	case v == nil,
		!write && v.flags&(vmAccess|vmMayRead) == 0,
		write && v.flags&vmWrite == 0 && (v.shared() || v.flags&vmMayWrite == 0):
		return linux.EFAULT
	case v.allows(write, false):
		if m.fault(v, addr.PageDown(), write, false, usermem.PageSize) != 0 {
			return linux.EFAULT
		}
		return 0
	}
	if m.forceFault(v, addr.PageDown(), write) != 0 {
		return linux.EFAULT
	}
	return 0
}

// forceFault makes a page present whose protection does not allow the access, and for a write private. The
// platform gets nothing that the protection does not allow.
func (m *MM) forceFault(v *vma, addr usermem.Addr, write bool) linux.Errno {
	p := m.table.get(addr)
	switch {
	case p&(pteAnon|pteCow) == pteAnon|pteCow && write:
		return m.breakCow(v, addr)
	case p != 0 && (!write || p&pteAnon != 0):
		return 0
	case v.anonymous():
		_, errno := m.fillAnon(v, addr, usermem.PageSize)
		return errno
	case write:
		return m.privatise(v, addr)
	}
	return m.fillFile(v, addr, false)
}
