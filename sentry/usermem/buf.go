package usermem

import (
	"sync"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// MaxRW is the most bytes that one read or write moves (MAX_RW_COUNT, include/linux/fs.h).
const MaxRW = 0x7ffff000

// MaxIovec is the most pieces one call may have (UIO_MAXIOV).
const MaxIovec = 1024

// Buf is the memory of one read or write. Every operation consumes from the front. It is
// handed around by pointer and used by one goroutine; copying the struct gives an independent
// position in the same memory.
type Buf struct {
	space *Space  // nil: cur and rest are not used, kernel holds the bytes
	cur   Range   // what is left of the first piece
	rest  []Range // the pieces after it; never written through
	bytes []byte  // kernel memory
	left  int     // bytes left in all
}

// NewBuf returns a Buf over n bytes of application memory at addr; no more than MaxRW count.
func NewBuf(s *Space, addr Addr, n uint64) (b Buf) {
	b.Set(s, addr, n)
	return b
}

// Set makes b what NewBuf returns.
func (b *Buf) Set(s *Space, addr Addr, n uint64) {
	n = min(n, MaxRW)
	r, ok := NewRange(addr, n)
	if !ok { // the part beyond the top faults like any other bad address
		r.End = ^Addr(0)
	}
	b.space, b.cur, b.rest, b.bytes, b.left = s, r, nil, nil, int(n)
}

// NewVec returns a Buf over several ranges of application memory, in order; no more than
// MaxRW bytes count. It keeps rs, which must not change meanwhile.
func NewVec(s *Space, rs []Range) Buf {
	b := Buf{space: s}
	for _, r := range rs {
		b.left += int(min(r.Len(), uint64(MaxRW-b.left)))
	}
	if len(rs) > 0 {
		b.cur, b.rest = rs[0], rs[1:]
	}
	return b
}

// Bytes returns a Buf over memory of the kernel.
func Bytes(p []byte) Buf { return Buf{bytes: p, left: len(p)} }

// CopyInVec returns a Buf over the count struct iovec at addr. EINVAL if there are more than
// MaxIovec or a length is negative, as readv(2) says.
func (s *Space) CopyInVec(addr Addr, count int) (Buf, linux.Errno) {
	if count < 0 || count > MaxIovec {
		return Buf{}, linux.EINVAL
	}
	if count == 1 {
		var raw [2]uint64
		if errno := CopyInIntsTo(s, addr, raw[:]); errno != 0 {
			return Buf{}, errno
		}
		if int64(raw[1]) < 0 {
			return Buf{}, linux.EINVAL
		}
		return NewBuf(s, Addr(raw[0]), raw[1]), 0
	}
	rs, errno := s.CopyInRanges(addr, count)
	if errno != 0 {
		return Buf{}, errno
	}
	return NewVec(s, rs), 0
}

// CopyInRanges returns the count struct iovec at addr as ranges, checked like CopyInVec
// (process_vm_readv(2) and the like need them as addresses of another Space).
func (s *Space) CopyInRanges(addr Addr, count int) ([]Range, linux.Errno) {
	if count < 0 || count > MaxIovec {
		return nil, linux.EINVAL
	}
	raw := make([]uint64, 2*count)
	if errno := CopyInIntsTo(s, addr, raw); errno != 0 {
		return nil, errno
	}
	rs := make([]Range, count)
	for i := range rs {
		if int64(raw[2*i+1]) < 0 {
			return nil, linux.EINVAL
		}
		r, ok := NewRange(Addr(raw[2*i]), min(raw[2*i+1], MaxRW))
		if !ok {
			return nil, linux.EFAULT
		}
		rs[i] = r
	}
	return rs, 0
}

// CopyInIntsTo fills v with the integers at addr.
func CopyInIntsTo[T Int](s *Space, addr Addr, v []T) linux.Errno {
	_, errno := s.CopyIn(addr, bytesOfInts(v))
	return errno
}

// Len is the number of bytes left.
func (b *Buf) Len() int { return b.left }

// Piece is the number of bytes left of the first piece that is not empty: what a write of a file that
// looks at each struct iovec by itself gets.
func (b *Buf) Piece() int {
	if b.left == 0 {
		return 0
	}
	return b.next(b.left)
}

// Limit lets b end after n bytes more, if it would not end sooner.
func (b *Buf) Limit(n int) { b.left = max(0, min(b.left, n)) }

// CopyOut moves bytes of p to b, as many as fit, and consumes them: what a file's read does.
// errno is not 0 if fewer than fit could be moved.
func (b *Buf) CopyOut(p []byte) (int, linux.Errno) {
	p = p[:min(len(p), b.left)]
	done := 0
	for done < len(p) {
		step, n, errno := b.next(len(p)-done), 0, linux.Errno(0)
		if b.space == nil {
			n = copy(b.bytes, p[done:done+step])
		} else {
			n, errno = b.space.CopyOut(b.cur.Start, p[done:done+step])
		}
		b.advance(n)
		done += n
		if errno != 0 {
			return done, errno
		}
	}
	return done, 0
}

// CopyIn moves bytes of b to p, as many as there are, and consumes them: what a file's write
// does. errno is not 0 if fewer than that could be moved.
func (b *Buf) CopyIn(p []byte) (int, linux.Errno) {
	p = p[:min(len(p), b.left)]
	done := 0
	for done < len(p) {
		step, n, errno := b.next(len(p)-done), 0, linux.Errno(0)
		if b.space == nil {
			n = copy(p[done:done+step], b.bytes)
		} else {
			n, errno = b.space.CopyIn(b.cur.Start, p[done:done+step])
		}
		b.advance(n)
		done += n
		if errno != 0 {
			return done, errno
		}
	}
	return done, 0
}

// next drops empty pieces from the front and returns how much of the first one to use for n
// bytes. n > 0 and b is not at its end.
func (b *Buf) next(n int) int {
	if b.space == nil {
		return min(n, len(b.bytes), b.left)
	}
	for b.cur.Empty() && len(b.rest) > 0 {
		b.cur, b.rest = b.rest[0], b.rest[1:]
	}
	n = min(n, b.left)
	if l := b.cur.Len(); uint64(n) > l && l > 0 {
		n = int(l)
	}
	return n
}

// advance consumes n bytes, which may span pieces.
func (b *Buf) advance(n int) {
	b.left -= n
	if b.space == nil {
		b.bytes = b.bytes[n:]
		return
	}
	for n > 0 {
		step := min(uint64(n), b.cur.Len())
		b.cur.Start += Addr(step)
		n -= int(step)
		if n > 0 {
			b.cur, b.rest = b.rest[0], b.rest[1:]
		}
	}
}

// Direct calls fn with the first bytes of b, as many as lie together, at most max, and consumes as many as it returns. The
// address space is locked meanwhile: fn copies, and takes no locks but those that a fault may. It is not called, and ok
// false, if the first byte is absent, or of a host file that can be truncated: then CopyIn and CopyOut get further.
func (b *Buf) Direct(write bool, max int, fn func(mem []byte) int) (n int, ok bool) {
	max = b.next(min(max, b.left))
	if b.space == nil {
		n = fn(b.bytes[:max])
		b.advance(n)
		return n, true
	}
	b.space.pager.RLock()
	p, ok := b.space.pager.Peek(b.cur.Start, max, write)
	if ok = ok && p.Window == nil; ok {
		n = fn(p.Bytes)
		b.advance(n)
	}
	b.space.pager.RUnlock()
	p.put()
	return n, ok
}

// maxPieces is how many pieces of the kernel's memory one Pieces call gathers. Linux's own
// calls take 1024; more than these simply count as a short read or write of a host file.
const maxPieces = 128

// gathered is room for Pieces, pooled so that a host read allocates nothing.
type gathered struct {
	bytes   [maxPieces][]byte
	used    int
	windows []*Window
}

var gatheredPool = sync.Pool{New: func() any { return new(gathered) }}

// Pieces calls fn once with memory of b from its front, as much as could be had at once (all of it, as
// a rule), and consumes as many bytes as fn returns. With write true fn may write to the
// memory (a file's read), else only read. The address space is locked meanwhile: fn makes a
// host call that does not block, and nothing else. EFAULT if not even the first byte can be
// accessed. fn is not called for an empty b.
func (b *Buf) Pieces(write bool, fn func(pieces [][]byte) (int, linux.Errno)) (int, linux.Errno) {
	if b.left == 0 {
		return 0, 0
	}
	g := gatheredPool.Get().(*gathered)
	defer g.release()
	if b.space == nil {
		g.bytes[0], g.used = b.bytes[:b.left], 1
		n, errno := fn(g.bytes[:1])
		b.advance(n)
		return n, errno
	}
	// Each round gets further or ends: memory that is there stays there, as a rule.
	for range maxRefault {
		b.space.pager.RLock()
		count, addr, missing := b.gather(g, write)
		if missing > 0 {
			b.space.pager.RUnlock()
			g.drop()
			errno := b.space.pager.Fault(addr, missing, write)
			if errno == 0 {
				continue
			}
			if count == 0 {
				return 0, errno
			}
			// What lies before the hole is used without it.
			b.space.pager.RLock()
			if count, _, _ = b.gather(g, write); count == 0 {
				b.space.pager.RUnlock()
				continue
			}
		}
		defer b.space.pager.RUnlock()
		n, errno := fn(g.bytes[:count])
		b.advance(n)
		return n, errno
	}
	return 0, linux.EFAULT
}

// gather fills g with what of b is present. missing is how many bytes at addr are not, 0 if
// everything (or as much as g holds) is there. The pager is locked.
func (b *Buf) gather(g *gathered, write bool) (count int, addr Addr, missing int) {
	c := *b
	for c.left > 0 && count < maxPieces {
		n := c.next(c.left)
		p, ok := c.space.pager.Peek(c.cur.Start, n, write)
		if !ok {
			return count, c.cur.Start, n
		}
		if p.Window != nil {
			g.windows = append(g.windows, p.Window)
		}
		g.bytes[count] = p.Bytes
		count++
		g.used = max(g.used, count)
		c.advance(len(p.Bytes))
	}
	return count, 0, 0
}

// drop ends the use of the windows in g.
func (g *gathered) drop() {
	for _, w := range g.windows {
		w.Put()
	}
	g.windows = g.windows[:0]
}

// release returns g to its pool.
func (g *gathered) release() {
	g.drop()
	clear(g.bytes[:g.used])
	g.used = 0
	gatheredPool.Put(g)
}
