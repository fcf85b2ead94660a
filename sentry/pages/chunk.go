package pages

import (
	"math/bits"

	"github.com/seed-7423c386/runsc/sentry/lock"
)

// Sizes of the unit in which the memory file is cut up.
const (
	PageSize   = 4096
	ChunkSize  = 2 << 20
	chunkPages = ChunkSize / PageSize
)

// bitmap has a bit for each page of a chunk.
type bitmap [chunkPages / 64]uint64

// set sets n bits from i.
func (b *bitmap) set(i, n int) {
	for n > 0 {
		w, s := i/64, i%64
		step := min(n, 64-s)
		b[w] |= ^uint64(0) >> (64 - step) << s
		i, n = i+step, n-step
	}
}

// clear clears n bits from i.
func (b *bitmap) clear(i, n int) {
	for n > 0 {
		w, s := i/64, i%64
		step := min(n, 64-s)
		b[w] &^= ^uint64(0) >> (64 - step) << s
		i, n = i+step, n-step
	}
}

// get tells whether bit i is set.
func (b *bitmap) get(i int) bool { return b[i/64]>>(i%64)&1 != 0 }

// count is the number of bits set.
func (b *bitmap) count() int {
	n := 0
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}

// next returns the first run of set bits at or after i; n is 0 if there is none.
func (b *bitmap) next(i int) (start, n int) {
	for i < chunkPages {
		w := b[i/64] >> (i % 64)
		if w == 0 {
			i = (i/64 + 1) * 64
			continue
		}
		start = i + bits.TrailingZeros64(w)
		return start, b.runAt(start)
	}
	return 0, 0
}

// runAt returns how many bits are set from i on.
func (b *bitmap) runAt(i int) int {
	n := 0
	for i+n < chunkPages {
		s := (i + n) % 64
		ones := bits.TrailingZeros64(^(b[(i+n)/64] >> s))
		n += ones
		if ones < 64-s {
			break
		}
	}
	return min(n, chunkPages-i)
}

// find returns the first run of at least n set bits, or else the longest one.
func (b *bitmap) find(n int) (start, length int) {
	for i := 0; ; {
		s, l := b.next(i)
		if l == 0 {
			return start, length
		}
		if l >= n {
			return s, n
		}
		if l > length {
			start, length = s, l
		}
		i = s + l
	}
}

// chunk is 2 MiB of the memory file.
type chunk struct {
	off uint64 // in the memory file

	mu    lock.Mutex[lock.Chunk]
	refs  [chunkPages]uint32 // 0: the page is free
	free  bitmap             // pages nobody uses
	dirty bitmap             // pages the host may hold and whose bytes are anything
	idle  bitmap             // free and dirty when the last reclaim looked
	seen  bitmap             // pages in the sentry's own page table, most likely
	nfree int
	huge  bool // one huge page of the host: every page exists

	pool   *Pool // nil: with the File's empty chunks
	kind   Kind
	owned  bool // an Arena allocates from it
	listed bool // on the pool's list
}

// take marks n free pages from i used by one reference and returns those that have to be
// cleared if zero bytes are wanted. mu is held.
func (c *chunk) take(i, n int) (dirty bitmap) {
	for k := i; k < i+n; k++ {
		c.refs[k] = 1
	}
	dirty.set(i, n)
	for w := range dirty {
		dirty[w] &= c.dirty[w]
	}
	c.free.clear(i, n)
	c.idle.clear(i, n)
	c.dirty.set(i, n)
	c.nfree -= n
	return dirty
}

// grab allocates at most n pages in a row, at page want if it is free, else preferring pages
// that the host already has. got may be as short as least; 0 if there is no such run.
func (c *chunk) grab(n, want, least int) (i, got int, dirty bitmap) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.nfree < least {
		return 0, 0, bitmap{}
	}
	if want >= 0 {
		if got = min(n, c.free.runAt(want)); got >= least {
			return want, got, c.take(want, got)
		}
	}
	var warm bitmap
	for w := range warm {
		warm[w] = c.free[w] & c.dirty[w]
	}
	if i, got = warm.find(n); got < n {
		i, got = c.free.find(n)
	}
	if got < least {
		return 0, 0, bitmap{}
	}
	return i, got, c.take(i, got)
}

// vacant tells whether no page is used. mu is held.
func (c *chunk) vacant() bool { return c.nfree == chunkPages }
