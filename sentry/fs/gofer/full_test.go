package gofer

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/gofer/wire"
	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// TestFull: a gofer that can hold no more gets back a share of what is only cached, and that is what was looked
// up longest ago.
func TestFull(t *testing.T) {
	const most, share, names = 6000, 1000, 12_000
	var held, fewest, full atomic.Int64
	fewest.Store(most)
	last := uint64(1)
	vfs.Shrink(1<<20, func() bool { return false }) // else what other tests have left is given back to gofers that are gone
	c := fake(t, func(f wire.Frame, e *wire.Encoder) []int {
		var forget wire.ForgetReq
		var walk wire.WalkReq
		if f.Op == wire.OpForget && wire.Parse(f.Body, &forget) {
			if n := held.Add(-int64(len(forget.IDs))); n < fewest.Load() {
				fewest.Store(n)
			}
			return nil
		}
		errno := linux.ENOSYS
		start := e.Begin(f.Op, f.Tag)
		switch {
		case f.Op != wire.OpWalk || !wire.Parse(f.Body, &walk):
		case held.Load() == most:
			errno = linux.ENFILE
			full.Add(1)
		default:
			errno = 0
			held.Add(1)
			last++
			n := wire.Node{ID: last, Attr: wire.Attr{Dev: 1, Ino: last, Mode: linux.S_IFREG | 0o644, Nlink: 1}}
			(&wire.WalkReply{Steps: []wire.Step{{File: wire.File{Node: n}}}}).Put(e)
		}
		e.Finish(start, errno, 0)
		return nil
	})
	c.conn.share = share
	sb, errno := c.Mount(0, Options{Exclusive: true})
	if errno != 0 {
		t.Fatal(errno)
	}
	p := vfs.Path{Mount: vfs.NewMount(sb, 0), Dentry: sb.Root()}
	p.Get()
	x := &tree{t, vfs.KernelCtx{}, vfs.At{Root: p, Start: p}, sb, ""}
	for i := range names {
		x.walk(fmt.Sprint("f", i)).Put()
	}
	if n := full.Load(); n < (names-most)/share-1 || n > (names-most)/(share-64)+1 {
		t.Errorf("the gofer was full %d times", n)
	}
	if n := fewest.Load(); n < most-share-64 {
		t.Errorf("%d files were left, of %d", n, most)
	}
	for i := names - (most - share - 2048); i < names; i++ {
		if q, _, ok := vfs.WalkCached(x.ctx, x.at, fmt.Append(nil, "f", i), 0); !ok {
			t.Fatalf("f%d is not cached", i)
		} else {
			q.Put()
		}
	}
}
