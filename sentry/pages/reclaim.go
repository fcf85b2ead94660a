package pages

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-7423c386/runsc/platform/host"
)

// reclaimPeriod is how often freed pages are looked at. A page that was free at two looks in
// a row goes back to the host.
const reclaimPeriod = time.Second

// How many free bytes the host may hold before they are given back at once: keepShare of all memory,
// and keepMin at least.
const (
	keepMin   = 64 << 20
	keepShare = 64
)

// SetRAM tells how much memory the sandbox may have.
func (f *File) SetRAM(bytes uint64) { f.reclaim.keep.Store(int64(bytes / keepShare / PageSize)) }

// reclaimer gives freed pages back to the host. It has a timer only while there are some.
type reclaimer struct {
	armed atomic.Bool
	cold  atomic.Int64 // pages freed since the last look, roughly
	keep  atomic.Int64 // pages
	all   atomic.Bool  // the next look takes all free pages
	mu    sync.Mutex
	timer *time.Timer
	ended bool
}

// freed takes note that n pages became free.
func (r *reclaimer) freed(f *File, n int) {
	urgent := r.cold.Add(int64(n)) > max(r.keep.Load(), keepMin/PageSize)
	if !urgent && (r.armed.Load() || r.armed.Swap(true)) {
		return
	}
	wait := reclaimPeriod
	if urgent {
		r.cold.Store(0)
		r.all.Store(true)
		wait = 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return
	}
	r.armed.Store(true)
	if r.timer == nil {
		r.timer = time.AfterFunc(wait, func() { r.run(f) })
	} else {
		r.timer.Reset(wait)
	}
}

// run looks once, and again after a period if there may be more to do.
func (r *reclaimer) run(f *File) {
	r.cold.Store(0)
	left := f.Reclaim(r.all.Swap(false))
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return
	}
	if left {
		r.timer.Reset(reclaimPeriod)
	} else {
		r.armed.Store(false)
	}
}

// stop ends reclaiming.
func (r *reclaimer) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
	if r.timer != nil {
		r.timer.Stop()
	}
}

// Reclaim gives the host back the free pages that were already free when it was last called,
// or all free pages. It tells whether free pages are left that the host holds.
func (f *File) Reclaim(all bool) (left bool) {
	f.mu.Lock()
	next := f.next
	f.mu.Unlock()
	for off := uint64(0); off < next; off += ChunkSize {
		if c := f.chunk(off); f.reclaimChunk(c, all) {
			left = true
		}
	}
	return left
}

// reclaimChunk does so for one chunk.
func (f *File) reclaimChunk(c *chunk, all bool) (left bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pool == nil {
		return false
	}
	if c.huge && !c.vacant() && (c.owned || c.nfree < chunkPages/2) {
		return false // breaking a huge page up would cost more than it gives
	}
	var cold bitmap
	for w := range cold {
		cold[w] = c.free[w] & c.dirty[w]
		if !all {
			cold[w] &= c.idle[w]
		}
	}
	if c.vacant() && !c.owned && (c.huge || cold.count() > chunkPages/2) && (all || c.idle != bitmap{}) {
		f.retireLocked(c)
		return false
	}
	if c.huge && c.vacant() && cold != (bitmap{}) {
		f.punchLocked(c, 0, chunkPages)
		c.huge = false
		cold = bitmap{}
	}
	for i, n := cold.next(0); n > 0; i, n = cold.next(i + n) {
		f.punchLocked(c, i, n)
	}
	for w := range c.idle {
		c.idle[w] = c.free[w] & c.dirty[w]
	}
	if c.idle == (bitmap{}) && c.vacant() && !c.owned {
		f.retireLocked(c)
	}
	return c.idle != bitmap{}
}

// punchLocked gives n free pages from i back to the host. c.mu is held.
func (f *File) punchLocked(c *chunk, i, n int) {
	if host.PunchHole(f.fd, int64(c.off)+int64(i)*PageSize, int64(n)*PageSize) != 0 {
		return // they stay dirty
	}
	c.dirty.clear(i, n)
	c.seen.clear(i, n)
	c.idle.clear(i, n)
}

// retireLocked gives a chunk of which nothing is used back to the file. c.mu is held.
func (f *File) retireLocked(c *chunk) {
	if c.listed && !c.pool.remove(c) {
		return // somebody is just adopting it
	}
	c.listed = false
	if c.huge || c.dirty != (bitmap{}) {
		f.punchLocked(c, 0, chunkPages)
	}
	if c.dirty != (bitmap{}) {
		c.settleLocked()
		return
	}
	c.huge, c.pool = false, nil
	f.mu.Lock()
	f.empty = append(f.empty, c)
	f.mu.Unlock()
}
