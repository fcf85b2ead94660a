package pages

import (
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/lock"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// leafPages is how many pages one leaf of an Object describes.
const leafPages = 64

// leaf is where 64 pages in a row are in the memory file, in pages; 0 is a hole.
type leaf [leafPages]uint32

// maxObject is the largest offset of an Object (MAX_LFS_FILESIZE rounded down).
const maxObject = 1<<63 - PageSize

// Quota bounds the pages of several Objects together, such as all files of a tmpfs.
type Quota struct {
	Max  atomic.Int64 // in pages; less than 0: no bound
	Used atomic.Int64
}

// charge takes n pages and tells whether they were to be had.
func (q *Quota) charge(n int64) bool {
	if q == nil {
		return true
	}
	if used := q.Used.Add(n); used > q.Max.Load() && q.Max.Load() >= 0 {
		q.Used.Add(-n)
		return false
	}
	return true
}

// uncharge gives n pages back.
func (q *Quota) uncharge(n int64) {
	if q != nil {
		q.Used.Add(-n)
	}
}

// Object is the contents of a sparse file in the memory file: what offsets have which page.
// It knows no size: the file that owns it does, and bounds what it asks for. Methods may be
// called from any goroutine. Reading and writing touch application memory: the caller holds
// no lock that a fault can need (the Object's own is not held meanwhile).
type Object struct {
	file  *File
	pool  *Pool
	kind  Kind
	quota *Quota

	mu     lock.RWMutex[lock.Object]
	first  *leaf // of offset 0: all that most files have
	leaves map[uint64]*leaf
	count  atomic.Int64 // pages present; changed with mu held
}

// NewObject returns an empty Object whose pages count as kind k of p and against q, which may
// be nil.
func NewObject(p *Pool, k Kind, q *Quota) *Object {
	return &Object{file: p.file, pool: p, kind: k, quota: q}
}

// Pages is how many pages are present.
func (o *Object) Pages() int64 { return o.count.Load() }

// slot returns the place of a page, nil if its leaf does not exist and create is false.
func (o *Object) slot(page uint64, create bool) *uint32 {
	i := page / leafPages
	l := o.first
	if i > 0 {
		l = o.leaves[i]
	}
	if l == nil {
		if !create {
			return nil
		}
		l = new(leaf)
		if i == 0 {
			o.first = l
		} else {
			if o.leaves == nil {
				o.leaves = make(map[uint64]*leaf)
			}
			o.leaves[i] = l
		}
	}
	return &l[page%leafPages]
}

// run returns the memory file's offset of a page and how many of the max pages from it on
// lie in a row there (off > 0), or how many are holes (off = 0). mu is held.
func (o *Object) run(page, max uint64) (off, n uint64) {
	var start uint32
	for n < max {
		s := o.slot(page+n, false)
		if s == nil {
			if n > 0 && start != 0 {
				break
			}
			n = min(max, n+leafPages-(page+n)%leafPages)
			continue
		}
		switch {
		case n == 0:
			start = *s
		case start == 0 && *s != 0, start != 0 && *s != start+uint32(n):
			return uint64(start) * PageSize, n
		}
		n++
	}
	return uint64(start) * PageSize, n
}

// Backing returns where the bytes from off are in the memory file, for at most max bytes in a row,
// with a reference for the caller on each page. A hole is filled with zero bytes, at most
// ahead bytes of it. ENOSPC if the quota is used up, ENOMEM if the memory file is.
func (o *Object) Backing(off, max, ahead uint64) (at, n uint64, errno linux.Errno) {
	page := off / PageSize
	max = min(max, ChunkSize)
	o.mu.RLock()
	at, n = o.run(page, max/PageSize)
	if at != 0 {
		o.file.Ref(at, n*PageSize)
		o.mu.RUnlock()
		return at, n * PageSize, 0
	}
	o.mu.RUnlock()
	o.mu.Lock()
	defer o.mu.Unlock()
	if at, n = o.run(page, max/PageSize); at == 0 {
		if at, n, errno = o.fillLocked(page, min(n, ahead/PageSize), true); errno != 0 {
			return 0, 0, errno
		}
	}
	o.file.Ref(at, n*PageSize)
	return at, n * PageSize, 0
}

// after returns the memory file's offset behind the page before a page, 0 if that is a hole. mu is held.
func (o *Object) after(page uint64) uint64 {
	if page == 0 {
		return 0
	}
	if s := o.slot(page-1, false); s != nil && *s != 0 {
		return (uint64(*s) + 1) * PageSize
	}
	return 0
}

// fillLocked puts pages into at most n holes from page on, at least one. mu is held.
func (o *Object) fillLocked(page, n uint64, zero bool) (at, got uint64, errno linux.Errno) {
	n = max(n, 1)
	if !o.quota.charge(int64(n)) {
		if n == 1 || !o.quota.charge(1) {
			return 0, 0, linux.ENOSPC
		}
		n = 1
	}
	at, got, errno = o.pool.Alloc(o.kind, n*PageSize, o.after(page), zero)
	got /= PageSize
	o.quota.uncharge(int64(n - got))
	if errno != 0 {
		return 0, 0, errno
	}
	for i := range got {
		*o.slot(page+i, true) = uint32(at/PageSize + i)
	}
	o.count.Add(int64(got))
	return at, got, 0
}

// direct is how much is copied at most with locks held.
const direct = 64 << 10

// Read moves bytes of [off, size) to b. Holes read as zero bytes.
func (o *Object) Read(b *usermem.Buf, off, size uint64) (int, linux.Errno) {
	done := 0
	for b.Len() > 0 && off < size {
		k, ok := b.Direct(true, int(min(size-off, direct)), func(mem []byte) int { return o.copyOut(mem, off) })
		var errno linux.Errno
		if !ok {
			k, errno = o.readPages(b, off, min(uint64(b.Len()), size-off))
		}
		done += k
		off += uint64(k)
		if errno != 0 {
			return done, errno
		}
	}
	return done, 0
}

// copyOut fills dst with what is at off.
func (o *Object) copyOut(dst []byte, off uint64) int {
	done := 0
	o.mu.RLock()
	for done < len(dst) {
		mem, n := o.at(off+uint64(done), uint64(len(dst)-done))
		if mem == nil {
			clear(dst[done : done+int(n)])
		}
		copy(dst[done:], mem)
		done += int(n)
	}
	o.mu.RUnlock()
	return done
}

// at returns the bytes at off, at most n, as far as they lie together; nil and how many there are of a hole. mu is held.
func (o *Object) at(off, n uint64) ([]byte, uint64) {
	page, skip := off/PageSize, off%PageSize
	at, run := o.run(page, (off+n-1)/PageSize-page+1)
	n = min(n, run*PageSize-skip)
	if at == 0 {
		return nil, n
	}
	return o.file.Bytes(at+skip, n), n
}

// readPages is Read of at most want bytes to memory that a fault must bring: with references on the pages instead of a lock.
func (o *Object) readPages(b *usermem.Buf, off, want uint64) (int, linux.Errno) {
	o.mu.RLock()
	mem, n := o.at(off, want)
	if mem == nil {
		o.mu.RUnlock()
		return b.CopyOut(zeroes[:min(n, uint64(len(zeroes)))])
	}
	at, refs := o.refLocked(off, n)
	o.mu.RUnlock()
	defer o.file.Unref(at, refs)
	return b.CopyOut(mem)
}

// refLocked takes references on the pages of [off, off+n), which lie together, and returns where they are. mu is held.
func (o *Object) refLocked(off, n uint64) (at, size uint64) {
	at = uint64(*o.slot(off/PageSize, false)) * PageSize
	size = (off%PageSize + n + PageSize - 1) / PageSize * PageSize
	o.file.Ref(at, size)
	return at, size
}

// zeroes is what holes read as.
var zeroes [64 << 10]byte

// Write moves all of b to off. It stops early with an errno: EFAULT from b, ENOSPC or ENOMEM.
func (o *Object) Write(b *usermem.Buf, off uint64) (int, linux.Errno) {
	done := 0
	for b.Len() > 0 {
		want := min(uint64(b.Len()), maxObject-off)
		if want == 0 {
			return done, linux.EFBIG
		}
		k, _ := b.Direct(false, int(min(want, direct)), func(mem []byte) int { return o.copyIn(mem, off) })
		var errno linux.Errno
		if k == 0 {
			k, errno = o.writePages(b, off, want)
		}
		done += k
		off += uint64(k)
		if errno != 0 {
			return done, errno
		}
	}
	return done, 0
}

// copyIn moves src to off, up to the first hole.
func (o *Object) copyIn(src []byte, off uint64) int {
	done := 0
	o.mu.RLock()
	for done < len(src) {
		mem, _ := o.at(off+uint64(done), uint64(len(src)-done))
		if mem == nil {
			break
		}
		done += copy(mem, src[done:])
	}
	o.mu.RUnlock()
	return done
}

// writePages is Write of at most want bytes to a hole, or from memory that a fault must bring.
func (o *Object) writePages(b *usermem.Buf, off, want uint64) (int, linux.Errno) {
	o.mu.RLock()
	mem, n := o.at(off, want)
	if mem == nil {
		o.mu.RUnlock()
		return o.writeHole(b, off, want, (off%PageSize+n+PageSize-1)/PageSize)
	}
	at, refs := o.refLocked(off, n)
	o.mu.RUnlock()
	defer o.file.Unref(at, refs)
	return b.CopyIn(mem)
}

// writeHole moves bytes of b to off, where there is a hole of n pages. The new pages are
// filled before anybody can see them, so that what is overwritten need not be cleared.
func (o *Object) writeHole(b *usermem.Buf, off, want, n uint64) (int, linux.Errno) {
	if !o.quota.charge(int64(n)) {
		if n = 1; !o.quota.charge(1) {
			return 0, linux.ENOSPC
		}
	}
	first, skip := off/PageSize, off%PageSize
	o.mu.RLock()
	near := o.after(first)
	at, got, errno := o.pool.Alloc(o.kind, n*PageSize, near, false)
	o.mu.RUnlock()
	o.quota.uncharge(int64(n - got/PageSize))
	if errno != 0 {
		return 0, errno
	}
	mem := o.file.Bytes(at, got)
	k, errno := b.CopyIn(mem[skip:min(got, skip+want)])
	used, _ := usermem.PageUp(skip + uint64(k))
	if k == 0 {
		used = 0
	}
	clear(mem[:min(skip, used)])
	clear(mem[min(used, skip+uint64(k)):used])
	o.mu.Lock()
	for i := range used / PageSize {
		s := o.slot(first+i, true)
		page := at + i*PageSize
		if *s == 0 {
			*s = uint32(page / PageSize)
			o.count.Add(1)
			continue
		}
		// Somebody else filled the hole meanwhile: the bytes written go there.
		lo, hi := uint64(0), uint64(PageSize)
		if i == 0 {
			lo = skip
		}
		hi = min(hi, skip+uint64(k)-i*PageSize)
		copy(o.file.Bytes(uint64(*s)*PageSize+lo, hi-lo), o.file.Bytes(page+lo, hi-lo))
		o.file.Unref(page, PageSize)
		o.quota.uncharge(1)
	}
	o.mu.Unlock()
	if used < got {
		o.file.Unref(at+used, got-used)
		o.quota.uncharge(int64((got - used) / PageSize))
	}
	return k, errno
}

// Allocate fills the holes of [off, off+n) with zero bytes, like fallocate(2).
func (o *Object) Allocate(off, n uint64) linux.Errno {
	page, end := off/PageSize, (off+n+PageSize-1)/PageSize
	for page < end {
		o.mu.Lock()
		at, k := o.run(page, min(end-page, chunkPages))
		var errno linux.Errno
		if at == 0 {
			_, k, errno = o.fillLocked(page, k, true)
		}
		o.mu.Unlock()
		if errno != 0 {
			return errno
		}
		page += k
	}
	return 0
}
