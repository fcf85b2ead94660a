package usermem

import (
	"bytes"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// fakePager maps pages of the application to separate Go slices. Pages in lazy appear at the
// first Fault.
type fakePager struct {
	sync.RWMutex
	pages   map[Addr][]byte
	lazy    map[Addr]bool
	ro      map[Addr]bool
	windows map[Addr]*Window
	faults  int
}

func (f *fakePager) Peek(addr Addr, n int, write bool) (Piece, bool) {
	base := addr.PageDown()
	b, ok := f.pages[base]
	if !ok || write && f.ro[base] {
		return Piece{}, false
	}
	off := int(addr.PageOffset())
	p := Piece{Bytes: b[off:min(off+n, PageSize)]}
	if w := f.windows[base]; w != nil && w.Get() {
		p.Window = w
	}
	return p, true
}

func (f *fakePager) Fault(addr Addr, n int, write bool) linux.Errno {
	f.Lock()
	defer f.Unlock()
	f.faults++
	if !f.lazy[addr.PageDown()] {
		return linux.EFAULT
	}
	f.pages[addr.PageDown()] = make([]byte, PageSize)
	return 0
}

// newFake has three pages at 0x10000 (the second one lazy), nothing after, and one read-only
// page at 0x20000.
func newFake() (*fakePager, *Space) {
	f := &fakePager{pages: map[Addr][]byte{}, lazy: map[Addr]bool{0x11000: true}, ro: map[Addr]bool{}, windows: map[Addr]*Window{}}
	f.pages[0x10000] = make([]byte, PageSize)
	f.pages[0x12000] = make([]byte, PageSize)
	f.pages[0x20000] = make([]byte, PageSize)
	f.ro[0x20000] = true
	s := NewSpace(f)
	return f, &s
}

func TestCopyAcrossPages(t *testing.T) {
	f, s := newFake()
	src := bytes.Repeat([]byte("0123456789abcde"), 600)[:8192]
	if n, errno := s.CopyOut(0x10800, src); n != 8192 || errno != 0 {
		t.Fatalf("CopyOut = %d, %v", n, errno)
	}
	dst := make([]byte, 8192)
	if n, errno := s.CopyIn(0x10800, dst); n != 8192 || errno != 0 || !bytes.Equal(dst, src) {
		t.Fatalf("CopyIn = %d, %v", n, errno)
	}
	if f.faults != 1 {
		t.Errorf("faults = %d, want 1", f.faults)
	}
	if n, errno := s.CopyIn(0x12ff0, dst[:100]); n != 16 || errno != linux.EFAULT {
		t.Errorf("CopyIn over the end = %d, %v; want 16, EFAULT", n, errno)
	}
	if n, errno := s.CopyOut(0x20000, src[:1]); n != 0 || errno != linux.EFAULT {
		t.Errorf("CopyOut to read-only = %d, %v", n, errno)
	}
	if n, errno := s.ZeroOut(0x10800, 4096); n != 4096 || errno != 0 {
		t.Errorf("ZeroOut = %d, %v", n, errno)
	}
	s.CopyIn(0x10800, dst)
	if !bytes.Equal(dst[:4096], make([]byte, 4096)) || !bytes.Equal(dst[4096:], src[4096:]) {
		t.Error("ZeroOut cleared something else than asked")
	}
}

func TestString(t *testing.T) {
	f, s := newFake()
	f.pages[0x11000] = make([]byte, PageSize)
	long := bytes.Repeat([]byte("x"), 5000)
	s.CopyOut(0x10000, append(long, 0))
	for _, c := range []struct {
		addr  Addr
		max   int
		want  int
		errno linux.Errno
	}{
		{0x10000, 4096, 0, linux.ENAMETOOLONG},
		{0x10000, 5000, 0, linux.ENAMETOOLONG},
		{0x10000, 5001, 5000, 0},
		{0x10000 + 4990, 4096, 10, 0},
		{0x10000 + 5000, 4096, 0, 0},
		{0x30000, 4096, 0, linux.EFAULT},
	} {
		got, errno := s.CopyInString(c.addr, c.max)
		if len(got) != c.want || errno != c.errno {
			t.Errorf("CopyInString(%#x, %d) = %d bytes, %v; want %d, %v", c.addr, c.max, len(got), errno, c.want, c.errno)
		}
	}
	f.pages[0x12000][4095] = 'z'
	if _, errno := s.CopyInString(0x12fff, 10); errno != linux.EFAULT {
		t.Errorf("unterminated at the end of memory: %v, want EFAULT", errno)
	}
	f.pages[0x12000][4095] = 0
	if got, errno := s.CopyInString(0x12fff, 10); got != "" || errno != 0 {
		t.Errorf("NUL at the end of memory: %q, %v", got, errno)
	}
}

func TestAtomics(t *testing.T) {
	_, s := newFake()
	if errno := s.Store32(0x10004, 7); errno != 0 {
		t.Fatal(errno)
	}
	if was, errno := s.CompareAndSwap32(0x10004, 7, 9); was != 7 || errno != 0 {
		t.Errorf("CompareAndSwap32 = %d, %v", was, errno)
	}
	if was, _ := s.CompareAndSwap32(0x10004, 7, 10); was != 9 {
		t.Errorf("failing CompareAndSwap32 = %d", was)
	}
	if old, _ := s.Modify32(0x10004, func(v uint32) uint32 { return v | 0x80000000 }); old != 9 {
		t.Errorf("Modify32 = %d", old)
	}
	if v, _ := s.Load32(0x10004); v != 0x80000009 {
		t.Errorf("Load32 = %#x", v)
	}
	if _, errno := s.Load32(0x10002); errno != linux.EINVAL {
		t.Errorf("unaligned: %v", errno)
	}
	if errno := s.Store32(0x20000, 1); errno != linux.EFAULT {
		t.Errorf("read-only: %v", errno)
	}
}

func TestBufVec(t *testing.T) {
	_, s := newFake()
	b := NewVec(s, []Range{{0x10000, 0x10003}, {0x10100, 0x10100}, {0x10ffe, 0x11002}, {0x20000, 0x20001}})
	if b.Len() != 8 {
		t.Fatalf("Len = %d", b.Len())
	}
	if n, errno := b.CopyOut([]byte("ab")); n != 2 || errno != 0 {
		t.Fatalf("CopyOut = %d, %v", n, errno)
	}
	if n, errno := b.CopyOut([]byte("cdefgh")); n != 5 || errno != linux.EFAULT {
		t.Fatalf("CopyOut = %d, %v; want 5, EFAULT", n, errno)
	}
	in := NewVec(s, []Range{{0x10000, 0x10003}, {0x10ffe, 0x11002}})
	got := make([]byte, 20)
	if n, errno := in.CopyIn(got); n != 7 || errno != 0 || string(got[:7]) != "abcdefg" {
		t.Fatalf("CopyIn = %d, %v, %q", n, errno, got[:7])
	}
	k := Bytes([]byte("kernel"))
	k.Limit(4)
	if n, _ := k.CopyIn(got); n != 4 || string(got[:4]) != "kern" || k.Len() != 0 {
		t.Fatalf("Bytes: %d %q", n, got[:4])
	}
}

func TestPieces(t *testing.T) {
	f, s := newFake()
	b := NewVec(s, []Range{{0x10ffc, 0x11004}, {0x12000, 0x12008}, {0x12ffc, 0x13004}})
	var seen []int
	n, errno := b.Pieces(true, func(p [][]byte) (int, linux.Errno) {
		total := 0
		for _, x := range p {
			seen = append(seen, len(x))
			total += copy(x, "zzzzzzzz")
		}
		return total - 2, 0
	})
	if n != 18 || errno != 0 || len(seen) != 4 || f.faults != 2 {
		t.Fatalf("Pieces = %d, %v; pieces %v, faults %d", n, errno, seen, f.faults)
	}
	if b.Len() != 6 {
		t.Errorf("Len after = %d, want 6", b.Len())
	}
	bad := NewBuf(s, 0x50000, 10)
	if _, errno := bad.Pieces(true, nil); errno != linux.EFAULT {
		t.Errorf("Pieces of nothing: %v", errno)
	}
}

func TestCopyInVec(t *testing.T) {
	_, s := newFake()
	CopyOutInts(s, 0x10000, []uint64{0x10100, 5, 0x12000, 1 << 63})
	if b, errno := s.CopyInVec(0x10000, 1); errno != 0 || b.Len() != 5 {
		t.Errorf("one: %d, %v", b.Len(), errno)
	}
	if _, errno := s.CopyInVec(0x10000, 2); errno != linux.EINVAL {
		t.Errorf("negative length: %v", errno)
	}
	if _, errno := s.CopyInVec(0x10000, 1025); errno != linux.EINVAL {
		t.Errorf("too many: %v", errno)
	}
	CopyOutInts(s, 0x10000, []uint64{0x10100, 0x7fffffff, 0x12000, 0x7fffffff})
	if b, errno := s.CopyInVec(0x10000, 2); errno != 0 || b.Len() != MaxRW {
		t.Errorf("huge: %#x, %v", b.Len(), errno)
	}
}

// TestTruncatedFile copies from and to the memory of a file that became shorter.
func TestTruncatedFile(t *testing.T) {
	fd, err := unix.MemfdCreate("t", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	unix.Ftruncate(fd, 3*PageSize)
	m, err := unix.Mmap(fd, 0, 3*PageSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(m)
	f, s := newFake()
	w := new(Window)
	f.pages[0x40000], f.windows[0x40000] = m[:PageSize], w
	f.pages[0x41000], f.windows[0x41000] = m[PageSize:2*PageSize], w
	unix.Ftruncate(fd, PageSize)

	buf := make([]byte, PageSize)
	if n, errno := s.CopyIn(0x40800, buf); n != 2048 || errno != linux.EFAULT {
		t.Errorf("CopyIn = %d, %v; want 2048, EFAULT", n, errno)
	}
	if n, errno := s.CopyOut(0x40800, buf); n != 2048 || errno != linux.EFAULT {
		t.Errorf("CopyOut = %d, %v; want 2048, EFAULT", n, errno)
	}
	if _, errno := s.Load32(0x41000); errno != linux.EFAULT {
		t.Errorf("Load32 = %v", errno)
	}
	if n, whole := copyFragile(buf, m[PageSize-10:]); n != 10 || whole {
		t.Errorf("copyFragile over the end = %d, %v; want 10, false", n, whole)
	}
	if !w.Close() {
		t.Error("a use of the window was left")
	}
	if w.Get() {
		t.Error("Get of a closed window")
	}
}

func TestNoAllocation(t *testing.T) {
	_, s := newFake()
	if n := testing.AllocsPerRun(100, func() {
		v, _ := CopyInInt[uint64](s, 0x10000)
		CopyOutInt(s, 0x10008, v)
		s.CompareAndSwap32(0x10000, 1, 2)
		var raw [64]byte
		s.CopyIn(0x10000, raw[:])
		b := NewBuf(s, 0x10000, 64)
		b.CopyOut(raw[:])
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func BenchmarkCopyIn64(b *testing.B) {
	_, s := newFake()
	var raw [64]byte
	for b.Loop() {
		s.CopyIn(0x10000, raw[:])
	}
}

// TestDirect: what lies together and is present is used in place; the rest is left to a copy.
func TestDirect(t *testing.T) {
	f, s := newFake()
	f.windows[0x20000] = new(Window)
	for _, c := range []struct {
		what  string
		buf   Buf
		write bool
		max   int
		want  int
		ok    bool
	}{
		{"a page", NewBuf(s, 0x10800, 64), true, 1 << 20, 64, true},
		{"less than there is", NewBuf(s, 0x10800, 64), true, 8, 8, true},
		{"up to one that is absent", NewBuf(s, 0x10ff0, 64), true, 1 << 20, 16, true},
		{"absent", NewBuf(s, 0x11000, 64), true, 1 << 20, 0, false},
		{"read-only", NewBuf(s, 0x20000, 64), true, 1 << 20, 0, false},
		{"of a host file", NewBuf(s, 0x20000, 64), false, 1 << 20, 0, false},
		{"the second piece", NewVec(s, []Range{{0x10000, 0x10000}, {0x12000, 0x12004}}), true, 1 << 20, 4, true},
		{"the kernel's", Bytes(make([]byte, 10)), true, 4, 4, true},
	} {
		before := c.buf.Len()
		n, ok := c.buf.Direct(c.write, c.max, func(mem []byte) int { return len(mem) })
		if n != c.want || ok != c.ok || before-c.buf.Len() != n {
			t.Errorf("%s: %d, %v; %d bytes used", c.what, n, ok, before-c.buf.Len())
		}
	}
	if !f.windows[0x20000].Close() {
		t.Error("the window is in use still")
	}
	if !f.TryLock() {
		t.Error("the pager is locked still")
	}
}
