package kvm

import (
	"runtime/debug"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform"
)

// Bits of a page table's entry (Intel SDM volume 3, 4.5). Accessed and dirty are always set, so
// that the processor writes to no page table.
const (
	ptePresent  = 1 << 0
	pteWrite    = 1 << 1
	pteUser     = 1 << 2
	pteAccessed = 1 << 5
	pteDirty    = 1 << 6
	pteMapped   = 1 << 9  // ours: the entry stands for a page, present or not
	pteNone     = 1 << 10 // ours: it may not be accessed
	pteNX       = 1 << 63
	pteAddr     = 1<<52 - pageSize

	pteTable = ptePresent | pteWrite | pteUser | pteAccessed
)

// The addresses an application may map: the lower half, less its last page, as on Linux.
const (
	minAddr = pageSize
	maxAddr = 1<<47 - pageSize
)

// space is an address space: page tables. It implements platform.AddressSpace.
type space struct {
	p    *Platform
	m    *memory
	root uint64 // frame of the highest table
	top  uint64 // frame of the next one for the upper half

	mu       sync.Mutex
	released bool
	stale    []span           // pages whose translations are to be forgotten
	dropped  []uint64         // frames whose tables are gone
	own      []uint64         // frames of the upper half, but for top
	blocks   [maxSlots]uint64 // frames, of slots whose stub runs in ring 3
	asks     spaceAsks
}

// span is a range of guest-physical memory.
type span struct{ gpa, n uint64 }

// manySpans are so many that flushing everything costs less.
const manySpans = 64

func newSpace(p *Platform) (*space, linux.Errno) {
	s := &space{p: p, m: p.memory}
	var errno linux.Errno
	if s.root, errno = s.m.newFrame(); errno != 0 {
		return nil, errno
	}
	s.m.table(s.root)[511] = p.system.entry
	if s.top, errno = s.m.newFrame(); errno != 0 {
		s.m.retire([]uint64{s.root})
		return nil, errno
	}
	*s.m.table(s.top) = *s.m.table(p.system.entry & pteAddr)
	s.m.table(s.root)[511] = s.top | p.system.entry&^pteAddr
	return s, 0
}

// ownPage makes a page of the upper half that no other address space has, and that ring 3 may read. Once made it stays
// until Release. mu is held.
func (s *space) ownPage(at, bits uint64) (page uint64, errno linux.Errno) {
	table := s.top
	for level := 2; level > 0; level-- {
		e := &s.m.table(table)[at>>(12+9*level)&511]
		if *e == 0 {
			frame, errno := s.m.newFrame()
			if errno != 0 {
				return 0, errno
			}
			s.own = append(s.own, frame)
			atomic.StoreUint64(e, frame|pteTable)
		}
		table = *e & pteAddr
	}
	if page, errno = s.m.newFrame(); errno != 0 {
		return 0, errno
	}
	s.own = append(s.own, page)
	atomic.StoreUint64(&s.m.table(table)[at>>12&511], page|ptePresent|pteUser|pteAccessed|pteDirty|bits)
	return page, 0
}

// block returns the block of a slot whose stub runs in ring 3.
func (s *space) block(id int) (*block, linux.Errno) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.blocks[id] == 0 {
		page, errno := s.ownPage(blockAt(id), pteWrite|pteNX)
		if errno != 0 {
			return nil, errno
		}
		s.blocks[id] = page
	}
	return s.m.block(s.blocks[id]), 0
}

// outside tells whether any of the range is not the application's.
func outside(addr, length uint64) bool {
	return addr < minAddr || addr > maxAddr || length > maxAddr-addr
}

// What walk does about tables.
type mode int

const (
	look  mode = iota // passes over what is not there
	grow              // makes what is not there
	prune             // as look, and takes away what lies in the range as a whole
)

// walk calls fn for the entries of the pages in [addr, end), a table at a time.
func (s *space) walk(table uint64, level uint, addr, end uint64, mode mode, fn func(addr uint64, ptes []uint64)) linux.Errno {
	t := s.m.table(table)
	shift := 12 + 9*level
	if level == 0 {
		i := addr >> shift & 511
		fn(addr, t[i:i+(end-addr)>>shift])
		return 0
	}
	for addr < end {
		next := min(end, (addr>>shift+1)<<shift)
		e := &t[addr>>shift&511]
		if *e == 0 {
			if mode != grow {
				addr = next
				continue
			}
			frame, errno := s.m.newFrame()
			if errno != 0 {
				return errno
			}
			atomic.StoreUint64(e, frame|pteTable)
		}
		child := *e & pteAddr
		if errno := s.walk(child, level-1, addr, next, mode, fn); errno != 0 {
			return errno
		}
		if mode == prune && next-addr == 1<<shift {
			atomic.StoreUint64(e, 0)
			s.dropped = append(s.dropped, child)
		}
		addr = next
	}
	return 0
}

// each is walk from the root.
func (s *space) each(addr, length uint64, mode mode, fn func(addr uint64, ptes []uint64)) linux.Errno {
	return s.walk(s.root, 3, addr, addr+length, mode, fn)
}

// pte returns the entry of a page, 0 if there is none. It takes no lock: tables stay readable when
// they are dropped.
func (s *space) pte(addr uint64) (e uint64, at *uint64) {
	table := s.root
	for level := uint(3); ; level-- {
		at = &s.m.table(table)[addr>>(12+9*level)&511]
		if e = atomic.LoadUint64(at); e == 0 || level == 0 {
			return e, at
		}
		table = e & pteAddr
	}
}

// bits returns the entry's bits for a protection.
func bits(prot platform.Prot) uint64 {
	b := uint64(ptePresent | pteUser | pteAccessed | pteDirty | pteMapped)
	if prot == 0 {
		b = pteMapped | pteNone
	}
	if prot&platform.Write != 0 {
		b |= pteWrite
	}
	if prot&platform.Exec == 0 {
		b |= pteNX
	}
	return b
}

// note has the translations to a page forgotten by the next settle.
func (s *space) note(gpa uint64) {
	if n := len(s.stale); n > 0 && s.stale[n-1].gpa+s.stale[n-1].n == gpa {
		s.stale[n-1].n += pageSize
		return
	}
	s.stale = append(s.stale, span{gpa, pageSize})
}

// settle ends a change: no vCPU has a translation any more that the page tables do not give. gone:
// the pages noted have left them.
func (s *space) settle(gone bool) {
	if len(s.stale) > manySpans {
		if s.m.flush() != 0 {
			panic("kvm: translations cannot be flushed")
		}
	} else {
		for _, p := range s.stale {
			s.m.forget(p.gpa, p.n)
		}
	}
	if gone {
		for _, p := range s.stale {
			s.m.unref(p.gpa, p.n)
		}
	}
	s.stale = s.stale[:0]
	if len(s.dropped) > 0 {
		s.m.retire(s.dropped)
		s.dropped = s.dropped[:0]
	}
}

// Map implements platform.AddressSpace. The pages are entered at once: KVM brings them in when they
// are touched.
func (s *space) Map(addr, length uint64, fd int, off uint64, prot platform.Prot, populate bool) linux.Errno {
	if outside(addr, length) {
		return linux.EINVAL
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear(addr, length, look)
	if prot&(platform.Exec|platform.Write) == platform.Exec {
		for _, g := range s.replace(addr, length, fd, off) {
			n := g.off - off
			if errno := s.enter(addr, n, fd, off, prot); errno != 0 {
				return errno
			}
			if errno := s.enter(addr+n, pageSize, s.p.asks.fd, g.copy, prot); errno != 0 {
				return errno
			}
			addr, off, length = addr+n+pageSize, off+n+pageSize, length-n-pageSize
		}
	}
	return s.enter(addr, length, fd, off, prot)
}

// enter enters pages where there are none. mu is held.
func (s *space) enter(addr, length uint64, fd int, off uint64, prot platform.Prot) linux.Errno {
	b := bits(prot)
	for length > 0 {
		gpa, n, errno := s.m.lookUp(fd, off, length, prot&platform.Write != 0)
		if errno != 0 {
			return errno
		}
		at := gpa
		errno = s.each(addr, n, grow, func(_ uint64, ptes []uint64) {
			for i := range ptes {
				atomic.StoreUint64(&ptes[i], at|b)
				at += pageSize
			}
		})
		if errno != 0 {
			s.m.unref(at, gpa+n-at)
			return errno
		}
		addr, off, length = addr+n, off+n, length-n
	}
	return 0
}

// clear takes the range out of the page tables.
func (s *space) clear(addr, length uint64, mode mode) {
	s.each(addr, length, mode, func(_ uint64, ptes []uint64) {
		for i := range ptes {
			if e := ptes[i]; e != 0 {
				atomic.StoreUint64(&ptes[i], 0)
				s.note(e & pteAddr)
			}
		}
	})
	s.settle(true)
}

// Protect implements platform.AddressSpace.
func (s *space) Protect(addr, length uint64, prot platform.Prot) linux.Errno {
	if outside(addr, length) {
		return linux.EINVAL
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	given := bits(prot)
	s.each(addr, length, look, func(_ uint64, ptes []uint64) {
		for i := range ptes {
			e, b := ptes[i], given
			if e == 0 {
				continue
			}
			if s.p.asks.holds(e & pteAddr) {
				b &^= pteWrite
			}
			atomic.StoreUint64(&ptes[i], e&pteAddr|b)
			if e&^b&(pteWrite|ptePresent) != 0 || b&^e&pteNX != 0 {
				s.note(e & pteAddr)
			}
		}
	})
	s.settle(false)
	return 0
}

// Unmap implements platform.AddressSpace.
func (s *space) Unmap(addr, length uint64) {
	if outside(addr, length) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear(addr, length, prune)
}

// Clone implements platform.AddressSpace: the page tables are copied.
func (s *space) Clone(dst platform.AddressSpace) linux.Errno {
	d := dst.(*space)
	s.mu.Lock()
	defer s.mu.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	var failed linux.Errno
	s.each(minAddr, maxAddr-minAddr, look, func(addr uint64, from []uint64) {
		if failed != 0 {
			return
		}
		failed = d.each(addr, uint64(len(from))*pageSize, grow, func(_ uint64, to []uint64) {
			for i, e := range from {
				if e != 0 {
					atomic.StoreUint64(&to[i], e)
					s.m.ref(e&pteAddr, pageSize)
				}
			}
		})
	})
	if failed == 0 {
		failed = s.cloneAsks(d)
	}
	if failed != 0 {
		d.clear(minAddr, maxAddr-minAddr, prune)
	}
	return failed
}

// Release implements platform.AddressSpace. What vCPUs may still have of it they use no more: they
// forget it before they run in another one, and frames wait until they have.
func (s *space) Release() {
	s.p.haltIn(s.root)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.released {
		return
	}
	s.released = true
	s.each(0, 1<<47, prune, func(_ uint64, ptes []uint64) {
		for _, e := range ptes {
			if e != 0 {
				s.m.unref(e&pteAddr, pageSize)
			}
		}
	})
	s.m.retire(append(append(s.dropped, s.own...), s.top, s.root))
	s.dropped = nil
}

// postpone makes every page absent but ready to be made present by bring: KVM has failed to
// access one and does not say which.
func (s *space) postpone() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.each(minAddr, maxAddr-minAddr, look, func(_ uint64, ptes []uint64) {
		for i := range ptes {
			if e := ptes[i]; e&ptePresent != 0 {
				atomic.StoreUint64(&ptes[i], e&^ptePresent)
			}
		}
	})
}

// What bring says of a fault.
type verdict int

const (
	refused verdict = iota // the kernel has to see it
	brought                // the access can be repeated
	broken                 // the host has no page there: the file is shorter
)

// bring looks at a page fault of the application.
func (s *space) bring(addr uint64, write, exec bool) verdict {
	if outside(addr&^(pageSize-1), pageSize) {
		return refused
	}
	e, _ := s.pte(addr)
	if e&pteMapped == 0 || e&pteNone != 0 || write && e&pteWrite == 0 || exec && e&pteNX != 0 {
		return refused
	}
	if e&ptePresent != 0 {
		return brought // since it was translated
	}
	how := unix.MADV_POPULATE_READ
	if write {
		how = unix.MADV_POPULATE_WRITE
	}
	if advise(s.m.base+uintptr(e&pteAddr), pageSize, how) == unix.EFAULT {
		return broken
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if now, at := s.pte(addr); now == e {
		atomic.StoreUint64(at, e|ptePresent)
	}
	return brought
}

// peek reads a byte of the application's text. The host may have no page there.
func (s *space) peek(addr uint64) (b byte, ok bool) {
	if outside(addr&^(pageSize-1), pageSize) {
		return 0, false
	}
	e, _ := s.pte(addr)
	if e&pteMapped == 0 {
		return 0, false
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	return s.m.bytes(e & pteAddr)[addr%pageSize], true
}
