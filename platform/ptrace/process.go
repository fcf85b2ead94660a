package ptrace

import (
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// process is a stub process. What is in it is guarded by the lock of the space whose it is, or
// belongs to whoever took it from the stock.
type process struct {
	pid    int
	slot   int    // of its stub page in the file of all
	page   []byte // that page
	shared bool   // it still has the stub page of the process it was forked from
	frames bool   // it has memory for signal frames (faultcode.go)
	spares []int  // threads that wait in the pause loop, traced by nobody
}

// Bounds of the stock of empty processes.
const (
	maxOwn    = 8 // kept by the threads that trace them, one each
	maxCommon = 8 // for everybody
	maxSpares = 4 // threads of a process that is worth keeping
	maxSlots  = 1 << 15
)

// stock is the processes that no address space uses: each empty, with one stopped thread.
type stock struct {
	mu     sync.Mutex
	own    map[int]traced // by the id of the tracing thread
	common []*process     // their thread waits in the pause loop
	free   []int          // slots
	next   int            // the first slot that was never used
	fd     int            // of the stub pages
	pages  []byte         // all of them
}

// traced is a process with a thread of it that the calling thread traces.
type traced struct {
	proc   *process
	thread *thread
}

func (s *stock) init() error {
	var err error
	if s.fd, err = unix.MemfdCreate("stubs", unix.MFD_CLOEXEC); err != nil {
		return err
	}
	if err = unix.Ftruncate(s.fd, maxSlots*pageSize); err != nil {
		return err
	}
	s.pages, err = unix.Mmap(s.fd, 0, maxSlots*pageSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_NORESERVE)
	s.own = map[int]traced{}
	return err
}

// slot returns a stub page that no process has.
func (s *stock) slot() (n int, page []byte, errno linux.Errno) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := len(s.free); k > 0 {
		n, s.free = s.free[k-1], s.free[:k-1]
	} else if n = s.next; n < maxSlots {
		s.next++
	} else {
		return 0, nil, linux.EAGAIN
	}
	page = s.pages[n*pageSize : (n+1)*pageSize : (n+1)*pageSize]
	initPage(page)
	return n, page, 0
}

// take returns an empty process of the stock that the calling thread traces; the thread is nil if
// it has to be seized first, both if there is none.
func (s *stock) take(tracer int) traced {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t, ok := s.own[tracer]; ok {
		delete(s.own, tracer)
		return t
	}
	if n := len(s.common); n > 0 {
		proc := s.common[n-1]
		s.common = s.common[:n-1]
		return traced{proc: proc}
	}
	return traced{}
}

// newProcess makes a process out of one that was just forked, whose one thread waits to be seized.
func (p *Platform) newProcess(pid int) (*process, linux.Errno) {
	n, page, errno := p.stock.slot()
	if errno != 0 {
		unix.Kill(pid, unix.SIGKILL)
		p.dead.add(pid)
		return nil, errno
	}
	return &process{pid: pid, slot: n, page: page, shared: true, spares: []int{pid}}, 0
}

// seize takes a waiting thread of a process.
func (p *Platform) seize(proc *process) (*thread, linux.Errno) {
	tid := proc.spares[len(proc.spares)-1]
	proc.spares = proc.spares[:len(proc.spares)-1]
	t, errno := seize(proc.pid, tid)
	if errno != 0 {
		return nil, errno
	}
	if proc.shared {
		_, errno = t.call(unix.SYS_MMAP, stubPage, pageSize, unix.PROT_READ|unix.PROT_EXEC, unix.MAP_SHARED|unix.MAP_FIXED, uintptr(p.stock.fd), uintptr(proc.slot*pageSize))
		if errno == 0 { // which fork does not inherit
			_, errno = t.call(unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0)
		}
		if errno != 0 {
			return t, errno
		}
		proc.shared = false
	}
	return t, 0
}

// acquire returns an empty process and a thread of it that the calling thread traces.
func (p *Platform) acquire(tracer int) (traced, linux.Errno) {
	for {
		t := p.stock.take(tracer)
		switch {
		case t.thread != nil && t.thread.alive():
			return t, 0
		case t.proc == nil:
			var errno linux.Errno
			p.do(func() {
				var pid int
				if pid, errno = p.master.newProcess(); errno == 0 {
					t.proc, errno = p.newProcess(pid)
				}
			})
			if errno == 0 {
				t.thread, errno = p.seize(t.proc)
			}
			if errno != 0 && t.proc != nil {
				p.destroy(t.proc, t.thread)
			}
			return t, errno
		case t.thread == nil:
			var errno linux.Errno
			if t.thread, errno = p.seize(t.proc); errno == 0 {
				return t, 0
			}
		}
		p.destroy(t.proc, t.thread) // somebody killed it
	}
}

// retire empties a process that no address space needs any more and keeps it for another. t is
// the last thread that anybody traces.
func (p *Platform) retire(tracer int, proc *process, t *thread) {
	if t.dead || len(proc.spares) > maxSpares || proc.shared {
		p.destroy(proc, t)
		return
	}
	if _, errno := t.call(unix.SYS_MUNMAP, framesAt, maxAddr-framesAt); errno != 0 {
		p.destroy(proc, t)
		return
	}
	proc.frames = false
	t.clearDebug()
	s := &p.stock
	s.mu.Lock()
	_, have := s.own[tracer]
	switch {
	case !have && len(s.own) < maxOwn:
		s.own[tracer] = traced{proc, t}
		proc = nil
	case len(s.common) < maxCommon && t.detach() == 0:
		proc.spares = append(proc.spares, t.tid)
		s.common = append(s.common, proc)
		proc = nil
	}
	s.mu.Unlock()
	if proc != nil {
		p.destroy(proc, t)
	}
}

// destroy ends a process. t is its only thread that is traced, by the caller, or nil.
func (p *Platform) destroy(proc *process, t *thread) {
	unix.Kill(proc.pid, unix.SIGKILL)
	if t != nil {
		t.reap() // its end must be seen by its tracer before the process is gone
	}
	p.dead.add(proc.pid)
	p.stock.mu.Lock()
	p.stock.free = append(p.stock.free, proc.slot)
	p.stock.mu.Unlock()
}

// graves are stub processes that were killed and whose end nobody has taken notice of.
type graves struct {
	mu   sync.Mutex
	pids []int
	due  bool // somebody will look again
}

// add notes a process that was killed, and takes notice of those that have ended meanwhile.
func (g *graves) add(pid int) {
	g.mu.Lock()
	g.pids = append(g.pids, pid)
	g.mu.Unlock()
	g.look()
}

func (g *graves) look() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pids = slices.DeleteFunc(g.pids, ended)
	if len(g.pids) > 0 && !g.due {
		g.due = true
		time.AfterFunc(20*time.Millisecond, func() {
			g.mu.Lock()
			g.due = false
			g.mu.Unlock()
			g.look()
		})
	}
}
