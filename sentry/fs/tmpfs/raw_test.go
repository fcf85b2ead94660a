package tmpfs

import (
	"math/rand/v2"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/pages"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

const page = pages.PageSize

// newFile opens a file of a new tmpfs with the options.
func newFile(t testing.TB, options string) (*vfs.File, vfs.Ctx) {
	const memory = 16 << 20
	fd, err := unix.MemfdCreate("tmpfs", 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Ftruncate(fd, memory); err != nil {
		t.Fatal(err)
	}
	mem, errno := pages.NewFile(fd, memory)
	if errno != 0 {
		t.Fatal(errno)
	}
	pool := mem.NewPool()
	sb, errno := New(pool, memory, "none", options)
	if errno != 0 {
		t.Fatal(errno)
	}
	ctx := vfs.KernelCtx{W: wait.NewWaiter()}
	ns := vfs.NewMountNS(ctx.Cred().NS, vfs.NewMount(sb, 0))
	root := ns.Root()
	f, errno := vfs.Open(ctx, vfs.At{Root: root, Start: root}, "/f", vfs.OpenHow{Flags: linux.O_RDWR | linux.O_CREAT, Mode: 0o600})
	if errno != 0 {
		t.Fatal(errno)
	}
	t.Cleanup(func() {
		f.Put()
		root.Put()
		ns.Put()
		pool.Close()
		mem.Close()
		unix.Close(fd)
	})
	return f, ctx
}

// layout lists the data of f as pairs of pages.
func layout(ctx vfs.Ctx, f *vfs.File) (list []int64) {
	o := f.Ops.(open)
	for at := int64(0); ; {
		d, errno := o.Seek(ctx, f, at, linux.SEEK_DATA)
		if errno != 0 {
			return list
		}
		h, _ := o.Seek(ctx, f, d, linux.SEEK_HOLE)
		list = append(list, d/page, h/page)
		at = h
	}
}

func TestAllocatedPagesAreHoles(t *testing.T) {
	f, ctx := newFile(t, "size=64k")
	expect := func(what string, want ...int64) {
		t.Helper()
		got := layout(ctx, f)
		if len(got) != len(want) {
			t.Fatalf("%s: %v, want %v", what, got, want)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("%s: %v, want %v", what, got, want)
			}
		}
	}
	write := func(at, n int64) {
		b := usermem.Bytes(make([]byte, n))
		if _, errno := f.WriteAt(ctx, &b, at, false, false); errno != 0 {
			t.Fatal(errno)
		}
	}
	allocate := func(mode uint32, from, n int64) linux.Errno { return f.Fallocate(ctx, mode, from*page, n*page) }
	allocate(0, 0, 8)
	expect("allocated")
	write(3*page-1, 2)
	expect("written", 2, 4)
	write(6*page, 1)
	expect("more", 2, 4, 6, 7)
	allocate(0, 0, 10)
	expect("again", 2, 4, 6, 7)
	fails := func(want linux.Errno, n int64) {
		t.Helper()
		if errno := allocate(0, 0, n); errno != want {
			t.Fatalf("%d pages: %v, want %v", n, errno, want)
		}
		if used := f.Ops.(open).r.object.Pages(); used != 10 {
			t.Errorf("%d pages after a failure, want 10", used)
		}
	}
	fails(linux.ENOSPC, 1<<40)          // more than can ever be had
	f.Ops.(open).r.fs.quota.Used.Add(1) // by another file
	fails(linux.ENOSPC, 16)
	f.Ops.(open).r.fs.quota.Used.Add(-1)
	ctx.Waiter().Interrupt()
	fails(linux.EINTR, 16)
	ctx.Waiter().ClearInterrupt()
	allocate(linux.FALLOC_FL_PUNCH_HOLE|linux.FALLOC_FL_KEEP_SIZE, 3, 4)
	expect("punched", 2, 3)
	f.Truncate(ctx, 2*page)
	f.Truncate(ctx, 10*page)
	expect("cut")
	write(9*page, 1)
	expect("end", 9, 10)
}

// TestFileRace changes one file from several goroutines; for -race, and for the count of pages.
func TestFileRace(t *testing.T) {
	f, _ := newFile(t, "size=256k")
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			ctx := vfs.KernelCtx{W: wait.NewWaiter()}
			r := rand.New(rand.NewPCG(uint64(g), 1))
			for range 400 {
				off, n := r.Int64N(60*page), r.Int64N(4*page)+1
				switch r.IntN(6) {
				case 0:
					f.Fallocate(ctx, linux.FALLOC_FL_KEEP_SIZE, off, n)
				case 1:
					f.Fallocate(ctx, linux.FALLOC_FL_PUNCH_HOLE|linux.FALLOC_FL_KEEP_SIZE, off, n)
				case 2:
					f.Truncate(ctx, off)
				case 3:
					layout(ctx, f)
				default:
					b := usermem.Bytes(make([]byte, n))
					f.WriteAt(ctx, &b, off, false, false)
				}
			}
		})
	}
	all.Wait()
	ctx := vfs.KernelCtx{}
	f.Truncate(ctx, 0)
	f.Fallocate(ctx, linux.FALLOC_FL_PUNCH_HOLE|linux.FALLOC_FL_KEEP_SIZE, 0, 1<<40)
	o := f.Ops.(open)
	if used := o.r.object.Pages(); used != 0 || o.r.fs.quota.Used.Load() != 0 || o.r.raw.some.Load() {
		t.Errorf("%d pages, %d charged, raw %v after the end", used, o.r.fs.quota.Used.Load(), o.r.raw.list)
	}
}
