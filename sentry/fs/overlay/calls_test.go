//go:build !lockranks && !race

package overlay_test

import (
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/fs/overlay"
	"github.com/seed-7423c386/runsc/sentry/fs/tmpfs"
	"github.com/seed-7423c386/runsc/sentry/pages"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// caller is an application with a page of memory, at address 0.
type caller struct {
	vfs.KernelCtx
	space *usermem.Space
}

func (c *caller) Space() *usermem.Space { return c.space }

// page is a usermem.Pager of one page.
type page struct {
	sync.RWMutex
	bytes [usermem.PageSize]byte
}

func (p *page) Peek(addr usermem.Addr, n int, _ bool) (usermem.Piece, bool) {
	if addr >= usermem.PageSize {
		return usermem.Piece{}, false
	}
	return usermem.Piece{Bytes: p.bytes[addr:min(int(addr)+n, usermem.PageSize)]}, true
}

func (*page) Fault(usermem.Addr, int, bool) linux.Errno { return linux.EFAULT }

// calls are those that programs make most on the root of a sandbox: an overlay with memory as its upper layer.
type calls struct {
	testing.TB
	ctx  *caller
	at   vfs.At
	file *vfs.File
	buf  usermem.Buf // as a task has it
}

func newCalls(t testing.TB) *calls {
	fd, err := unix.MemfdCreate("overlay", 0)
	if err != nil {
		t.Fatal(err)
	}
	const memory = 64 << 20
	if err := unix.Ftruncate(fd, memory); err != nil {
		t.Fatal(err)
	}
	f, errno := pages.NewFile(fd, memory)
	c := &calls{TB: t, ctx: &caller{KernelCtx: vfs.KernelCtx{W: wait.NewWaiter()}}}
	c.ok(errno)
	pool := f.NewPool()
	t.Cleanup(func() {
		pool.Close()
		f.Close()
		unix.Close(fd)
	})
	space := usermem.NewSpace(new(page))
	c.ctx.space = &space
	var layers [2]*vfs.Super
	for i := range layers {
		layers[i], errno = tmpfs.New(pool, memory, "none", "mode=755")
		c.ok(errno)
	}
	sb, errno := overlay.New(layers[0], layers[1])
	c.ok(errno)
	root := vfs.NewMountNS(c.ctx.Cred().NS, vfs.NewMount(sb, linux.MS_RELATIME)).Root()
	c.at = vfs.At{Root: root, Start: root}
	c.ok(vfs.Mkdir(c.ctx, c.at, "dir", 0o755))
	c.file, errno = vfs.Open(c.ctx, c.at, "dir/file", vfs.OpenHow{Flags: linux.O_RDWR | linux.O_CREAT, Mode: 0o644})
	c.ok(errno)
	c.write()
	return c
}

func (c *calls) ok(errno linux.Errno) {
	if errno != 0 {
		c.Helper()
		c.Fatal(errno)
	}
}

func (c *calls) read() {
	c.buf.Set(c.ctx.space, 0, 64)
	_, errno := c.file.ReadAt(c.ctx, &c.buf, 0, false)
	c.ok(errno)
}

func (c *calls) write() {
	c.buf.Set(c.ctx.space, 0, usermem.PageSize)
	_, errno := c.file.WriteAt(c.ctx, &c.buf, 0, false, false)
	c.ok(errno)
}

func (c *calls) walk(path string) vfs.Path {
	p, errno, ok := vfs.WalkCached(c.ctx, c.at, []byte(path), vfs.Follow)
	c.ok(errno)
	if !ok {
		c.Fatal("it is not in the cache")
	}
	return p
}

func (c *calls) stat() {
	p := c.walk("dir/file")
	_, errno := p.Inode().Stat(c.ctx)
	c.ok(errno)
	p.Put()
}

func (c *calls) open() {
	f, errno := vfs.OpenFound(c.ctx, c.walk("dir/file"), vfs.OpenHow{})
	c.ok(errno)
	f.Put()
}

// lock takes two record locks and gives them back.
func (c *calls) lock() {
	r := vfs.LockRange{Owner: c, File: c.file, Start: 100, End: 100}
	c.ok(c.file.Inode.SetLock(c.ctx, &r, false))
	r.Start, r.End, r.Exclusive = 102, 200, true
	c.ok(c.file.Inode.SetLock(c.ctx, &r, false))
	c.file.Inode.Unlock(&r)
	r.Start, r.End = 0, vfs.LockEOF
	c.file.Inode.Unlock(&r)
}

// journal makes a file, writes two pages, and removes it.
func (c *calls) journal() {
	f, errno := vfs.Open(c.ctx, c.at, "dir/journal", vfs.OpenHow{Flags: linux.O_RDWR | linux.O_CREAT, Mode: 0o644})
	c.ok(errno)
	for _, at := range []int64{0, 516, 4620} {
		c.buf.Set(c.ctx.space, 0, usermem.PageSize)
		_, errno := f.WriteAt(c.ctx, &c.buf, at, false, false)
		c.ok(errno)
	}
	f.Put()
	c.ok(vfs.Unlink(c.ctx, c.at, "dir/journal", false))
}

func (c *calls) list() {
	f, errno := vfs.OpenFound(c.ctx, c.walk("dir"), vfs.OpenHow{})
	c.ok(errno)
	c.ok(f.Readdir(c.ctx, func(vfs.Dirent) bool { return true }))
	f.Put()
}

// rows name the calls, and say how much each may allocate.
func (c *calls) rows() []row {
	return []row{{"read", c.read, 0}, {"write", c.write, 0}, {"stat", c.stat, 0}, {"open", c.open, 2}, {"lock", c.lock, 0}, {"journal", c.journal, 20}, {"list", c.list, 20}}
}

type row struct {
	name   string
	call   func()
	allocs float64
}

// TestAllocations: what is called often allocates nothing, or little where there is something new.
func TestAllocations(t *testing.T) {
	for _, r := range newCalls(t).rows() {
		if n := testing.AllocsPerRun(100, r.call); n > r.allocs {
			t.Errorf("%s: %v allocations, want %v", r.name, n, r.allocs)
		}
	}
}

func BenchmarkCalls(b *testing.B) {
	for _, r := range newCalls(b).rows() {
		b.Run(r.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r.call()
			}
		})
	}
}
