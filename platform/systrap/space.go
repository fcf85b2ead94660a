package systrap

import (
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/handoff"
)

// space is an address space: a stub process, made when it is first needed. It implements
// platform.AddressSpace.
type space struct {
	p *Platform

	mu       sync.Mutex
	proc     *process // nil: there is none yet
	released bool

	filling atomic.Bool // see Filling
}

// process returns the stub process, made if there is none.
func (s *space) process() (*process, linux.Errno) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc != nil {
		return s.proc, 0
	}
	if s.released {
		return nil, linux.ESRCH
	}
	var errno linux.Errno
	s.proc, errno = s.p.empty()
	return s.proc, errno
}

// existing returns the stub process, nil if there is none.
func (s *space) existing() *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proc
}

// outside tells whether any of the range is not the application's.
func outside(addr, length uint64) bool {
	return addr < minAddr || addr > maxAddr || length > maxAddr-addr
}

// Map implements platform.AddressSpace.
func (s *space) Map(addr, length uint64, fd int, off uint64, prot platform.Prot, populate bool) linux.Errno {
	if outside(addr, length) {
		return linux.EINVAL
	}
	proc, errno := s.process()
	if errno != 0 {
		return errno
	}
	proc.patches.mu.Lock()
	defer proc.patches.mu.Unlock()
	c := mapCall(addr, length, fd, off, prot, populate)
	text, over := s.textCalls(proc, c, prot)
	if !text {
		return proc.mapping(c)
	}
	errno = proc.mapping(c, over...)
	if errno == 0 || len(over) == 0 {
		return errno
	}
	// Without the copies then.
	proc.mapped(addr, addr+length, true)
	if _, errno := proc.order(false, proc.setCalls()...); errno != 0 {
		proc.kill()
		return errno
	}
	return proc.mapping(c)
}

// MapSoon implements platform.Foreseer.
func (s *space) MapSoon(addr, length uint64, fd int, off uint64, prot platform.Prot, populate bool) linux.Errno {
	if outside(addr, length) {
		return linux.EINVAL
	}
	proc, errno := s.process()
	if errno != 0 {
		return errno
	}
	proc.patches.mu.Lock()
	defer proc.patches.mu.Unlock()
	c := mapCall(addr, length, fd, off, prot, populate)
	_, over := s.textCalls(proc, c, prot)
	return proc.mappingSoon(c, over...)
}

// mapCall is the host call that maps.
func mapCall(addr, length uint64, fd int, off uint64, prot platform.Prot, populate bool) call {
	flags := uint64(unix.MAP_SHARED | unix.MAP_FIXED)
	if populate {
		flags |= unix.MAP_POPULATE
	}
	return call{unix.SYS_MMAP, addr, length, uint64(prot), flags, uint64(fd), off}
}

// without returns the parts of c, a call of MapSoon, outside [start, end), and how much it has inside.
func (c call) without(start, end uint64) (parts []call, inside uint64) {
	from, to := max(c[1], start), min(c[1]+c[2], end)
	if from >= to {
		return []call{c}, 0
	}
	if c[1] < from {
		l := c
		l[2] = from - c[1]
		parts = append(parts, l)
	}
	if to < c[1]+c[2] {
		r := c
		r[1], r[2], r[6] = to, c[1]+c[2]-to, c[6]+to-c[1]
		parts = append(parts, r)
	}
	return parts, to - from
}

// covers tells whether c maps what d does.
func (c call) covers(d call) bool {
	return c[0] == unix.SYS_MMAP && d[0] == unix.SYS_MMAP && c[1] <= d[1] && d[1]-c[1] < c[2] && d[2] <= c[2]-(d[1]-c[1]) &&
		c[3] == d[3] && c[5] == d[5] && d[6] == c[6]+d[1]-c[1]
}

// goesOn tells whether d maps what is behind c, in memory and in the file.
func (c call) goesOn(d call) bool {
	return c[0] == unix.SYS_MMAP && d[0] == unix.SYS_MMAP && d[1] == c[1]+c[2] && d[3] == c[3] && d[4] == c[4] && d[5] == c[5] && d[6] == c[6]+c[2]
}

// Protect implements platform.AddressSpace.
func (s *space) Protect(addr, length uint64, prot platform.Prot) linux.Errno {
	if outside(addr, length) {
		return linux.EINVAL
	}
	proc, errno := s.process()
	if errno != 0 {
		return errno
	}
	proc.patches.mu.Lock()
	defer proc.patches.mu.Unlock()
	if proc.patched(addr, addr+length) {
		return cannotProtect
	}
	proc.mapped(addr, addr+length, false)
	return proc.mapping(call{unix.SYS_MPROTECT, addr, length, uint64(prot)})
}

// Unmap implements platform.AddressSpace.
func (s *space) Unmap(addr, length uint64) {
	proc := s.existing()
	if proc == nil || outside(addr, length) {
		return
	}
	proc.patches.mu.Lock()
	proc.mapped(addr, addr+length, false)
	errno := proc.unmapping(addr, length)
	proc.patches.mu.Unlock()
	if errno != 0 {
		proc.end("munmap failed")
	}
}

// Filling implements platform.Batcher: programs ask the processor what it is when they start, and forked children
// do not.
func (s *space) Filling() { s.filling.Store(true) }

// textCalls notes what c, a call of Map, maps now, tells whether that may be patched, and returns the calls that put copies
// over parts of it. patches.mu is held.
func (s *space) textCalls(proc *process, c call, prot platform.Prot) (text bool, over []call) {
	addr, length, fd, off := c[1], c[2], int(c[5]), c[6]
	now := textRange{start: addr, end: addr + length, shift: off - addr}
	if text = s.p.isText(fd, prot); text && !(s.filling.Load() && proc.unused()) {
		now.file = s.p.textFile(fd)
	}
	proc.mappedText(now, text)
	if now.file != nil {
		over = proc.infoCalls(now.file, addr, length, fd, off)
	}
	return text, over
}

// Clone implements platform.AddressSpace: the process of dst is forked from this one.
func (s *space) Clone(dst platform.AddressSpace) linux.Errno {
	d := dst.(*space)
	proc := s.existing()
	if proc == nil {
		return linux.ENOSYS
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.proc != nil || d.released {
		return linux.ENOSYS
	}
	var errno linux.Errno
	if d.proc, errno = proc.fork(); errno == 0 {
		d.proc.begun.Store(true)
	}
	return errno
}

// Release implements platform.AddressSpace. When it returns nothing of the application's memory
// is mapped any more, even if one of its threads has escaped the sentry's count and runs.
func (s *space) Release() {
	s.mu.Lock()
	proc, again := s.proc, s.released
	s.released = true
	s.mu.Unlock()
	if proc == nil || again {
		return
	}
	if proc.unused() {
		proc.kill()
		return
	}
	if !proc.retire() {
		proc.end("its memory cannot be unmapped")
	}
}

// mostLate is how many address spaces may be about to be released.
const mostLate = 4

// ReleaseLate implements platform.LateReleaser: to unmap an address space takes half as long as all else that the end of a
// process does.
func (s *space) ReleaseLate(done func()) {
	if s.p.late.Add(1) > mostLate {
		s.p.late.Add(-1)
		s.Release()
		done()
		return
	}
	here := handoff.Processor()
	go func() {
		defer s.p.late.Add(-1)
		s.p.cpus.leave(here)
		s.Release()
		done()
	}()
}
