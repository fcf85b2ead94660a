package vfs

import (
	"math/rand"
	"testing"
)

const lockBytes = 24

// TestLockRanges sets and cuts record locks of three owners at random, beside a model that knows what each owner has of
// every byte.
func TestLockRanges(t *testing.T) {
	const bytes, owners, steps = lockBytes, 3, 20000
	const none, read, write = 0, 1, 2
	rnd := rand.New(rand.NewSource(1))
	var l fileLocks
	var model [owners][bytes]int
	for step := range steps {
		owner := rnd.Intn(owners)
		r := LockRange{Owner: owner, Start: int64(rnd.Intn(bytes)), Exclusive: rnd.Intn(2) == 0}
		r.End = r.Start + int64(rnd.Intn(bytes-int(r.Start)))
		want := read
		if r.Exclusive {
			want = write
		}
		stands := false
		for o := range owners {
			for b := r.Start; o != owner && b <= r.End; b++ {
				stands = stands || max(want, model[o][b]) == write && model[o][b] != none
			}
		}
		if rnd.Intn(3) == 0 {
			want = none
		}
		if want != none && (l.conflict(&r) != nil) != stands {
			t.Fatalf("step %d: conflict with %+v: %v, want %v", step, r, !stands, stands)
		}
		switch {
		case want == none:
			l.carve(&r)
		case stands:
			continue
		default:
			l.set(&r)
		}
		for b := r.Start; b <= r.End; b++ {
			model[owner][b] = want
		}
		checkLocks(t, step, &l, model[:])
	}
}

// checkLocks compares the locks with the model: no owner has two at one byte, or of one kind side by side.
func checkLocks(t *testing.T, step int, l *fileLocks, model [][lockBytes]int) {
	t.Helper()
	has := make([][lockBytes]int, len(model))
	for n := range l.ranges {
		r := &l.ranges[n]
		for b := r.Start; b <= r.End; b++ {
			if has[r.Owner.(int)][b] != 0 {
				t.Fatalf("step %d: two locks of one owner at %d: %+v", step, b, l.ranges)
			}
			has[r.Owner.(int)][b] = 1
			if r.Exclusive {
				has[r.Owner.(int)][b] = 2
			}
		}
		for m := range n {
			if o := &l.ranges[m]; o.Owner == r.Owner && o.Exclusive == r.Exclusive && o.touches(r) {
				t.Fatalf("step %d: not joined: %+v and %+v", step, *o, *r)
			}
		}
	}
	for o := range has {
		if has[o] != model[o] {
			t.Fatalf("step %d: %v has %v, want %v", step, o, has[o], model[o])
		}
	}
	for _, r := range l.ranges[len(l.ranges):cap(l.ranges)] {
		if r.Owner != nil {
			t.Fatalf("step %d: a lock that is gone keeps its owner", step)
		}
	}
}
