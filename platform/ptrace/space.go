package ptrace

import (
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform"
)

// space is an address space: a stub process, made when a thread first enters. It implements
// platform.AddressSpace.
//
// A change is made at once if another thread may be in application code: by the caller, if it
// traces a thread here, or by one of those threads, which is stopped for it. Else it waits in calls
// until a thread is about to run. Three rules keep that true:
//
//  1. Whoever enters application code first sets context.inApp and then looks at pending.
//  2. Whoever notes a change first sets pending and then looks at inApp of all.
//  3. Only a thread here makes calls, with mu held.
type space struct {
	p       *Platform
	pending atomic.Bool  // calls or wanted are not empty
	waiters atomic.Int32 // of changed

	mu       sync.Mutex
	changed  sync.Cond        // something of what follows, or a thread has left application code
	proc     *process         // nil: there is none yet
	inside   map[int]*context // by the id of the tracing thread
	calls    []call
	wanted   int // threads that contexts wait for
	promised int // contexts that will come soon
	released bool
}

// maxCalls is how many changes may wait; if there are more, the space begins afresh.
const maxCalls = 1024

func newSpace(p *Platform) *space {
	s := &space{p: p}
	s.changed.L = &s.mu
	return s
}

// Map implements platform.AddressSpace.
func (s *space) Map(addr, length uint64, fd int, off uint64, prot platform.Prot, populate bool) linux.Errno {
	return s.change(mapCall(addr, length, fd, off, prot, populate), true)
}

// MapSoon implements platform.Foreseer.
func (s *space) MapSoon(addr, length uint64, fd int, off uint64, prot platform.Prot, populate bool) linux.Errno {
	return s.change(mapCall(addr, length, fd, off, prot, populate), false)
}

// mapCall is the host call that maps.
func mapCall(addr, length uint64, fd int, off uint64, prot platform.Prot, populate bool) call {
	flags := uintptr(unix.MAP_SHARED | unix.MAP_FIXED)
	if populate {
		flags |= unix.MAP_POPULATE
	}
	return call{unix.SYS_MMAP, [6]uintptr{uintptr(addr), uintptr(length), uintptr(prot), flags, uintptr(fd), uintptr(off)}}
}

// Protect implements platform.AddressSpace.
func (s *space) Protect(addr, length uint64, prot platform.Prot) linux.Errno {
	return s.change(call{unix.SYS_MPROTECT, [6]uintptr{uintptr(addr), uintptr(length), uintptr(prot)}}, false)
}

// Unmap implements platform.AddressSpace.
func (s *space) Unmap(addr, length uint64) {
	s.change(call{unix.SYS_MUNMAP, [6]uintptr{uintptr(addr), uintptr(length)}}, false)
}

// Filling implements platform.Batcher.
func (s *space) Filling() {}

// change makes a call or notes it. now: the caller, if it is a thread here, wants to know
// whether it succeeds.
func (s *space) change(k call, now bool) linux.Errno {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil && len(s.calls) == 0 && k.nr != unix.SYS_MMAP {
		return 0 // there is nothing to be changed
	}
	if len(s.calls) >= maxCalls {
		s.calls = append(s.calls[:0], call{unix.SYS_MUNMAP, [6]uintptr{minAddr, maxAddr - minAddr}})
	}
	s.calls = append(s.calls, k)
	if c := s.own(); c != nil && (now || len(s.inside) > 1) {
		return s.flush(c.thread)
	}
	s.pending.Store(true)
	s.waiters.Add(1)
	for len(s.calls) > 0 && s.kick() {
		s.changed.Wait()
	}
	s.waiters.Add(-1)
	return 0
}

// own returns the context here that the calling thread traces, nil if there is none. s.mu is held.
func (s *space) own() *context {
	if len(s.inside) == 0 {
		return nil
	}
	return s.inside[unix.Gettid()]
}

// kick stops a thread that is in application code, which then looks at pending; false if none
// is. s.mu is held.
func (s *space) kick() bool {
	for _, c := range s.inside {
		if c.inApp.Load() {
			c.signal()
			return true
		}
	}
	return false
}

// flush makes the calls that wait, on a stopped thread, and returns the error of the last. A
// change that fails leaves nothing mapped, which a fault will mend. s.mu is held.
func (s *space) flush(t *thread) (errno linux.Errno) {
	todo := s.calls
	for len(todo) > 0 {
		n := min(len(todo), tableCalls)
		done, e := t.batch(s.proc.page, todo[:n])
		if t.dead {
			errno = linux.ESRCH
			break
		}
		if done < n {
			if done == len(todo)-1 {
				errno = e
			}
			if _, e := t.call(unix.SYS_MUNMAP, todo[done].args[0], todo[done].args[1]); e != 0 {
				t.call(unix.SYS_MUNMAP, minAddr, maxAddr-minAddr)
			}
			done++
		}
		todo = todo[done:]
	}
	s.calls = s.calls[:0]
	s.pending.Store(s.wanted > 0)
	s.tell()
	return errno
}

// tell wakes who waits for a change. s.mu is held.
func (s *space) tell() {
	if s.waiters.Load() > 0 {
		s.changed.Broadcast()
	}
}

// serve does what waits for a thread of the space, on c's, which is stopped.
func (s *space) serve(c *context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.calls) > 0 {
		s.flush(c.thread)
	}
	for ; s.wanted > 0; s.wanted-- {
		s.addSpare(c.thread)
	}
	s.pending.Store(false)
	s.tell()
}

// addSpare makes a thread for a context that is to come. s.mu is held.
func (s *space) addSpare(t *thread) {
	if tid, errno := t.newThread(); errno == 0 {
		s.proc.spares = append(s.proc.spares, tid)
	}
}

// left is called by a context that is no longer in application code.
func (s *space) left() {
	if s.waiters.Load() > 0 {
		s.mu.Lock()
		s.tell()
		s.mu.Unlock()
	}
}

// Clone implements platform.AddressSpace: dst's process is forked from this one, which takes a
// thread here that the caller traces.
func (s *space) Clone(dst platform.AddressSpace) linux.Errno {
	d := dst.(*space)
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.own()
	if c == nil || d.proc != nil {
		return linux.ENOSYS
	}
	if len(s.calls) > 0 {
		s.flush(c.thread)
	}
	pid, errno := c.thread.newProcess()
	if errno != 0 {
		return errno
	}
	d.proc, errno = s.p.newProcess(pid)
	return errno
}

// Release implements platform.AddressSpace. Contexts that are still bound to it are about to leave:
// the last one gives the process back.
func (s *space) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.released, s.calls = true, nil
	s.pending.Store(false)
	if s.proc != nil && len(s.inside) == 0 {
		s.p.destroy(s.proc, nil)
		s.proc = nil
	}
}

// bind finds a stub thread for c, which the calling thread will trace.
func (s *space) bind(c *context) linux.Errno {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.promised = max(0, s.promised-1)
	if s.released {
		return linux.ESRCH
	}
	if s.proc == nil {
		t, errno := s.p.acquire(c.tracer)
		if errno != 0 {
			return errno
		}
		s.proc, c.thread = t.proc, t.thread
	} else {
		if errno := s.awaitSpare(); errno != 0 {
			return errno
		}
		t, errno := s.p.seize(s.proc)
		if errno != 0 {
			if t != nil {
				t.exit()
			}
			return errno
		}
		c.thread = t
	}
	if s.inside == nil {
		s.inside = map[int]*context{}
	}
	s.inside[c.tracer] = c
	return 0
}

// awaitSpare waits until there is a thread to be seized, which one of those that are here makes.
// s.mu is held.
func (s *space) awaitSpare() linux.Errno {
	if len(s.proc.spares) > 0 {
		return 0
	}
	s.waiters.Add(1)
	defer s.waiters.Add(-1)
	for len(s.proc.spares) == 0 {
		if len(s.inside) == 0 || s.released {
			return linux.ESRCH
		}
		s.wanted++
		s.pending.Store(true)
		s.kick()
		s.changed.Wait()
	}
	return 0
}

// spawn makes a thread ahead of need: another context will come.
func (s *space) spawn() {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.own()
	if c == nil {
		return
	}
	s.promised++
	if len(s.proc.spares) < s.promised {
		s.addSpare(c.thread)
	}
}

// leave ends c's use of its thread here. The last thread of a process must not end, nor the first,
// of which the host says nothing as long as there are others.
func (s *space) leave(c *context) {
	s.mu.Lock()
	delete(s.inside, c.tracer)
	t, proc := c.thread, s.proc
	c.thread = nil
	last := s.released && len(s.inside) == 0
	if last {
		s.proc = nil
	}
	parked := false
	if !last && (len(proc.spares) == 0 || s.wanted > 0 || t.tid == t.pid) && t.detach() == 0 {
		proc.spares = append(proc.spares, t.tid)
		parked = true
	}
	s.tell()
	s.mu.Unlock()
	switch {
	case last:
		s.p.retire(c.tracer, proc, t)
	case !parked:
		t.exit()
	}
}

var _ platform.Batcher = (*space)(nil)
