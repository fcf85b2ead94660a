package ptrace

import (
	"sync"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform"
)

// space is an address space: a stub process, made when it is first needed. It implements
// platform.AddressSpace.
type space struct {
	p *Platform

	mu       sync.Mutex
	service  *thread // nil: there is no process yet. Used on the service thread only.
	released bool
	inside   map[int]*context // by the id of the tracing thread
}

// start makes the process if there is none. s.mu is held.
func (s *space) start() linux.Errno {
	if s.service != nil {
		return 0
	}
	var errno linux.Errno
	s.p.do(func() { s.service, errno = s.p.fork(s.p.master) })
	return errno
}

// fork makes a stub process out of the one of t, both traced by the calling thread, and takes
// its first thread as the service thread.
func (p *Platform) fork(t *thread) (*thread, linux.Errno) {
	pid, errno := t.newProcess()
	if errno != 0 {
		return nil, errno
	}
	return p.adopt(pid)
}

// adopt seizes a new process's thread.
func (p *Platform) adopt(pid int) (*thread, linux.Errno) {
	n, errno := seize(pid, pid)
	if errno != 0 {
		unix.Kill(pid, unix.SIGKILL)
		go wait(pid)
		return nil, errno
	}
	n.call(unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0)
	return n, 0
}

// run makes a host call in the process: on the caller's own stub thread if it has one here, else
// on the service thread.
func (s *space) run(nr uintptr, args ...uintptr) linux.Errno {
	s.mu.Lock()
	if c := s.inside[unix.Gettid()]; c != nil {
		s.mu.Unlock()
		_, errno := c.thread.call(nr, args...)
		return errno
	}
	errno := s.start()
	s.mu.Unlock()
	if errno != 0 {
		return errno
	}
	s.p.do(func() { _, errno = s.service.call(nr, args...) })
	return errno
}

// Map implements platform.AddressSpace.
func (s *space) Map(addr, length uint64, fd int, off uint64, prot platform.Prot, populate bool) linux.Errno {
	flags := uintptr(unix.MAP_SHARED | unix.MAP_FIXED)
	if populate {
		flags |= unix.MAP_POPULATE
	}
	return s.run(unix.SYS_MMAP, uintptr(addr), uintptr(length), uintptr(prot), flags, uintptr(fd), uintptr(off))
}

// Protect implements platform.AddressSpace.
func (s *space) Protect(addr, length uint64, prot platform.Prot) linux.Errno {
	return s.run(unix.SYS_MPROTECT, uintptr(addr), uintptr(length), uintptr(prot))
}

// Unmap implements platform.AddressSpace.
func (s *space) Unmap(addr, length uint64) {
	s.mu.Lock()
	none := s.service == nil
	s.mu.Unlock()
	if !none {
		s.run(unix.SYS_MUNMAP, uintptr(addr), uintptr(length))
	}
}

// Clone implements platform.AddressSpace: dst's process is forked from this one.
func (s *space) Clone(dst platform.AddressSpace) linux.Errno {
	d := dst.(*space)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.service == nil || d.service != nil {
		return linux.ENOSYS
	}
	var (
		pid   int
		errno linux.Errno
	)
	if c := s.inside[unix.Gettid()]; c != nil {
		if pid, errno = c.thread.newProcess(); errno != 0 {
			return errno
		}
		s.p.do(func() { d.service, errno = s.p.adopt(pid) })
		return errno
	}
	s.p.do(func() { d.service, errno = s.p.fork(s.service) })
	return errno
}

// Release implements platform.AddressSpace. Contexts that are still bound to it find their
// threads dead.
func (s *space) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.released || s.service == nil {
		s.released = true
		return
	}
	s.released = true
	pid := s.service.pid
	unix.Kill(pid, unix.SIGKILL)
	if c := s.inside[unix.Gettid()]; c != nil {
		// Its end must be seen by somebody before the process is gone.
		c.thread.reap()
	}
	go wait(pid)
}

// reap waits for the end of a thread whose process was killed.
func (t *thread) reap() {
	for !t.dead {
		if status, e := wait(t.tid); e != 0 || !status.Stopped() {
			t.dead = true
		}
	}
}

// bind makes a stub thread for c, which the calling thread will trace.
func (s *space) bind(c *context) linux.Errno {
	s.mu.Lock()
	defer s.mu.Unlock()
	if errno := s.start(); errno != 0 {
		return errno
	}
	var (
		tid   int
		errno linux.Errno
	)
	s.p.do(func() { tid, errno = s.service.newThread() })
	if errno != 0 {
		return errno
	}
	if c.thread, errno = seize(s.service.pid, tid); errno != 0 {
		return errno
	}
	if s.inside == nil {
		s.inside = map[int]*context{}
	}
	s.inside[c.tracer] = c
	return 0
}

// leave ends c's thread here.
func (s *space) leave(c *context) {
	s.mu.Lock()
	delete(s.inside, c.tracer)
	released := s.released
	s.mu.Unlock()
	if released {
		c.thread.reap()
	} else {
		c.thread.exit()
	}
	c.thread = nil
}
