package vfs_test

import (
	"fmt"
	"testing"

	"github.com/seed-7423c386/runsc/sentry/vfs"
)

// TestShrinkOldest: what was looked up longest ago goes first, and no more of it than is enough.
func TestShrinkOldest(t *testing.T) {
	w := newWorld(t)
	name := func(i int) string { return fmt.Sprint("none", i) }
	look := func(from, to int) {
		for i := from; i < to; i++ {
			vfs.Walk(w.ctx, w.at, name(i), 0)
		}
	}
	const all, again, some = 9_000, 1_500, 2_500
	look(0, all)
	look(0, again)
	before := vfs.CachedDentries()
	vfs.Shrink(some, func() bool { return before-vfs.CachedDentries() >= some })
	if n := before - vfs.CachedDentries(); n != some {
		t.Errorf("%d names are gone, %d would be enough", n, some)
	}
	kept := func(from, to int) (n int) {
		for i := from; i < to; i++ {
			if _, _, ok := vfs.WalkCached(w.ctx, w.at, []byte(name(i)), 0); ok {
				n++
			}
		}
		return n
	}
	const old = again + some + 2*1024 // ages are not told apart any closer
	if n := kept(0, again) + kept(old, all); n != again+all-old {
		t.Errorf("%d young names are kept, want %d", n, again+all-old)
	}
	vfs.Shrink(1<<20, func() bool { return false })
	if n := kept(0, all); n != 0 {
		t.Errorf("%d names are kept, none is in use", n)
	}
}
