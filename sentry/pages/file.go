package pages

import (
	"slices"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/lock"
)

// Size limits of the memory file.
const (
	DefaultSize = 256 << 30
	maxSize     = 16 << 40
	blockChunks = 256 // chunks whose descriptions lie in one block

	// noHugeAfterFailure is how many chunks do without a huge page after the host had none.
	noHugeAfterFailure = 64
	// populateMin is the shortest run of pages for which one call of the host is cheaper than
	// a fault for each.
	populateMin = 4
)

// block is the descriptions of 512 MiB.
type block [blockChunks]atomic.Pointer[chunk]

// File is the memory file. All methods may be called from any goroutine.
type File struct {
	fd   int
	size uint64
	mem  mapping
	// blocks are made when the first of their chunks is handed out.
	blocks []atomic.Pointer[block]

	mu    lock.Mutex[lock.File]
	next  uint64   // offset of the first chunk that was never handed out
	empty []*chunk // chunks of which nothing is used

	// noHuge counts the chunks to be made without asking for huge pages, after a failure.
	noHuge  atomic.Int32
	reclaim reclaimer
}

// NewFile returns the allocator of the memory file fd, which has been made at least size
// bytes long (it is sparse) and is used by nobody else. size is a multiple of ChunkSize.
func NewFile(fd int, size uint64) (*File, linux.Errno) {
	if size < 2*ChunkSize || size > maxSize || size%ChunkSize != 0 {
		return nil, linux.EINVAL
	}
	mem, errno := mapMemoryFile(fd, size)
	if errno != 0 {
		return nil, errno
	}
	n := (size/ChunkSize + blockChunks - 1) / blockChunks
	return &File{fd: fd, size: size, mem: mem, blocks: make([]atomic.Pointer[block], n)}, 0
}

// Close ends the use of the file. Nothing of it is in use.
func (f *File) Close() {
	f.reclaim.stop()
	f.mem.unmap()
}

// FD is the host descriptor.
func (f *File) FD() int { return f.fd }

// Bytes is the kernel's view of n bytes at off. The caller holds references to the pages.
func (f *File) Bytes(off, n uint64) []byte { return f.mem.bytes(off, n) }

// Resident sets dst[i] to 0 if the host has no memory for the i-th page of [off, off+n): it
// was never touched and is zero. If the host does not say, all count as there.
func (f *File) Resident(off, n uint64, dst []byte) {
	dst = dst[:n/PageSize]
	if len(dst) > 0 && f.mem.resident(off, dst) == 0 {
		return
	}
	for i := range dst {
		dst[i] = 1
	}
}

// chunk returns the chunk of an offset that was handed out.
func (f *File) chunk(off uint64) *chunk {
	i := off / ChunkSize
	return f.blocks[i/blockChunks].Load()[i%blockChunks].Load()
}

// newChunks returns at most n empty chunks that lie in a row, ENOMEM if the file is full.
func (f *File) newChunks(n int) ([]*chunk, linux.Errno) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.empty) > 0 {
		return f.takeEmptyLocked(n), 0
	}
	var row []*chunk
	for ; n > 0 && f.next < f.size; n-- {
		row = append(row, f.extendLocked())
	}
	if row == nil {
		return nil, linux.ENOMEM
	}
	return row, 0
}

// takeEmptyLocked takes the chunks that became empty last, as far as they lie in a row.
func (f *File) takeEmptyLocked(n int) []*chunk {
	last := len(f.empty) - 1
	first := last
	step := int64(0) // up or down
	for first > 0 && last-first+1 < n {
		d := int64(f.empty[first-1].off) - int64(f.empty[first].off)
		if d != ChunkSize && d != -ChunkSize || step != 0 && d != step {
			break
		}
		step = d
		first--
	}
	row := slices.Clone(f.empty[first:])
	f.empty = f.empty[:first]
	if row[0].off > row[len(row)-1].off {
		slices.Reverse(row)
	}
	return row
}

// extendLocked makes the first chunk that was never handed out.
func (f *File) extendLocked() *chunk {
	c := &chunk{off: f.next, nfree: chunkPages}
	c.free.set(0, chunkPages)
	if c.off == 0 { // offset 0 is never handed out, so that it can mean none
		c.take(0, 1)
	}
	i := c.off / ChunkSize
	b := f.blocks[i/blockChunks].Load()
	if b == nil {
		b = new(block)
		f.blocks[i/blockChunks].Store(b)
	}
	b[i%blockChunks].Store(c)
	f.next += ChunkSize
	return c
}

// eachPiece calls fn for the part of [off, off+n) in each chunk, as pages, with the chunk locked.
func (f *File) eachPiece(off, n uint64, fn func(c *chunk, i, n int)) {
	for n > 0 {
		c := f.chunk(off)
		i := int(off % ChunkSize / PageSize)
		step := min(n, ChunkSize-off%ChunkSize)
		c.mu.Lock()
		fn(c, i, int(step/PageSize))
		c.mu.Unlock()
		off, n = off+step, n-step
	}
}

// Ref adds a reference to each page of [off, off+n).
func (f *File) Ref(off, n uint64) {
	f.eachPiece(off, n, func(c *chunk, i, n int) {
		refs := c.refs[i : i+n]
		for k := range refs {
			if refs[k] == 0 {
				panic("pages: reference to a free page")
			}
			refs[k]++
		}
	})
}

// Sole returns how many bytes from off on, at most n, lie in pages with one reference only.
func (f *File) Sole(off, n uint64) uint64 {
	var sole uint64
	done := false
	f.eachPiece(off, n, func(c *chunk, i, n int) {
		for k := i; k < i+n && !done; k++ {
			if c.refs[k] != 1 {
				done = true
				return
			}
			sole += PageSize
		}
	})
	return sole
}

// Unref drops a reference to each page of [off, off+n); pages without one are free.
func (f *File) Unref(off, n uint64) {
	for n > 0 {
		step := min(n, ChunkSize-off%ChunkSize)
		f.unrefIn(f.chunk(off), int(off%ChunkSize/PageSize), int(step/PageSize))
		off, n = off+step, n-step
	}
}

// unrefIn drops references to n pages of c from i on.
func (f *File) unrefIn(c *chunk, i, n int) {
	freed := 0
	c.mu.Lock()
	for k := i; k < i+n; {
		run := 0
		for k+run < i+n && c.refs[k+run] == 1 {
			c.refs[k+run] = 0
			run++
		}
		if run > 0 {
			c.free.set(k, run)
			c.nfree += run
			freed += run
			k += run
			continue
		}
		if c.refs[k] == 0 {
			c.mu.Unlock()
			panic("pages: free of a free page")
		}
		c.refs[k]--
		k++
	}
	if freed > 0 {
		c.pool.used[c.kind].Add(-int64(freed))
		c.settleLocked()
	}
	c.mu.Unlock()
	if freed > 0 {
		f.reclaim.freed(f, freed)
	}
}

// settleLocked puts a chunk with room that no arena owns where the next one finds it. c.mu
// is held.
func (c *chunk) settleLocked() {
	if c.owned || c.listed || c.nfree == 0 {
		return
	}
	c.listed = true
	c.pool.list(c)
}

// makeHuge asks the host for chunks in a row that nobody uses as huge pages, in one call, of which
// most of the cost does not depend on how many they are. It need not succeed.
func (f *File) makeHuge(row []*chunk) {
	if row[0].off == 0 {
		row = row[1:]
	}
	if len(row) == 0 || f.noHuge.Load() > 0 && f.noHuge.Add(-int32(len(row))) > 0 {
		return
	}
	if f.mem.collapse(row[0].off, len(row)) != 0 {
		f.noHuge.Store(noHugeAfterFailure)
		return
	}
	for _, c := range row {
		c.mu.Lock()
		c.huge = true
		c.seen.set(0, chunkPages)
		c.mu.Unlock()
	}
}

// clear zeroes the pages of c that are set in dirty. They were just allocated.
func (f *File) clear(c *chunk, dirty bitmap) {
	for i, n := dirty.next(0); n > 0; i, n = dirty.next(i + n) {
		off := c.off + uint64(i)*PageSize
		c.mu.Lock()
		seen := c.seen.runAt(i) >= n
		c.seen.set(i, n)
		c.mu.Unlock()
		if n >= populateMin && !seen {
			f.mem.populate(off, uint64(n)*PageSize)
		}
		clear(f.mem.bytes(off, uint64(n)*PageSize))
	}
}
