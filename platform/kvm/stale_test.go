package kvm

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/conformance"
)

// These tests look for what is not theirs by every translation that a vCPU, the host's shadow of our page tables
// or its second stage may have kept: of a page, of a page table, of a root, of a window's place.

// rounds is how often each is looked for; without the rules of doc.go it is found in the first few.
const rounds = 60

// ownPlatform is one whose limits the test may change.
func ownPlatform(t *testing.T) *Platform {
	t.Helper()
	plat(t)
	p, err := makePlatform()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	return p
}

// searcher is mov DataAt,%rbx ; test %rbx,%rbx ; jz back ; mov $39,%eax ; syscall: it reads until it finds something.
var searcher = []byte{0x48, 0x8b, 0x1c, 0x25, 0, 0x10, 0x10, 0, 0x48, 0x85, 0xdb, 0x74, 0xf3, 0xb8, 39, 0, 0, 0, 0x0f, 0x05}

// among runs f while threads run the guest's program, of which each is begun again after a fault. A system call of
// theirs fails the test.
func among(t *testing.T, p *Platform, g *conformance.Guest, threads int, f func()) {
	t.Helper()
	var stop atomic.Bool
	var faults atomic.Int64
	var wg sync.WaitGroup
	contexts := make([]platform.Context, threads)
	for i := range contexts {
		c := p.NewContext()
		contexts[i] = c
		wg.Go(func() {
			defer c.Release()
			for !stop.Load() {
				r := g.Regs
				switch trap := c.Switch(g.AS, &r); trap.Kind {
				case platform.Fault:
					faults.Add(1)
				case platform.Interrupted:
				default:
					t.Errorf("%+v, found %#x", trap, r.Rbx)
					return
				}
			}
		})
	}
	f()
	stop.Store(true)
	for _, c := range contexts {
		c.Interrupt()
	}
	wg.Wait()
	if faults.Load() == 0 {
		t.Error("no thread has seen the page go: nothing was tested")
	}
}

// mapPage maps a page of a file.
func mapPage(t *testing.T, as platform.AddressSpace, addr uint64, fd int, off uint64, prot platform.Prot) {
	if errno := as.Map(addr, pageSize, fd, off, prot, false); errno != 0 {
		t.Error(errno)
	}
}

// newFile returns a file of some pages that begins with a word.
func newFile(t *testing.T, pages int, word byte) int {
	t.Helper()
	fd, err := unix.MemfdCreate("stale", 0)
	if err != nil {
		t.Fatal(err)
	}
	unix.Ftruncate(fd, int64(pages)*pageSize)
	unix.Pwrite(fd, []byte{word}, 0)
	return fd
}

// TestPageGoesToAnother: pages that an address space gives back are another's, by all the ways in which it
// may lose them.
func TestPageGoesToAnother(t *testing.T) {
	p := plat(t)
	g := conformance.NewGuest(t, p, searcher...)
	const page = pageSize
	ways := []func(){
		func() { g.AS.Unmap(conformance.DataAt, pageSize) },
		func() { g.AS.Unmap(minAddr, 1<<30) }, // with the tables, and the text
		func() { g.AS.Protect(conformance.DataAt, pageSize, 0) },
		func() { mapPage(t, g.AS, conformance.DataAt, g.FD, 2*page, platform.Read) }, // zero as well
	}
	zero, full := make([]byte, 8), []byte{1, 2, 3, 4, 5, 6, 7, 8}
	among(t, p, g, 3, func() {
		for i := range 4 * rounds {
			mapPage(t, g.AS, conformance.TextAt, g.FD, 0, platform.Read|platform.Exec)
			mapPage(t, g.AS, conformance.DataAt, g.FD, page, platform.Read)
			time.Sleep(100 * time.Microsecond)
			ways[i%len(ways)]()
			unix.Pwrite(g.FD, full, page) // now it is another's
			time.Sleep(50 * time.Microsecond)
			unix.Pwrite(g.FD, zero, page)
		}
	})
}

// TestNoLateWrite: no write gets to a page after Protect has returned, as when a fork shares it.
func TestNoLateWrite(t *testing.T) {
	p := plat(t)
	// lock incq DataAt ; jmp back
	g := conformance.NewGuest(t, p, 0xf0, 0x48, 0xff, 0x04, 0x25, 0, 0x10, 0x10, 0, 0xeb, 0xf5)
	word := func() uint64 {
		var b [8]byte
		unix.Pread(g.FD, b[:], pageSize)
		return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24
	}
	wrote := 0
	mapPage(t, g.AS, conformance.DataAt, g.FD, pageSize, platform.Read)
	among(t, p, g, 3, func() {
		for range rounds {
			before := word()
			g.AS.Protect(conformance.DataAt, pageSize, platform.Read|platform.Write)
			time.Sleep(100 * time.Microsecond)
			g.AS.Protect(conformance.DataAt, pageSize, platform.Read)
			after := word()
			time.Sleep(50 * time.Microsecond)
			if late := word(); late != after {
				t.Fatalf("%d writes after Protect", late-after)
			}
			if after != before {
				wrote++
			}
		}
	})
	if wrote == 0 {
		t.Error("no thread has written: nothing was tested")
	}
}

// TestTablesGoToAnother: page tables that an address space no longer has become another's at once, in which the same
// entries lead to what is secret, while threads of the first go on. Every other time the page they look for was never
// there, but tables for it were, so that no page's translation is to be forgotten.
func TestTablesGoToAnother(t *testing.T) {
	p := ownPlatform(t)
	p.memory.recycleAt = 1
	const far = 0x40000000 + conformance.DataAt // whose tables are its own
	code := append([]byte(nil), searcher...)
	code[7] = far >> 24
	g := conformance.NewGuest(t, p, code...)
	empty, secret := newFile(t, 2, 0), newFile(t, 1, 0x5a)
	defer unix.Close(empty)
	defer unix.Close(secret)
	again := 0
	among(t, p, g, 3, func() {
		for i := range uint64(rounds) {
			other, errno := p.NewAddressSpace()
			if errno != 0 {
				t.Fatal(errno)
			}
			mapPage(t, other, far-1<<30, secret, 0, platform.Read)
			mapPage(t, g.AS, far+i%2*pageSize, empty, 0, platform.Read)
			time.Sleep(100 * time.Microsecond)
			before, _ := leaf(g.AS, far)
			g.AS.Unmap(0x40000000, 1<<30)
			mapPage(t, other, far, secret, 0, platform.Read)
			if after, ok := leaf(other, far); ok && after == before {
				again++
			}
			time.Sleep(50 * time.Microsecond)
			other.Release()
		}
	})
	if again == 0 {
		t.Error("no table was used again: nothing was tested")
	}
}

// leaf returns where the entry of a page is.
func leaf(as platform.AddressSpace, addr uint64) (table *uint64, ok bool) {
	s := as.(*space)
	e := s.m.table(s.root)
	for level := uint(3); level > 0; level-- {
		next := e[addr>>(12+9*level)&511]
		if next == 0 {
			return nil, false
		}
		e = s.m.table(next & pteAddr)
	}
	return &e[addr>>12&511], true
}

// TestRootsGoToAnother: the highest table of an address space that is gone becomes another's on the same vCPUs.
func TestRootsGoToAnother(t *testing.T) {
	p := ownPlatform(t)
	p.memory.recycleAt = 1
	g := conformance.NewGuest(t, p, searcher...)
	secret := newFile(t, 1, 0x5a)
	defer unix.Close(secret)
	text := func(as platform.AddressSpace) {
		mapPage(t, as, conformance.TextAt, g.FD, 0, platform.Read|platform.Exec)
	}
	conformance.On(func() {
		c := p.NewContext()
		defer c.Release()
		for i := range rounds {
			as, errno := p.NewAddressSpace()
			if errno != 0 {
				t.Fatal(errno)
			}
			text(as)
			want := platform.Fault // nothing is there
			if i%2 == 0 {
				mapPage(t, as, conformance.DataAt, secret, 0, platform.Read)
				want = platform.Syscall
			}
			r := g.Regs
			if trap := c.Switch(as, &r); trap.Kind != want {
				t.Fatalf("space %d: %+v, found %#x", i, trap, r.Rbx)
			}
			as.Release()
		}
	})
}

// TestPlacesGoToAnother: where a window was in guest-physical memory another file's is, while threads go on that
// had the first mapped.
func TestPlacesGoToAnother(t *testing.T) {
	p := ownPlatform(t)
	g := conformance.NewGuest(t, p, searcher...)
	other, errno := p.NewAddressSpace()
	if errno != 0 {
		t.Fatal(errno)
	}
	defer other.Release()
	places := map[uint64]int{}
	among(t, p, g, 3, func() {
		for range rounds {
			empty, secret := newFile(t, 1, 0), newFile(t, 1, 0x5a)
			mapPage(t, g.AS, conformance.DataAt, empty, 0, platform.Read)
			time.Sleep(100 * time.Microsecond)
			g.AS.Unmap(conformance.DataAt, pageSize)
			p.memory.mu.Lock()
			p.memory.trim(0)
			p.memory.mu.Unlock()
			mapPage(t, other, conformance.DataAt, secret, 0, platform.Read)
			e, _ := other.(*space).pte(conformance.DataAt)
			places[e&pteAddr]++
			time.Sleep(50 * time.Microsecond)
			other.Unmap(conformance.DataAt, pageSize)
			unix.Close(empty)
			unix.Close(secret)
		}
	})
	if len(places) > rounds/2 {
		t.Errorf("%d places: none was used again, nothing was tested", len(places))
	}
}
