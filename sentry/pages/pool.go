package pages

import (
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/lock"
)

// Kind says what pages are used for, for the accounts.
type Kind uint8

const (
	Anon  Kind = iota // private memory
	Shmem             // tmpfs, memfd, shared anonymous memory, System V segments
	Cache             // contents of files that have another place
	Kinds
)

// hugeAfter is how many bytes an arena has allocated when it begins to ask the host for its
// chunks as huge pages: then the at most 2 MiB wasted in the last are little.
const hugeAfter = 8 << 20

// rowChunks is how many new chunks an arena takes at once at most, and no more than rowShare of what is
// allocated: making them huge costs a wait for every processor of the host, however many they are.
const (
	rowChunks = 16
	rowShare  = 1. / 8
)

// Pool is the memory of one container. Arenas are made from it.
type Pool struct {
	file *File
	used [Kinds]atomic.Int64 // in pages

	shared [Kinds]struct { // for Objects
		lock.Mutex[lock.Arena]
		arena Arena
	}

	mu      lock.Mutex[lock.Pool]
	partial [Kinds][]*chunk // chunks with room that no arena owns
}

// NewPool returns an empty pool.
func (f *File) NewPool() *Pool {
	p := &Pool{file: f}
	for k := range Kinds {
		p.shared[k].arena = p.NewArena(k)
	}
	return p
}

// Close gives back what the pool holds beyond what is allocated.
func (p *Pool) Close() {
	for k := range Kinds {
		p.shared[k].Lock()
		p.shared[k].arena.Close()
		p.shared[k].Unlock()
	}
}

// Alloc is Arena.Alloc with an arena that all callers share.
func (p *Pool) Alloc(k Kind, n, near uint64, zero bool) (off, got uint64, errno linux.Errno) {
	p.shared[k].Lock()
	defer p.shared[k].Unlock()
	return p.shared[k].arena.Alloc(n, near, zero)
}

// File is the memory file of the pool.
func (p *Pool) File() *File { return p.file }

// Used is how many bytes are allocated for a kind.
func (p *Pool) Used(k Kind) uint64 { return uint64(p.used[k].Load()) * PageSize }

// Total is how many bytes are allocated.
func (p *Pool) Total() uint64 {
	var n uint64
	for k := range Kinds {
		n += p.Used(k)
	}
	return n
}

// list adds a chunk with room. c.mu is held and c.listed set.
func (p *Pool) list(c *chunk) {
	p.mu.Lock()
	p.partial[c.kind] = append(p.partial[c.kind], c)
	p.mu.Unlock()
}

// unlist takes the chunk with room that was listed last, nil if there is none. The caller's
// arena owns it.
func (p *Pool) unlist(k Kind) *chunk {
	for {
		p.mu.Lock()
		l := p.partial[k]
		if len(l) == 0 {
			p.mu.Unlock()
			return nil
		}
		c := l[len(l)-1]
		p.partial[k] = l[:len(l)-1]
		p.mu.Unlock()

		c.mu.Lock()
		c.listed = false
		if c.nfree > 0 {
			c.owned = true
			c.mu.Unlock()
			return c
		}
		c.mu.Unlock()
	}
}

// scanVacant is how many listed chunks unlistVacant looks at.
const scanVacant = 16

// unlistVacant takes a chunk of which nothing is used, nil if there is none at hand.
func (p *Pool) unlistVacant(k Kind) *chunk {
	p.mu.Lock()
	l := p.partial[k]
	recent := append([]*chunk(nil), l[max(0, len(l)-scanVacant):]...)
	p.mu.Unlock()
	for _, c := range recent {
		c.mu.Lock()
		if c.listed && !c.owned && c.pool == p && c.vacant() && p.remove(c) {
			c.owned, c.listed = true, false
			c.mu.Unlock()
			return c
		}
		c.mu.Unlock()
	}
	return nil
}

// remove takes c from the list and tells whether it was there. c.mu is held.
func (p *Pool) remove(c *chunk) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.partial[c.kind]
	for i := len(l) - 1; i >= 0; i-- {
		if l[i] == c {
			p.partial[c.kind] = append(l[:i], l[i+1:]...)
			return true
		}
	}
	return false
}

// Arena allocates for one address space or file. It has no lock: its owner's serves.
type Arena struct {
	pool  *Pool
	kind  Kind
	cur   *chunk
	ahead []*chunk // new ones, to be current next
	taken uint64   // bytes allocated ever
	warm  bool     // the host had all pages of the last allocation
}

// NewArena returns an arena that allocates pages of a kind.
func (p *Pool) NewArena(k Kind) Arena { return Arena{pool: p, kind: k} }

// Pool is the pool that the arena allocates from.
func (a *Arena) Pool() *Pool { return a.pool }

// Close gives back what the arena holds beyond what it has allocated.
func (a *Arena) Close() {
	a.drop(a.cur)
	for _, c := range a.ahead {
		a.drop(c)
	}
	a.cur, a.ahead = nil, nil
}

// drop lets go of a chunk.
func (a *Arena) drop(c *chunk) {
	if c == nil {
		return
	}
	c.mu.Lock()
	c.owned = false
	c.settleLocked()
	c.mu.Unlock()
}

// Warm tells whether the host already had all pages of the last allocation.
func (a *Arena) Warm() bool { return a.warm }

// adopt makes another chunk with room the current one, a vacant one if asked.
func (a *Arena) adopt(vacant, fresh bool) linux.Errno {
	old := a.cur
	switch {
	case fresh:
		a.cur = nil
	case vacant:
		a.cur = a.pool.unlistVacant(a.kind)
	default:
		a.cur = a.pool.unlist(a.kind)
	}
	a.drop(old)
	if a.cur != nil {
		return 0
	}
	return a.extend(vacant)
}

// extend makes a new chunk the current one.
func (a *Arena) extend(huge bool) linux.Errno {
	if len(a.ahead) == 0 {
		have := float64(min(a.taken, a.pool.Used(a.kind)))
		n := min(max(1, int(have*rowShare/ChunkSize)), rowChunks)
		f := a.pool.file
		row, errno := f.newChunks(n)
		if errno != 0 {
			return errno
		}
		if huge || a.taken >= hugeAfter {
			f.makeHuge(row)
		}
		for _, c := range row {
			c.mu.Lock()
			c.pool, c.kind, c.owned = a.pool, a.kind, true
			c.mu.Unlock()
		}
		a.ahead = row
	}
	a.cur, a.ahead = a.ahead[0], a.ahead[1:]
	return 0
}

// Alloc allocates at most n bytes (a multiple of the page size, up to ChunkSize) in a row
// with one reference a page, and returns where and how many. If it can it takes them at
// offset near, so that they continue what is there (0: anywhere). With zero true they are
// zero bytes, else anything: the caller overwrites them before anybody sees them. ENOMEM if the memory
// file is full.
func (a *Arena) Alloc(n uint64, near uint64, zero bool) (off, got uint64, errno linux.Errno) {
	want := int(min(n, ChunkSize) / PageSize)
	if want == chunkPages && (a.cur == nil || !a.cur.vacant()) {
		if errno := a.adopt(true, false); errno != 0 {
			return 0, 0, errno
		}
	}
	for tries := 0; ; tries++ {
		if c := a.cur; c != nil {
			at := -1
			if near != 0 && near-near%ChunkSize == c.off {
				at = int(near % ChunkSize / PageSize)
			}
			// The more chunks were looked at, the shorter a run will do.
			least := min(want, 1+want/4*max(0, 3-tries))
			if i, k, dirty := c.grab(want, at, least); k > 0 {
				a.pool.used[a.kind].Add(int64(k))
				a.taken += uint64(k) * PageSize
				a.warm = c.huge || dirty.count() == k
				if zero {
					a.pool.file.clear(c, dirty)
				}
				return c.off + uint64(i)*PageSize, uint64(k) * PageSize, 0
			}
		}
		if errno := a.adopt(false, tries >= 3); errno != 0 {
			return 0, 0, errno
		}
	}
}
