package ptrace

import (
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform"
)

// space is an address space: a stub process, made when it is first needed. It implements
// platform.AddressSpace.
type space struct {
	p *Platform

	mu       sync.Mutex
	stub     *stub // nil: there is no process yet
	released bool
	inside   map[int]*context // by the id of the tracing thread
}

// stub is a stub process. The service thread makes it ready while its maker goes on.
type stub struct {
	pid   int
	ready chan struct{} // closed when what follows is there
	errno linux.Errno

	service *thread      // used on the service thread only
	spare   atomic.Int32 // a thread that waits in the pause loop for a context, 0: none
}

// get returns the process once it is ready, and makes one if there is none. s.mu is held.
func (s *space) get() (*stub, linux.Errno) {
	if s.stub == nil {
		u := &stub{ready: make(chan struct{})}
		s.p.do(func() {
			pid, errno := s.p.master.newProcess()
			if errno != 0 {
				u.errno = errno
				return
			}
			u.prepare(s.p, pid)
		})
		if u.errno != 0 {
			return nil, u.errno
		}
		s.stub = u
	}
	<-s.stub.ready
	return s.stub, s.stub.errno
}

// prepare seizes the first thread of a new process and makes another for the first context.
// It runs on the service thread.
func (u *stub) prepare(p *Platform, pid int) {
	defer close(u.ready)
	u.pid = pid
	if u.service, u.errno = seize(pid, pid); u.errno == 0 {
		var tid int
		tid, u.errno = u.service.newThread()
		u.spare.Store(int32(tid))
	}
	if u.errno != 0 {
		unix.Kill(pid, unix.SIGKILL)
		p.dead.add(pid)
	}
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
	u, errno := s.get()
	s.mu.Unlock()
	if errno != 0 {
		return errno
	}
	s.p.do(func() { _, errno = u.service.call(nr, args...) })
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
	none := s.stub == nil
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
	if s.stub == nil || d.stub != nil {
		return linux.ENOSYS
	}
	u := &stub{ready: make(chan struct{})}
	if c := s.inside[unix.Gettid()]; c != nil {
		pid, errno := c.thread.newProcess()
		if errno != 0 {
			return errno
		}
		s.p.work <- func() { u.prepare(s.p, pid) }
		d.stub = u
		return 0
	}
	from, errno := s.get()
	if errno != 0 {
		return errno
	}
	s.p.do(func() {
		var pid int
		if pid, errno = from.service.newProcess(); errno == 0 {
			u.prepare(s.p, pid)
		}
	})
	if errno == 0 {
		d.stub = u
	}
	return errno
}

// Release implements platform.AddressSpace. Contexts that are still bound to it find their
// threads dead.
func (s *space) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.released || s.stub == nil {
		s.released = true
		return
	}
	s.released = true
	<-s.stub.ready
	pid := s.stub.pid
	if s.stub.errno != 0 {
		return
	}
	unix.Kill(pid, unix.SIGKILL)
	if c := s.inside[unix.Gettid()]; c != nil {
		// Its end must be seen by somebody before the process is gone.
		c.thread.reap()
	}
	s.p.dead.add(pid)
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
	u, errno := s.get()
	if errno != 0 {
		return errno
	}
	tid := int(u.spare.Swap(0))
	if tid == 0 {
		if s.p.do(func() { tid, errno = u.service.newThread() }); errno != 0 {
			return errno
		}
	}
	if c.thread, errno = seize(u.pid, tid); errno != 0 {
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
