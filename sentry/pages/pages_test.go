package pages

import (
	"bytes"
	"math/rand/v2"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// newTestFile returns a memory file of size bytes.
func newTestFile(t testing.TB, size uint64) *File {
	fd, err := unix.MemfdCreate("pages", 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Ftruncate(fd, int64(size)); err != nil {
		t.Fatal(err)
	}
	f, errno := NewFile(fd, size)
	if errno != 0 {
		t.Fatal(errno)
	}
	t.Cleanup(func() {
		f.Close()
		unix.Close(fd)
	})
	return f
}

// held is how many bytes the host holds for the file.
func held(t testing.TB, f *File) int64 {
	var st unix.Stat_t
	if err := unix.Fstat(f.fd, &st); err != nil {
		t.Fatal(err)
	}
	return st.Blocks * 512
}

func isZero(b []byte) bool { return len(bytes.TrimLeft(b, "\x00")) == 0 }

func TestBitmap(t *testing.T) {
	for range 2000 {
		var b bitmap
		var ref [chunkPages]bool
		for range rand.IntN(6) {
			i := rand.IntN(chunkPages)
			n := 1 + rand.IntN(chunkPages-i)
			set := rand.IntN(2) == 0
			for k := i; k < i+n; k++ {
				ref[k] = set
			}
			if set {
				b.set(i, n)
			} else {
				b.clear(i, n)
			}
		}
		want := 1 + rand.IntN(64)
		start, n := b.find(want)
		best := 0
		for i := 0; i < chunkPages; {
			k := 0
			for i+k < chunkPages && ref[i+k] {
				k++
			}
			if k >= want {
				best = want
				if start != i || n != want {
					t.Fatalf("find(%d) = %d, %d; want %d", want, start, n, i)
				}
				break
			}
			best = max(best, k)
			i += k + 1
		}
		if n != best {
			t.Fatalf("find(%d) has length %d, want %d", want, n, best)
		}
	}
}

func TestAllocZeroAndReuse(t *testing.T) {
	f := newTestFile(t, 64<<20)
	p := f.NewPool()
	a := p.NewArena(Anon)
	off, n, errno := a.Alloc(64<<10, 0, true)
	if errno != 0 || n != 64<<10 || off == 0 {
		t.Fatal(off, n, errno)
	}
	b := f.Bytes(off, n)
	if !isZero(b) {
		t.Fatal("new pages are not zero")
	}
	for i := range b {
		b[i] = 0xaa
	}
	next, _, _ := a.Alloc(PageSize, off+n, true)
	if next != off+n {
		t.Errorf("continues at %#x, want %#x", next, off+n)
	}
	f.Ref(off, n)
	f.Unref(off, n)
	if f.Sole(off, n) != n || p.Used(Anon) != n+PageSize {
		t.Errorf("Sole %d, used %d", f.Sole(off, n), p.Used(Anon))
	}
	f.Unref(off, n)
	if p.Used(Anon) != PageSize {
		t.Errorf("used %d after free", p.Used(Anon))
	}
	again, n, _ := a.Alloc(64<<10, 0, true)
	if again != off || !isZero(f.Bytes(again, n)) {
		t.Errorf("reuse at %#x (was %#x), zero %v", again, off, isZero(f.Bytes(again, n)))
	}
}

func TestReclaim(t *testing.T) {
	f := newTestFile(t, 64<<20)
	p := f.NewPool()
	a := p.NewArena(Anon)
	var offs []uint64
	for range 1000 {
		off, _, _ := a.Alloc(PageSize, 0, true)
		f.Bytes(off, 1)[0] = 1
		offs = append(offs, off)
	}
	if h := held(t, f); h < 1000*PageSize {
		t.Fatalf("host holds %d", h)
	}
	for _, off := range offs[:900] {
		f.Unref(off, PageSize)
	}
	if !f.Reclaim(false) {
		t.Error("first look: nothing left")
	}
	if f.Reclaim(false) {
		t.Error("second look left something")
	}
	if h := held(t, f); h > 110*PageSize {
		t.Errorf("host still holds %d pages", h/PageSize)
	}
	for _, off := range offs[900:] {
		if f.Bytes(off, 1)[0] != 1 {
			t.Fatal("a page in use was given back")
		}
		f.Unref(off, PageSize)
	}
	a.Close()
	f.Reclaim(true)
	if h := held(t, f); h > PageSize {
		t.Errorf("host holds %d at the end", h)
	}
	off, n, _ := a.Alloc(ChunkSize, 0, true)
	if n != ChunkSize || !isZero(f.Bytes(off, n)) {
		t.Errorf("whole chunk: %d bytes", n)
	}
}

func TestFull(t *testing.T) {
	f := newTestFile(t, 4<<20)
	a := f.NewPool().NewArena(Anon)
	var total uint64
	for {
		_, n, errno := a.Alloc(64<<10, 0, true)
		if errno == linux.ENOMEM {
			break
		}
		total += n
	}
	if total != 4<<20-PageSize {
		t.Errorf("allocated %d before ENOMEM", total)
	}
}

// TestConcurrent checks under many goroutines that pages have one owner and lose nothing.
func TestConcurrent(t *testing.T) {
	f := newTestFile(t, 256<<20)
	p := f.NewPool()
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			r := rand.New(rand.NewPCG(uint64(g), 1))
			a := p.NewArena(Anon)
			type run struct{ off, n uint64 }
			var have []run
			for i := range 3000 {
				if len(have) > 20 || len(have) > 0 && r.IntN(2) == 0 {
					k := r.IntN(len(have))
					x := have[k]
					for o := x.off; o < x.off+x.n; o += PageSize {
						if b := f.Bytes(o, PageSize); b[0] != byte(g+1) || b[4095] != byte(g+1) {
							t.Errorf("page of goroutine %d has %d", g, b[0])
						}
					}
					f.Unref(x.off, x.n)
					have[k] = have[len(have)-1]
					have = have[:len(have)-1]
					continue
				}
				off, n, errno := a.Alloc(uint64(1+r.IntN(40))*PageSize, 0, true)
				if errno != 0 {
					t.Error(errno)
					return
				}
				b := f.Bytes(off, n)
				for o := uint64(0); o < n; o += PageSize {
					if b[o] != 0 || b[o+4095] != 0 {
						t.Error("not zero")
					}
					b[o], b[o+4095] = byte(g+1), byte(g+1)
				}
				have = append(have, run{off, n})
				if i%500 == 0 {
					f.Reclaim(i%1000 == 0)
				}
			}
			for _, x := range have {
				f.Unref(x.off, x.n)
			}
			a.Close()
		}()
	}
	wg.Wait()
	if p.Total() != 0 {
		t.Errorf("%d bytes leaked", p.Total())
	}
}

// TestObject compares an Object with plain bytes under random operations.
func TestObject(t *testing.T) {
	f := newTestFile(t, 64<<20)
	p := f.NewPool()
	q := new(Quota)
	q.Max.Store(-1)
	o := NewObject(p, Shmem, q)
	r := rand.New(rand.NewPCG(1, 2))
	ref := make([]byte, 3<<20)
	for range 600 {
		off := uint64(r.IntN(len(ref)))
		n := uint64(1 + r.IntN(min(len(ref)-int(off), 200<<10)))
		switch r.IntN(5) {
		case 0, 1:
			data := bytes.Repeat([]byte{byte(1 + r.IntN(255))}, int(n))
			b := usermem.Bytes(data)
			if k, errno := o.Write(&b, off); k != int(n) || errno != 0 {
				t.Fatal(k, errno)
			}
			copy(ref[off:], data)
		case 2:
			o.Punch(off, n)
			clear(ref[off : off+n])
		case 3:
			if errno := o.Allocate(off, n); errno != 0 {
				t.Fatal(errno)
			}
		case 4:
			at, got, errno := o.Backing(off&^4095, 256<<10, 64<<10)
			if errno != 0 {
				t.Fatal(errno)
			}
			got = min(got, uint64(len(ref))-off&^4095)
			if !bytes.Equal(f.Bytes(at, got), ref[off&^4095:][:got]) {
				t.Fatal("Backing shows something else")
			}
			f.Unref(at, (got+4095)&^4095)
		}
		got := make([]byte, n)
		b := usermem.Bytes(got)
		if k, errno := o.Read(&b, off, uint64(len(ref))); k != int(n) || errno != 0 || !bytes.Equal(got, ref[off:off+n]) {
			t.Fatalf("Read at %#x of %d: %d %v", off, n, k, errno)
		}
		data, ok := o.NextData(off, uint64(len(ref)))
		hole := o.NextHole(off, uint64(len(ref)))
		if ok && data > off && !isZero(ref[off:data]) || !ok && !isZero(ref[off:]) {
			t.Fatal("NextData skipped data")
		}
		if hole < uint64(len(ref)) && !isZero(ref[hole:min(uint64(len(ref)), (hole+4096)&^4095)]) {
			t.Fatal("NextHole found data")
		}
	}
	if uint64(o.Pages())*PageSize != p.Used(Shmem) || q.Used.Load() != o.Pages() {
		t.Errorf("pages %d, used %d, quota %d", o.Pages(), p.Used(Shmem), q.Used.Load())
	}
	o.Truncate(5000)
	if o.Pages() > 2 {
		t.Errorf("%d pages after truncate", o.Pages())
	}
	o.Release()
	if p.Used(Shmem) != 0 || q.Used.Load() != 0 {
		t.Errorf("used %d, quota %d after release", p.Used(Shmem), q.Used.Load())
	}
}

func TestObjectSparse(t *testing.T) {
	f := newTestFile(t, 16<<20)
	q := new(Quota)
	q.Max.Store(3)
	o := NewObject(f.NewPool(), Shmem, q)
	const far = 1 << 60
	b := usermem.Bytes(make([]byte, 10))
	if _, errno := o.Write(&b, far-5); errno != 0 {
		t.Fatal(errno)
	}
	if at, ok := o.NextData(0, 1<<62); !ok || at != far-PageSize {
		t.Errorf("NextData = %#x, %v", at, ok)
	}
	b = usermem.Bytes(make([]byte, 3*PageSize))
	if n, errno := o.Write(&b, 0); n != PageSize || errno != linux.ENOSPC {
		t.Errorf("beyond the quota: %d, %v", n, errno)
	}
	if errno := o.Allocate(0, 1<<62); errno != linux.ENOSPC {
		t.Errorf("Allocate: %v", errno)
	}
	o.Punch(1, 1<<63)
	if o.Pages() != 1 || q.Used.Load() != 1 {
		t.Errorf("%d pages", o.Pages())
	}
}

func BenchmarkAllocFree1(b *testing.B) {
	f := newTestFile(b, 64<<20)
	a := f.NewPool().NewArena(Anon)
	for b.Loop() {
		off, n, _ := a.Alloc(PageSize, 0, false)
		f.Unref(off, n)
	}
}

func BenchmarkAllocFree64K(b *testing.B) {
	f := newTestFile(b, 64<<20)
	a := f.NewPool().NewArena(Anon)
	for b.Loop() {
		off, n, _ := a.Alloc(64<<10, 0, true)
		f.Unref(off, n)
	}
}

func BenchmarkRefUnref2M(b *testing.B) {
	f := newTestFile(b, 64<<20)
	a := f.NewPool().NewArena(Anon)
	off, n, _ := a.Alloc(2<<20, 0, true)
	for b.Loop() {
		f.Ref(off, n)
		f.Unref(off, n)
	}
}
