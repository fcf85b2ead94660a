// Package pipe is pipes and fifos (pipe(7), fs/pipe.c).
//
//	pipe.go   the buffer: pages in slots, reading and writing
//	end.go    open ends: pipe2(2), fifos, poll, sizes
//	splice.go what splice(2) and tee(2) need
package pipe

import (
	"sync"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/auth"
	"github.com/seed-7423c386/runsc/sentry/lock"
	"github.com/seed-7423c386/runsc/sentry/usermem"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

const pageSize = 4096

// Buf (PIPE_BUF) is the largest write that goes in whole or not at all.
const Buf = pageSize

// Pipe is the buffer between the two ends. Like Linux's it is made of pages: a write that does not
// fit into what is left of the last page takes a new one, even for one byte.
type Pipe struct {
	queue wait.Queue
	owner auth.UID // whose pages they are counted as

	mu    lock.Mutex[lock.Pipe] // held while application memory is touched: it comes before address spaces
	slots []slot                // full ones, oldest first, from first on
	first int
	max   int // slots there may be

	readers, writers int
	// opens of each end so far, for those who wait for the other.
	readOpens, writeOpens int
}

// slot is a page with n bytes from off on.
type slot struct {
	page   *[pageSize]byte
	off, n int
	packet bool // a read takes it alone, and all of it
}

func (s *slot) bytes() []byte { return s.page[s.off : s.off+s.n] }

var pagePool = sync.Pool{New: func() any { return new([pageSize]byte) }}

// used is how many slots are full. The lock is held.
func (p *Pipe) used() int { return len(p.slots) - p.first }

// push adds a slot behind the others.
func (p *Pipe) push(s slot) {
	if p.first > 0 && len(p.slots) == cap(p.slots) {
		n := copy(p.slots, p.slots[p.first:])
		clear(p.slots[n:])
		p.slots, p.first = p.slots[:n], 0
	}
	p.slots = append(p.slots, s)
}

// pop takes the oldest slot out.
func (p *Pipe) pop() {
	pagePool.Put(p.slots[p.first].page)
	p.slots[p.first] = slot{}
	if p.first++; p.first == len(p.slots) {
		p.slots, p.first = p.slots[:0], 0
	}
}

// length is how many bytes are in the pipe.
func (p *Pipe) length() (n int) {
	for i := range p.slots[p.first:] {
		n += p.slots[p.first+i].n
	}
	return n
}

// read moves what there is to dst (pipe_read). A page that cannot be taken whole stays.
func (p *Pipe) read(dst *usermem.Buf) (int, linux.Errno) {
	if dst.Len() == 0 {
		return 0, 0
	}
	p.mu.Lock()
	done, full := 0, p.used() == p.max
	for p.used() > 0 && dst.Len() > 0 {
		s := &p.slots[p.first]
		n, packet := min(s.n, dst.Len()), s.packet
		if _, errno := dst.CopyOut(s.bytes()[:n]); errno != 0 {
			if done == 0 {
				p.mu.Unlock()
				return 0, errno
			}
			break
		}
		done += n
		s.off, s.n = s.off+n, s.n-n
		if s.n == 0 || packet {
			p.pop()
		}
		if packet {
			break
		}
	}
	eof, room := p.writers == 0, full && p.used() < p.max
	p.mu.Unlock()
	switch {
	case room:
		p.queue.Notify(wait.Out)
	case done == 0 && !eof:
		return 0, linux.EAGAIN
	}
	return done, 0
}

// write moves src into the pipe as far as there is room (pipe_write): EAGAIN if there is none,
// EPIPE, maybe with a count, if nobody reads.
func (p *Pipe) write(src *usermem.Buf, packet bool) (done int, errno linux.Errno) {
	if src.Len() == 0 {
		return 0, 0
	}
	p.mu.Lock()
	if p.readers == 0 {
		p.mu.Unlock()
		return 0, linux.EPIPE
	}
	done, errno = p.merge(src)
	for errno == 0 && src.Len() > 0 {
		if p.used() >= p.max {
			errno = linux.EAGAIN
			break
		}
		s := slot{page: pagePool.Get().(*[pageSize]byte), packet: packet}
		s.n, errno = src.CopyIn(s.page[:min(src.Len(), pageSize)])
		if errno != 0 {
			pagePool.Put(s.page)
			break
		}
		p.push(s)
		done += s.n
	}
	p.mu.Unlock()
	if done > 0 {
		p.queue.Notify(wait.In)
		return done, 0
	}
	return 0, errno
}

// merge adds the odd bytes of src, those beyond whole pages, to the last page if they fit there.
func (p *Pipe) merge(src *usermem.Buf) (int, linux.Errno) {
	odd := src.Len() % pageSize
	if odd == 0 || p.used() == 0 {
		return 0, 0
	}
	s := &p.slots[len(p.slots)-1]
	end := s.off + s.n
	if s.packet || end+odd > pageSize {
		return 0, 0
	}
	n, errno := src.CopyIn(s.page[end : end+odd])
	if errno != 0 {
		return 0, errno
	}
	s.n += n
	return n, 0
}

// A user without CAP_SYS_RESOURCE or CAP_SYS_ADMIN whose pipes may hold more than softPages pages
// gets small ones (/proc/sys/fs/pipe-user-pages-soft).
const (
	defaultSlots = 16
	smallSlots   = 2
	softPages    = 16384
	maxSize      = 1 << 20 // /proc/sys/fs/pipe-max-size
)

var users struct {
	sync.Mutex
	pages map[auth.UID]int
}

// account counts n pages more of a user, if limit, given that it stays below softPages.
func account(owner auth.UID, n int, limit bool) bool {
	users.Lock()
	defer users.Unlock()
	if users.pages == nil {
		users.pages = map[auth.UID]int{}
	}
	have := users.pages[owner] + n
	if limit && n > 0 && have > softPages {
		return false
	}
	if users.pages[owner] = have; have == 0 {
		delete(users.pages, owner)
	}
	return true
}

// limited tells whether the bounds of users hold for the caller (pipe_is_unprivileged_user).
func limited(c *auth.Cred) bool {
	return !c.Has(linux.CAP_SYS_RESOURCE) && !c.Has(linux.CAP_SYS_ADMIN)
}

// newPipe returns an empty pipe without ends.
func newPipe(ctx vfs.Ctx) *Pipe {
	c := ctx.Cred()
	p := &Pipe{owner: c.Ruid, max: defaultSlots}
	if !account(p.owner, defaultSlots, limited(c)) {
		p.max = smallSlots
		account(p.owner, smallSlots, false)
	}
	return p
}

// resize is F_SETPIPE_SZ (pipe_set_size).
func (p *Pipe) resize(ctx vfs.Ctx, n uint32) (int, linux.Errno) {
	if n > 1<<31 {
		return 0, linux.EINVAL
	}
	size := uint64(pageSize)
	for size < uint64(n) {
		size *= 2
	}
	slots := int(size / pageSize)
	p.mu.Lock()
	defer p.mu.Unlock()
	c := ctx.Cred()
	if slots > p.max && size > maxSize && !c.Has(linux.CAP_SYS_RESOURCE) {
		return 0, linux.EPERM
	}
	if slots < p.used() {
		return 0, linux.EBUSY
	}
	if !account(p.owner, slots-p.max, limited(c)) {
		return 0, linux.EPERM
	}
	grown := slots > p.max
	p.max = slots
	if grown {
		p.queue.Notify(wait.Out)
	}
	return int(size), 0
}
