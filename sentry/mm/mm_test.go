package mm

import (
	"bytes"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

const (
	rw   = linux.PROT_READ | linux.PROT_WRITE
	anon = linux.MAP_PRIVATE | linux.MAP_ANONYMOUS
	page = usermem.PageSize
)

func TestAnonymous(t *testing.T) {
	a := newWorld(t).app()
	at := a.mmap(0, 8*page, rw, anon)
	if a.load(at) != 0 {
		t.Error("not zero")
	}
	a.store(at+5, 7)
	if a.load(at+5) != 7 {
		t.Error("store lost")
	}
	var b [4]byte
	if n, errno := a.Space().CopyIn(at+4, b[:]); n != 4 || errno != 0 || b != [4]byte{0, 7, 0, 0} {
		t.Errorf("CopyIn %v %v %v", n, errno, b)
	}
	big := bytes.Repeat([]byte{9}, 6*page)
	if n, errno := a.Space().CopyOut(at+page+1, big); n != len(big) || errno != 0 {
		t.Errorf("CopyOut %v %v", n, errno)
	}
	if a.load(at+7*page) != 9 || a.load(at+7*page+1) != 0 {
		t.Error("CopyOut did not arrive")
	}
	if n, errno := a.Space().CopyOut(at+7*page, big); n != page || errno != linux.EFAULT {
		t.Errorf("CopyOut over the end %v %v", n, errno)
	}
	if maps := a.as.(*fakeAS).maps; maps > 1 {
		t.Errorf("%d platform maps for 8 pages", maps)
	}
	a.check()
	if errno := a.Unmap(at, 8*page); errno != 0 {
		t.Fatal(errno)
	}
	if _, sig := a.access(at, false, 0); sig != segvMaperr {
		t.Errorf("after munmap: %v", sig)
	}
	a.check()
}

func TestProtections(t *testing.T) {
	a := newWorld(t).app()
	at := a.mmap(0, 4*page, rw, anon)
	a.store(at, 1)
	if errno := a.Protect(at, page, linux.PROT_READ); errno != 0 {
		t.Fatal(errno)
	}
	if _, sig := a.access(at, true, 2); sig != segvAccerr {
		t.Errorf("store to read-only: %v", sig)
	}
	if _, errno := a.Space().CopyOut(at, []byte{1}); errno != linux.EFAULT {
		t.Errorf("CopyOut to read-only: %v", errno)
	}
	if n, errno := a.ForceSpace().CopyOut(at, []byte{42}); n != 1 || errno != 0 {
		t.Errorf("forced: %v", errno)
	}
	if a.load(at) != 42 {
		t.Error("forced write lost")
	}
	a.check()
	a.Protect(at, page, linux.PROT_NONE)
	if _, sig := a.access(at, false, 0); sig != segvAccerr {
		t.Errorf("load from PROT_NONE: %v", sig)
	}
	a.check()
	a.Protect(at, 4*page, rw)
	if a.load(at) != 42 || len(a.Areas(0, 0, false)) != 1 {
		t.Errorf("areas %v", a.Areas(0, 0, false))
	}
	if errno := a.Protect(at, 5*page, rw); errno != linux.ENOMEM {
		t.Errorf("over a hole: %v", errno)
	}
	a.store(at, 43)
	a.check()
}

func TestForkCopyOnWrite(t *testing.T) {
	for _, clones := range []bool{true, false} {
		for _, size := range []uint64{4 * page, 1 << 20, 5 << 20} {
			w := newWorld(t)
			w.plat.clones = clones
			a := w.app()
			at := a.mmap(0, size, rw, anon)
			sh := a.mmap(0, 2*page, rw, linux.MAP_SHARED|linux.MAP_ANONYMOUS)
			end := at + usermem.Addr(size)
			for p := at; p < end; p += page {
				a.store(p, byte(p>>12))
			}
			a.store(sh, 5)
			c := a.fork()
			a.check()
			c.check()
			for p := at; p < end; p += 3 * page {
				a.store(p, 1)
				c.store(p+page-1, 2)
			}
			c.store(sh, 6)
			for p := at; p < end; p += page {
				changed := (p-at)%(3*page) == 0
				if x, y := a.load(p), a.load(p+page-1); changed && (x != 1 || y != 0) || !changed && x != byte(p>>12) {
					t.Fatalf("parent has %d %d at %#x", x, y, p)
				}
				if x, y := c.load(p), c.load(p+page-1); changed && y != 2 || x != byte(p>>12) {
					t.Fatalf("child has %d %d at %#x", x, y, p)
				}
			}
			if a.load(sh) != 6 {
				t.Error("shared memory is not")
			}
			a.check()
			c.check()
			c.Put()
			maps := a.as.(*fakeAS).maps
			for p := at; p < end; p += page {
				a.store(p, 3)
			}
			if n := a.as.(*fakeAS).maps - maps; n > 8 {
				t.Errorf("%d platform maps after the child is gone", n)
			}
			a.check()
		}
	}
}

func TestForkFlags(t *testing.T) {
	w := newWorld(t)
	a := w.app()
	keep := a.mmap(0, page, rw, anon)
	gone := a.mmap(0, page, rw, anon)
	wiped := a.mmap(0, page, rw, anon)
	for _, p := range []usermem.Addr{keep, gone, wiped} {
		a.store(p, 1)
	}
	if errno := a.Advise(gone, page, linux.MADV_DONTFORK); errno != 0 {
		t.Fatal(errno)
	}
	if errno := a.Advise(wiped, page, linux.MADV_WIPEONFORK); errno != 0 {
		t.Fatal(errno)
	}
	c := a.fork()
	if _, sig := c.access(gone, false, 0); sig != segvMaperr {
		t.Errorf("DONTFORK: %v", sig)
	}
	if c.load(wiped) != 0 || c.load(keep) != 1 || a.load(wiped) != 1 {
		t.Error("WIPEONFORK")
	}
	a.check()
	c.check()
}

func TestSharedFile(t *testing.T) {
	w := newWorld(t)
	a := w.app()
	f := w.memFile(3*page - 100)
	b := usermem.Bytes([]byte("hello"))
	f.object.Write(&b, 10)
	args := MapArgs{Len: 5 * page, Prot: rw, Flags: linux.MAP_SHARED, File: f, Mappable: f, Readable: true, Writable: true}
	at, errno := a.Map(args)
	if errno != 0 {
		t.Fatal(errno)
	}
	args.Flags = linux.MAP_PRIVATE
	priv, _ := a.Map(args)
	if a.load(at+10) != 'h' || a.load(priv+10) != 'h' {
		t.Error("contents")
	}
	a.store(at+10, 'H')
	if a.load(priv+10) != 'H' {
		t.Error("private mapping does not see the file")
	}
	a.store(priv+11, 'P')
	if a.load(at+11) != 'e' {
		t.Error("private write reached the file")
	}
	var got [5]byte
	r := usermem.Bytes(got[:])
	f.object.Read(&r, 10, f.size.Load())
	if string(got[:]) != "Hello" {
		t.Errorf("file has %q", got)
	}
	if _, sig := a.access(at+3*page, false, 0); sig != busAdrerr {
		t.Errorf("past the end: %v", sig)
	}
	a.check()
	f.truncate(100)
	for _, p := range []usermem.Addr{at + page, priv + page} {
		if _, sig := a.access(p, false, 0); sig != busAdrerr {
			t.Errorf("after truncate: %v", sig)
		}
	}
	if a.load(priv+11) != 'P' || a.load(at+10) != 'H' {
		t.Error("truncate took the first page")
	}
	f.truncate(2 * page)
	if a.load(at+page) != 0 {
		t.Error("grown file")
	}
	if _, errno := a.Space().CopyIn(at+page, make([]byte, 2*page)); errno != linux.EFAULT {
		t.Errorf("CopyIn past the end: %v", errno)
	}
	a.check()
}

func TestHostFile(t *testing.T) {
	w := newWorld(t)
	a := w.app()
	f := w.hostFile(6<<20 + 100)
	unix.Pwrite(f.fd, []byte("host"), 3<<20)
	args := MapArgs{Len: 8 << 20, Prot: rw, Flags: linux.MAP_SHARED, File: f, Mappable: f, Readable: true, Writable: true}
	at, errno := a.Map(args)
	if errno != 0 {
		t.Fatal(errno)
	}
	args.Flags = linux.MAP_PRIVATE
	priv, _ := a.Map(args)
	if a.load(at+3<<20) != 'h' || a.load(priv+3<<20+1) != 'o' {
		t.Error("contents")
	}
	if n := a.as.(*fakeAS).maps; n != 2 {
		t.Errorf("%d maps", n)
	}
	a.store(at+3<<20, 'H')
	var b [4]byte
	unix.Pread(f.fd, b[:], 3<<20)
	if string(b[:]) != "Host" {
		t.Errorf("file has %q", b)
	}
	a.store(priv+3<<20, 'P')
	if a.load(at+3<<20) != 'H' || a.load(priv+3<<20) != 'P' || a.load(priv+3<<20+1) != 'o' {
		t.Error("private copy")
	}
	a.check()
	if n, errno := a.Space().CopyIn(priv+3<<20-2, b[:]); n != 4 || errno != 0 || string(b[2:]) != "Po" {
		t.Errorf("CopyIn %d %v %q", n, errno, b)
	}
	if n, errno := a.Space().CopyOut(at+1<<20, []byte("x")); n != 1 || errno != 0 {
		t.Errorf("CopyOut %d %v", n, errno)
	}
	if old, errno := a.Space().Swap32(at+2<<20, 17); old != 0 || errno != 0 {
		t.Errorf("Swap32 %d %v", old, errno)
	}
	if _, sig := a.access(at+7<<20, false, 0); sig != busAdrerr {
		t.Errorf("past the end: %v", sig)
	}
	unix.Ftruncate(f.fd, 1<<20) // by somebody on the host
	if _, sig := a.access(at+3<<20, false, 0); sig != busAdrerr {
		t.Errorf("after truncation: %v", sig)
	}
	if n, errno := a.Space().CopyIn(at+1<<20-8, make([]byte, 16)); n != 8 || errno != linux.EFAULT {
		t.Errorf("CopyIn after truncation: %d %v", n, errno)
	}
	a.check()
}

func TestBrk(t *testing.T) {
	a := newWorld(t).app()
	start := usermem.Addr(0x10000000)
	if got := a.Brk(0); got != start {
		t.Errorf("brk(0) = %#x", got)
	}
	if got := a.Brk(start + 5000); got != start+5000 {
		t.Errorf("grow: %#x", got)
	}
	a.store(start+8191, 1)
	if _, sig := a.access(start+8192, false, 0); sig != segvMaperr {
		t.Errorf("beyond: %v", sig)
	}
	if l := a.Areas(0, 0, false); len(l) != 1 || l[0].Info.Name != "[heap]" {
		t.Errorf("areas %+v", l)
	}
	a.Brk(start + 100)
	a.Brk(start + 9000)
	if a.load(start+8191) != 0 {
		t.Error("shrinking kept the page")
	}
	a.mmap(start+16*page, page, rw, anon|linux.MAP_FIXED)
	if got := a.Brk(start + 16*page); got != start+9000 {
		t.Errorf("into another area: %#x", got)
	}
	a.SetLimits(Limits{AS: Unlimited, Data: 10000, Stack: Unlimited})
	if got := a.Brk(start + 11000); got != start+9000 {
		t.Errorf("over RLIMIT_DATA: %#x", got)
	}
	a.check()
}

// TestHeapAhead: a heap that shrinks and grows again comes with the pages that it had, as far as they are few.
func TestHeapAhead(t *testing.T) {
	const size = maxHeapAhead / page
	start := usermem.Addr(0x10000000)
	for _, c := range []struct{ pages, used, faults int }{{size, size, 0}, {size, 3 * minWindow / page, 0}, {4 * size, 4 * size, 1}, {size, 1, 0}} {
		a := newWorld(t).app()
		as := a.as.(*fakeAS)
		touch := func() (maps int) {
			before := as.maps
			for i := range c.used {
				a.store(start+usermem.Addr(i)*page, 1)
			}
			return as.maps - before
		}
		end := start + usermem.Addr(c.pages)*page
		a.Brk(end)
		touch()
		a.Brk(start + 3*usermem.Addr(c.pages)/4*page) // in two steps, as malloc(3) does
		a.Brk(start)
		a.Brk(end)
		if n := touch(); n > 2*c.faults || n < c.faults {
			t.Errorf("%d pages, %d used: %d faults", c.pages, c.used, n)
		}
		for i := range c.used {
			if a.Brk(start); a.Brk(end) != end || a.load(start+usermem.Addr(i)*page) != 0 {
				t.Error("the heap keeps what it had")
			}
		}
		a.check()
	}
}

// TestHeapSteps: of a heap that grows step by step and is all used each step comes with its pages.
func TestHeapSteps(t *testing.T) {
	const step, steps = 33, 10
	a := newWorld(t).app()
	as := a.as.(*fakeAS)
	at := usermem.Addr(0x10000000)
	for range steps {
		a.Brk(at + step*page)
		for range step {
			a.store(at, 1)
			at += page
		}
	}
	if as.maps > steps+2 {
		t.Errorf("%d maps in %d steps", as.maps, steps)
	}
	a.check()
}

// TestSmallAreas: small areas come with their pages when it is known that they are touched, also if they lie side by side.
func TestSmallAreas(t *testing.T) {
	a := newWorld(t).app()
	a.mmap(0, 1<<20, rw, anon)
	for n := range 2 * touchesKnown {
		at := a.mmap(0, 2*page, rw, anon)
		if _, there := a.as.(*fakeAS).find(uint64(at)); there != (n >= touchesKnown) {
			t.Errorf("area %d: there %v", n, there)
		}
		a.store(at+page, 1)
	}
	if l := a.Areas(0, 0, false); len(l) != 1 {
		t.Errorf("%d areas", len(l))
	}
	a.check()
}

// TestFileAhead: a fault brings more of a file than the 2 MiB around it, but nothing in place of what is there.
func TestFileAhead(t *testing.T) {
	w := newWorld(t)
	a := w.app()
	const size = 32 << 20
	f := w.hostFile(size)
	unix.Pwrite(f.fd, []byte("file"), 6<<20)
	at, errno := a.Map(MapArgs{Addr: 1 << 30, Len: size, Prot: rw, File: f, Mappable: f, Readable: true, Flags: linux.MAP_PRIVATE})
	if errno != 0 {
		t.Fatal(errno)
	}
	a.store(at+6<<20, 'F')
	if errno := a.Protect(at, size, linux.PROT_READ); errno != 0 {
		t.Fatal(errno)
	}
	for _, c := range []struct {
		off   usermem.Addr
		value byte
		maps  bool
	}{{0, 0, true}, {4 << 20, 0, false}, {6 << 20, 'F', false}, {8 << 20, 0, true}, {10 << 20, 0, false}, {17 << 20, 0, false}, {30 << 20, 0, true}} {
		before := a.as.(*fakeAS).maps
		if v := a.load(at + c.off); v != c.value {
			t.Errorf("%d MiB: %q", c.off>>20, v)
		}
		if maps := a.as.(*fakeAS).maps > before; maps != c.maps {
			t.Errorf("%d MiB: a fault: %v", c.off>>20, maps)
		}
	}
	a.check()
}

func TestStackGrowth(t *testing.T) {
	a := newWorld(t).app()
	top := usermem.Addr(0x7ffff0000000)
	a.mmap(top-4*page, 4*page, rw, anon|linux.MAP_GROWSDOWN|linux.MAP_FIXED)
	a.store(top-100*page, 1)
	if _, errno := a.Space().CopyOut(top-300*page, []byte{1}); errno != 0 {
		t.Errorf("copy below the stack: %v", errno)
	}
	if _, sig := a.access(top-9<<20, true, 1); sig != segvMaperr {
		t.Errorf("beyond RLIMIT_STACK: %v", sig)
	}
	a.mmap(top-1000*page, page, rw, anon|linux.MAP_FIXED)
	if _, sig := a.access(top-999*page+255*page, true, 1); sig != segvMaperr {
		t.Errorf("inside the guard gap: %v", sig)
	}
	if _, sig := a.access(top-999*page+256*page, true, 1); sig != (Signal{}) {
		t.Errorf("above the guard gap: %v", sig)
	}
	a.check()
}

func TestRemap(t *testing.T) {
	w := newWorld(t)
	a := w.app()
	at := a.mmap(0x20000000, 4*page, rw, anon|linux.MAP_FIXED)
	for i := range usermem.Addr(4) {
		a.store(at+i*page, byte(10+i))
	}
	got, errno := a.Remap(at, 4*page, 8*page, 0, 0)
	if got != at || errno != 0 {
		t.Fatalf("in place: %#x %v", got, errno)
	}
	a.mmap(at+8*page, page, rw, anon|linux.MAP_FIXED|linux.MAP_SHARED&0)
	a.Protect(at+8*page, page, linux.PROT_READ)
	if _, errno = a.Remap(at, 8*page, 16*page, 0, 0); errno != linux.ENOMEM {
		t.Errorf("no room, no move: %v", errno)
	}
	got, errno = a.Remap(at, 8*page, 16*page, linux.MREMAP_MAYMOVE, 0)
	if errno != 0 || got == at {
		t.Fatalf("move: %#x %v", got, errno)
	}
	for i := range usermem.Addr(4) {
		if a.load(got+i*page) != byte(10+i) {
			t.Error("contents lost")
		}
	}
	if _, sig := a.access(at, false, 0); sig != segvMaperr {
		t.Errorf("old place: %v", sig)
	}
	a.check()
	to := usermem.Addr(0x30000000)
	if x, errno := a.Remap(got, 16*page, 2*page, linux.MREMAP_MAYMOVE|linux.MREMAP_FIXED, to); x != to || errno != 0 {
		t.Fatalf("fixed: %#x %v", x, errno)
	}
	if a.load(to+page) != 11 {
		t.Error("fixed: contents")
	}
	x, errno := a.Remap(to, 2*page, 2*page, linux.MREMAP_MAYMOVE|linux.MREMAP_DONTUNMAP, 0)
	if errno != 0 || a.load(x+page) != 11 || a.load(to+page) != 0 {
		t.Errorf("DONTUNMAP: %v", errno)
	}
	a.check()
	f := w.memFile(4 * page)
	s, _ := a.Map(MapArgs{Len: page, Prot: rw, Flags: linux.MAP_SHARED, File: f, Mappable: f, Readable: true, Writable: true})
	a.store(s, 77)
	d, errno := a.Remap(s, 0, 2*page, linux.MREMAP_MAYMOVE, 0)
	if errno != 0 || a.load(d) != 77 || a.load(s) != 77 {
		t.Errorf("duplicate: %v", errno)
	}
	a.check()
}

func TestAdvise(t *testing.T) {
	w := newWorld(t)
	a := w.app()
	at := a.mmap(0, 4*page, rw, anon)
	a.store(at+page, 9)
	if errno := a.Advise(at, 4*page, linux.MADV_DONTNEED); errno != 0 || a.load(at+page) != 0 {
		t.Errorf("DONTNEED: %v", errno)
	}
	if errno := a.Advise(at, 8*page, linux.MADV_DONTNEED); errno != linux.ENOMEM {
		t.Errorf("over a hole: %v", errno)
	}
	if errno := a.Advise(at, page, linux.MADV_MERGEABLE); errno != linux.EINVAL {
		t.Errorf("MERGEABLE: %v", errno)
	}
	sh := a.mmap(0, 4*page, rw, linux.MAP_SHARED|linux.MAP_ANONYMOUS)
	a.store(sh+page, 9)
	a.Advise(sh, 4*page, linux.MADV_DONTNEED)
	if a.load(sh+page) != 9 {
		t.Error("DONTNEED took shared memory")
	}
	if errno := a.Advise(sh, 4*page, linux.MADV_REMOVE); errno != 0 || a.load(sh+page) != 0 {
		t.Errorf("REMOVE: %v", errno)
	}
	if errno := a.Advise(at, page, linux.MADV_REMOVE); errno != linux.EINVAL {
		t.Errorf("REMOVE of private memory: %v", errno)
	}
	big := a.mmap(0, 4<<20, rw, anon)
	maps := a.as.(*fakeAS).maps
	if errno := a.Advise(big, 4<<20, linux.MADV_POPULATE_WRITE); errno != 0 {
		t.Error(errno)
	}
	if n := a.as.(*fakeAS).maps - maps; n > 4 {
		t.Errorf("%d maps to populate 4 MiB", n)
	}
	if s := a.Stats(); s.Anon < 4<<20 {
		t.Errorf("resident: %+v", s)
	}
	ro := a.mmap(0, page, linux.PROT_READ, anon)
	if errno := a.Advise(ro, page, linux.MADV_POPULATE_WRITE); errno != linux.EINVAL {
		t.Errorf("POPULATE_WRITE of read-only: %v", errno)
	}
	a.check()
}

func TestLock(t *testing.T) {
	a := newWorld(t).app()
	at := a.mmap(0, 16*page, rw, anon)
	a.SetLimits(Limits{AS: Unlimited, Data: Unlimited, Stack: Unlimited, Memlock: 8 * page})
	if errno := a.Lock(at, 8*page, 0); errno != 0 {
		t.Fatal(errno)
	}
	if errno := a.Lock(at+page, 3*page, 0); errno != 0 {
		t.Errorf("again: %v", errno)
	}
	if errno := a.Lock(at+8*page, page, 0); errno != linux.ENOMEM {
		t.Errorf("over the limit: %v", errno)
	}
	if _, errno := a.Map(MapArgs{Len: page, Prot: rw, Flags: anon | linux.MAP_LOCKED}); errno != linux.EAGAIN {
		t.Errorf("MAP_LOCKED over the limit: %v", errno)
	}
	if errno := a.Advise(at, page, linux.MADV_DONTNEED); errno != linux.EINVAL {
		t.Errorf("DONTNEED of locked: %v", errno)
	}
	var in [16]byte
	a.Incore(at, in[:])
	if !bytes.Equal(in[:8], bytes.Repeat([]byte{1}, 8)) {
		t.Errorf("locked pages are not present: %v", in)
	}
	a.check()
	if errno := a.Unlock(at, 16*page); errno != 0 || len(a.Areas(0, 0, false)) != 1 {
		t.Errorf("munlock: %v", errno)
	}
	a.SetLimits(Limits{AS: Unlimited, Data: Unlimited, Stack: Unlimited})
	if errno := a.Lock(at, page, 0); errno != linux.EPERM {
		t.Errorf("without any right: %v", errno)
	}
	a.check()
}

func TestLimits(t *testing.T) {
	w := newWorld(t)
	a := w.app()
	a.SetLimits(Limits{AS: 100 * page, Data: 50 * page, Stack: Unlimited})
	if _, errno := a.Map(MapArgs{Len: 51 * page, Prot: rw, Flags: anon}); errno != linux.ENOMEM {
		t.Errorf("RLIMIT_DATA: %v", errno)
	}
	a.mmap(0, 60*page, linux.PROT_READ, anon)
	if _, errno := a.Map(MapArgs{Len: 41 * page, Prot: rw, Flags: anon}); errno != linux.ENOMEM {
		t.Errorf("RLIMIT_AS: %v", errno)
	}
	b := w.app()
	if _, errno := b.Map(MapArgs{Len: 17 << 30, Prot: rw, Flags: anon}); errno != linux.ENOMEM {
		t.Errorf("obvious overcommit: %v", errno)
	}
	b.mmap(0, 17<<30, rw, anon|linux.MAP_NORESERVE)
	b.mmap(0, 17<<30, linux.PROT_NONE, anon)
	w.sys.Overcommit.Store(linux.OVERCOMMIT_NEVER)
	if _, errno := b.Map(MapArgs{Len: 9 << 30, Prot: rw, Flags: anon | linux.MAP_NORESERVE}); errno != linux.ENOMEM {
		t.Errorf("strict: %v", errno)
	}
}

func TestSeal(t *testing.T) {
	a := newWorld(t).app()
	at := a.mmap(0, 4*page, linux.PROT_READ, anon)
	if errno := a.Seal(at+page, page, 0); errno != 0 {
		t.Fatal(errno)
	}
	for name, errno := range map[string]linux.Errno{
		"munmap":   a.Unmap(at, 4*page),
		"mprotect": a.Protect(at+page, page, rw),
		"madvise":  a.Advise(at, 4*page, linux.MADV_DONTNEED),
	} {
		if errno != linux.EPERM {
			t.Errorf("%s: %v", name, errno)
		}
	}
	if _, errno := a.Remap(at+page, page, 2*page, linux.MREMAP_MAYMOVE, 0); errno != linux.EPERM {
		t.Errorf("mremap: %v", errno)
	}
	if _, errno := a.Map(MapArgs{Addr: at, Len: 4 * page, Prot: rw, Flags: anon | linux.MAP_FIXED}); errno != linux.EPERM {
		t.Errorf("mmap: %v", errno)
	}
	a.check()
}

func TestManyAreas(t *testing.T) {
	w := newWorld(t)
	a := w.app()
	n := 0
	for ; n < 70000; n++ {
		prot := uint32(linux.PROT_READ)
		if n%2 == 0 {
			prot = rw
		}
		if _, errno := a.Map(MapArgs{Len: page, Prot: prot, Flags: anon}); errno != 0 {
			if errno != linux.ENOMEM {
				t.Fatal(errno)
			}
			break
		}
	}
	if n < 65530 || n > 65532 {
		t.Errorf("%d areas", n)
	}
	l := a.Areas(0, 0, false)
	mid := l[len(l)/2].Start
	if errno := a.Unmap(mid, page); errno != 0 {
		t.Fatal(errno)
	}
	if at := a.mmap(0, page, linux.PROT_READ|linux.PROT_EXEC, anon); at != mid {
		t.Errorf("gap at %#x was not found: %#x", mid, at)
	}
	a.check()
}

func TestHostOutOfAreas(t *testing.T) {
	a := newWorld(t).app()
	at := a.mmap(0, 1<<20, rw, anon)
	a.store(at, 1)
	a.as.(*fakeAS).failMap = 1
	a.store(at+512<<10, 2)
	if a.load(at) != 1 || a.load(at+512<<10) != 2 {
		t.Error("lost")
	}
	a.check()
	a.as.(*fakeAS).failMap = 2
	if _, sig := a.access(at+900<<10, true, 2); sig != outOfMem {
		t.Errorf("no areas at all: %v", sig)
	}
	a.check()
}

func TestMapErrors(t *testing.T) {
	w := newWorld(t)
	a := w.app()
	f := w.memFile(page)
	file := MapArgs{Len: page, Prot: linux.PROT_READ, Flags: linux.MAP_SHARED, File: f, Mappable: f, Readable: true}
	with := func(change func(*MapArgs)) MapArgs {
		x := file
		change(&x)
		return x
	}
	at := a.mmap(0, page, rw, anon)
	for name, c := range map[string]struct {
		args  MapArgs
		errno linux.Errno
	}{
		"no length":       {MapArgs{Flags: anon}, linux.EINVAL},
		"no type":         {MapArgs{Len: page, Flags: linux.MAP_ANONYMOUS}, linux.EINVAL},
		"too long":        {MapArgs{Len: 1 << 47, Flags: anon}, linux.ENOMEM},
		"overflow":        {MapArgs{Len: ^uint64(0), Flags: anon}, linux.ENOMEM},
		"unaligned fixed": {MapArgs{Addr: 0x10001, Len: page, Flags: anon | linux.MAP_FIXED}, linux.EINVAL},
		"page zero":       {MapArgs{Addr: 0, Len: page, Flags: anon | linux.MAP_FIXED}, linux.EPERM},
		"top":             {MapArgs{Addr: TaskSize, Len: page, Flags: anon | linux.MAP_FIXED}, linux.ENOMEM},
		"taken":           {MapArgs{Addr: at, Len: page, Flags: anon | linux.MAP_FIXED_NOREPLACE}, linux.EEXIST},
		"huge":            {MapArgs{Len: 2 << 20, Flags: anon | linux.MAP_HUGETLB}, linux.ENOMEM},
		"write":           {with(func(x *MapArgs) { x.Prot = rw }), linux.EACCES},
		"unreadable":      {with(func(x *MapArgs) { x.Readable = false }), linux.EACCES},
		"noexec":          {with(func(x *MapArgs) { x.NoExec, x.Prot = true, linux.PROT_EXEC }), linux.EPERM},
		"not mappable":    {with(func(x *MapArgs) { x.Mappable = nil }), linux.ENODEV},
		"unknown flag":    {with(func(x *MapArgs) { x.Flags = linux.MAP_SHARED_VALIDATE | linux.MAP_SYNC }), linux.EOPNOTSUPP},
		"offset":          {with(func(x *MapArgs) { x.Off = ^uint64(page - 1) }), linux.EOVERFLOW},
	} {
		if _, errno := a.Map(c.args); errno != c.errno {
			t.Errorf("%s: %v, want %v", name, errno, c.errno)
		}
	}
	ro, _ := a.Map(file)
	if errno := a.Protect(ro, page, rw); errno != linux.EACCES {
		t.Errorf("mprotect of a read-only shared file: %v", errno)
	}
	if at := a.mmap(0, page, rw, anon|linux.MAP_32BIT); at >= 1<<31 {
		t.Errorf("MAP_32BIT at %#x", at)
	}
	a.check()
}

// TestPagesInARow has the pages of a large area entered at once if those before were all touched.
func TestPagesInARow(t *testing.T) {
	const size = 4 << 20
	for _, c := range []struct {
		stride usermem.Addr
		want   bool
	}{{page, true}, {minWindow, false}, {4 * page, false}} {
		a := newWorld(t).app()
		at := a.mmap(0, size, rw, anon)
		for off := usermem.Addr(0); off < size; off += c.stride {
			a.store(at+off, 1)
		}
		if n := a.as.(*fakeAS).populated; n > 0 != c.want {
			t.Errorf("every %d bytes: %d times", c.stride, n)
		}
		a.check()
	}
}

// TestLibraryIsForeseen maps a library as ld.so does and touches all of it: no segment faults.
func TestLibraryIsForeseen(t *testing.T) {
	w := newWorld(t)
	a := w.app()
	f := w.hostFile(1 << 20)
	unix.Pwrite(f.fd, []byte("data"), 0x80000)
	segment := func(at usermem.Addr, off, n uint64, prot, flags uint32) usermem.Addr {
		t.Helper()
		at, errno := a.Map(MapArgs{Addr: at, Len: n, Off: off, Prot: prot, File: f, Mappable: f, Readable: true,
			Flags: linux.MAP_PRIVATE | linux.MAP_DENYWRITE | flags})
		if errno != 0 {
			t.Fatal(errno)
		}
		return at
	}
	base := segment(0, 0, 1<<20, linux.PROT_READ, 0)
	segment(base+0x20000, 0x20000, 0x60000, linux.PROT_READ|linux.PROT_EXEC, linux.MAP_FIXED)
	as := a.as.(*fakeAS)
	if as.soon != as.maps {
		t.Errorf("%d of %d maps could wait", as.soon, as.maps)
	}
	segment(base+0x80000, 0x80000, 3*page, rw, linux.MAP_FIXED)
	soon, made, gone := as.soon, as.maps, as.unmaps
	bss := a.mmap(base+0x80000+3*page, 5*page, rw, anon|linux.MAP_FIXED)
	if as.soon-soon != as.maps-made || as.unmaps != gone {
		t.Errorf("of %d maps of zero memory %d could wait, after %d unmaps", as.maps-made, as.soon-soon, as.unmaps-gone)
	}
	made = as.maps
	if a.load(base) != 0 || a.load(base+0x30000) != 0 || a.load(base+0x80000+1) != 'a' || a.load(bss+4*page) != 0 {
		t.Error("contents")
	}
	a.store(base+0x80000+2*page, 1)
	a.store(bss, 2)
	if as.maps != made {
		t.Errorf("%d faults", as.maps-made)
	}
	a.check()
	a.Unmap(base, 1<<20)
	a.check()
}
