package mm

import (
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/sentry/pages"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// fakePlatform keeps mappings in Go maps.
type fakePlatform struct {
	clones bool // Clone works
}

func (p *fakePlatform) NewAddressSpace() (platform.AddressSpace, linux.Errno) {
	return &fakeAS{p: p, pages: map[uint64]fakePage{}}, 0
}
func (p *fakePlatform) NewContext() platform.Context { return nil }
func (p *fakePlatform) Limits() (min, max uint64)    { return 0x1000, 1 << 47 }

type fakePage struct {
	fd   int
	off  uint64
	prot platform.Prot
}

// fakeAS is an address space that counts its calls.
type fakeAS struct {
	p                     *fakePlatform
	mu                    sync.Mutex
	pages                 map[uint64]fakePage
	maps, unmaps, protect int
	soon                  int // of maps, by MapSoon
	populated             int // of maps
	released              bool
	failMap               int // the next Maps fail
}

func (a *fakeAS) Map(addr, length uint64, fd int, off uint64, prot platform.Prot, populate bool) linux.Errno {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.failMap > 0 {
		a.failMap--
		return linux.ENOMEM
	}
	if addr%4096 != 0 || length == 0 || length%4096 != 0 || off%4096 != 0 || a.released {
		panic("bad Map")
	}
	a.maps++
	if populate {
		a.populated++
	}
	for i := uint64(0); i < length; i += 4096 {
		a.pages[addr+i] = fakePage{fd, off + i, prot}
	}
	return 0
}

// MapSoon is platform.Foreseer's. Nothing may be there.
func (a *fakeAS) MapSoon(addr, length uint64, fd int, off uint64, prot platform.Prot, populate bool) linux.Errno {
	a.mu.Lock()
	for i := uint64(0); i < length; i += 4096 {
		if _, ok := a.pages[addr+i]; ok {
			panic("MapSoon where something is mapped")
		}
	}
	a.soon++
	a.mu.Unlock()
	return a.Map(addr, length, fd, off, prot, populate)
}

func (a *fakeAS) Protect(addr, length uint64, prot platform.Prot) linux.Errno {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.protect++
	for i := addr; i < addr+length; i += 4096 {
		if p, ok := a.pages[i]; ok {
			p.prot = prot
			a.pages[i] = p
		}
	}
	return 0
}

func (a *fakeAS) Unmap(addr, length uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.unmaps++
	if length > 1<<30 {
		for i := range a.pages {
			if addr <= i && i < addr+length {
				delete(a.pages, i)
			}
		}
		return
	}
	for i := addr; i < addr+length; i += 4096 {
		delete(a.pages, i)
	}
}

func (a *fakeAS) Clone(dst platform.AddressSpace) linux.Errno {
	if !a.p.clones {
		return linux.ENOSYS
	}
	for k, v := range a.pages {
		dst.(*fakeAS).pages[k] = v
	}
	return 0
}

func (a *fakeAS) Release() { a.released = true }

func (a *fakeAS) find(addr uint64) (fakePage, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p, ok := a.pages[addr&^4095]
	return p, ok
}

// world is a memory file with a system, and address spaces in it.
type world struct {
	t    testing.TB
	sys  *System
	file *pages.File
	pool *pages.Pool
	plat *fakePlatform
	ends []func() // run when the address spaces are gone
}

func newWorld(t testing.TB) *world {
	fd, err := unix.MemfdCreate("mm", 0)
	if err != nil {
		t.Fatal(err)
	}
	const size = 4 << 30
	unix.Ftruncate(fd, size)
	f, errno := pages.NewFile(fd, size)
	if errno != 0 {
		t.Fatal(errno)
	}
	w := &world{t: t, sys: NewSystem(16 << 30), file: f, pool: f.NewPool(), plat: &fakePlatform{clones: true}}
	t.Cleanup(func() {
		for _, f := range w.ends {
			f()
		}
		w.pool.Close()
		if n := w.pool.Total(); n != 0 && !t.Failed() {
			t.Errorf("%d bytes of pages leaked", n)
		}
		if n := w.sys.Committed(); n != 0 && !t.Failed() {
			t.Errorf("%d committed bytes leaked", n)
		}
		f.Close()
		unix.Close(fd)
	})
	return w
}

// app is an address space with an application in it.
type app struct {
	*MM
	t testing.TB
}

func (w *world) app() *app {
	m, errno := New(w.sys, w.pool, w.plat)
	if errno != 0 {
		w.t.Fatal(errno)
	}
	p := PlaceFor(TaskSize, 8<<20, nil)
	m.SetLayout(Layout{MmapBase: p.MmapBase, StartBrk: 0x10000000, Brk: 0x10000000})
	a := &app{m, w.t}
	w.t.Cleanup(func() {
		if a.Users() > 0 {
			a.check()
			a.Put()
		}
	})
	return a
}

// access is a load or store of the application: what a processor would do on what the
// platform has, with faults. It returns the byte (before a store) and the signal.
func (a *app) access(addr usermem.Addr, write bool, value byte) (byte, Signal) {
	for range 10 {
		p, ok := a.as.(*fakeAS).find(uint64(addr))
		need := platform.Read
		if write {
			need = platform.Write
		}
		if !ok || p.prot&need == 0 {
			if sig := a.HandleFault(addr, write, false, false); sig != (Signal{}) {
				return 0, sig
			}
			continue
		}
		var b [1]byte
		off := int64(p.off + uint64(addr)%4096)
		if n, _ := unix.Pread(p.fd, b[:], off); n == 0 { // beyond the end of a host file
			if sig := a.HandleFault(addr, write, false, true); sig != (Signal{}) {
				return 0, sig
			}
			continue
		}
		if write {
			unix.Pwrite(p.fd, []byte{value}, off)
		}
		return b[0], Signal{}
	}
	a.t.Helper()
	a.t.Fatalf("access to %#x faults for ever", addr)
	return 0, Signal{}
}

func (a *app) load(addr usermem.Addr) byte {
	a.t.Helper()
	b, sig := a.access(addr, false, 0)
	if sig != (Signal{}) {
		a.t.Fatalf("load of %#x: signal %v", addr, sig)
	}
	return b
}

func (a *app) store(addr usermem.Addr, v byte) {
	a.t.Helper()
	if _, sig := a.access(addr, true, v); sig != (Signal{}) {
		a.t.Fatalf("store to %#x: signal %v", addr, sig)
	}
}

// mmap maps anonymous memory unless a says otherwise.
func (a *app) mmap(addr usermem.Addr, n uint64, prot, flags uint32) usermem.Addr {
	a.t.Helper()
	at, errno := a.Map(MapArgs{Addr: addr, Len: n, Prot: prot, Flags: flags})
	if errno != 0 {
		a.t.Fatalf("mmap: %v", errno)
	}
	return at
}

func (a *app) fork() *app {
	a.t.Helper()
	m, errno := a.Fork()
	if errno != 0 {
		a.t.Fatal(errno)
	}
	c := &app{m, a.t}
	a.t.Cleanup(func() {
		if c.Users() > 0 {
			c.check()
			c.Put()
		}
	})
	return c
}

// check compares the parts of an address space with one another: areas in order, accounts
// right, page table inside the areas, the platform as the page table says.
func (a *app) check() {
	a.t.Helper()
	m := a.MM
	var last usermem.Addr
	var c counts
	n := 0
	seen := 0
	m.areas.each(func(v *vma) bool {
		if v.start >= v.end || v.start < last {
			a.t.Errorf("area %#x-%#x after %#x", v.start, v.end, last)
		}
		last = v.end
		n++
		c.total += v.pages()
		if v.flags&vmLocked != 0 {
			c.locked += v.pages()
		}
		if v.flags&vmAccount != 0 {
			c.committed += v.pages()
		}
		if v.flags.isData() {
			c.data += v.pages()
		}
		m.table.each(v.start, v.end, func(addr usermem.Addr, ptes []pte) {
			for i, p := range ptes {
				if p == 0 {
					continue
				}
				seen++
				at := addr + usermem.Addr(i)<<12
				if p&pteAccess != v.access(p) {
					a.t.Errorf("pte %#x of %#x: access should be %#x", p, at, v.access(p))
				}
				if p&pteHost == 0 && p.off() == 0 {
					a.t.Errorf("pte %#x of %#x has no page", p, at)
				}
				switch {
				case p&pteAnon != 0:
					c.anon++
				case v.file == nil && v.m != nil:
					c.shmem++
				default:
					c.file++
				}
				q, ok := m.as.(*fakeAS).find(uint64(at))
				if ok != (p&pteMapped != 0) {
					a.t.Errorf("pte %#x of %#x: platform has it: %v", p, at, ok)
				}
				if ok && (q.off != p.off() || q.prot != p.hostProt()) {
					a.t.Errorf("pte %#x of %#x: platform has %+v", p, at, q)
				}
			}
		})
		return true
	})
	all, leaves := 0, 0
	m.table.each(0, m.max, func(_ usermem.Addr, ptes []pte) {
		leaves++
		for _, p := range ptes {
			if p != 0 {
				all++
			}
		}
	})
	if all != seen || n != m.areas.n {
		a.t.Errorf("%d pages, %d in areas; %d areas, counted %d", all, seen, m.areas.n, n)
	}
	mapped := 0
	for addr := range m.as.(*fakeAS).pages {
		if m.table.get(usermem.Addr(addr))&pteMapped == 0 {
			a.t.Errorf("platform has %#x, which the page table does not", addr)
		}
		mapped++
	}
	o := m.count
	if o.total != c.total || o.locked != c.locked || o.committed != c.committed || o.data != c.data ||
		o.anon != c.anon || o.file != c.file || o.shmem != c.shmem {
		a.t.Errorf("accounts are %+v, should be %+v", o, c)
	}
}

// memFile is a file in the memory file, like one of tmpfs.
type memFile struct {
	mappingsField
	object *pages.Object
	size   atomic.Uint64
	refs   atomic.Int32
}

// mappingsField embeds Mappings under the method that Mappable wants.
type mappingsField struct{ s Mappings }

func (m *mappingsField) Mappings() *Mappings { return &m.s }

func (w *world) memFile(size uint64) *memFile {
	f := &memFile{object: pages.NewObject(w.pool, pages.Shmem, nil)}
	f.size.Store(size)
	w.ends = append(w.ends, func() {
		f.object.Release()
		if f.refs.Load() != 0 || f.s.Mapped() {
			w.t.Errorf("%d references, mapped %v", f.refs.Load(), f.s.Mapped())
		}
	})
	return f
}

func (f *memFile) Backing(off, max uint64, write bool) (Backing, linux.Errno) {
	end, _ := usermem.PageUp(f.size.Load())
	if off >= end {
		return Backing{}, linux.EFAULT
	}
	at, n, errno := f.object.Backing(off, min(max, end-off), 16<<10)
	return Backing{Off: at, Len: n}, errno
}
func (f *memFile) Sync(off, n uint64) linux.Errno { return 0 }
func (f *memFile) Mappable() Mappable             { return f }
func (f *memFile) Get()                           { f.refs.Add(1) }
func (f *memFile) Put()                           { f.refs.Add(-1) }
func (f *memFile) MapInfo() MapInfo               { return MapInfo{Name: "/mem"} }
func (f *memFile) truncate(size uint64) {
	f.size.Store(size)
	f.object.Truncate(size)
	f.s.Invalidate(size, ^uint64(0)-size, true)
}

// hostFile is a file with a host descriptor.
type hostFile struct {
	mappingsField
	fd   int
	host *pages.HostFile
	refs atomic.Int32
}

func (w *world) hostFile(size int64) *hostFile {
	fd, err := unix.MemfdCreate("host", 0)
	if err != nil {
		w.t.Fatal(err)
	}
	unix.Ftruncate(fd, size)
	f := &hostFile{fd: fd, host: pages.NewHostFile(fd, true)}
	w.ends = append(w.ends, func() {
		if f.refs.Load() != 0 || f.s.Mapped() {
			w.t.Errorf("%d references, mapped %v", f.refs.Load(), f.s.Mapped())
		}
		f.host.Release()
		unix.Close(fd)
	})
	return f
}

func (f *hostFile) Backing(off, max uint64, write bool) (Backing, linux.Errno) {
	var st unix.Stat_t
	unix.Fstat(f.fd, &st)
	end, _ := usermem.PageUp(uint64(st.Size))
	if off >= end {
		return Backing{}, linux.EFAULT
	}
	return Backing{Host: f.host, Off: off, Len: min(max, end-off)}, 0
}
func (f *hostFile) Sync(off, n uint64) linux.Errno { return 0 }
func (f *hostFile) Mappable() Mappable             { return f }
func (f *hostFile) Get()                           { f.refs.Add(1) }
func (f *hostFile) Put()                           { f.refs.Add(-1) }
func (f *hostFile) MapInfo() MapInfo               { return MapInfo{Name: "/host", Ino: 7} }
