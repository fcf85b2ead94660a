package systrap

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform/handoff"
)

// call is a host system call: its number and arguments.
type call [7]uint64

// process is a stub process: an address space of the host, a service thread, and a thread for
// every context inside.
type process struct {
	p    *Platform
	pid  int // set before anybody else sees the process
	page int // of its control page
	ctl  *ctl
	dead atomic.Bool
	gone chan struct{} // closed after the end

	patches patches // its mu is taken before mu

	mu      sync.Mutex  // an order is under way
	all     []*thread   // under mu
	free    []*thread   // stopped, for the next context; under mu
	later   []call      // mapping calls that wait: for a thread to run if none has, else for the next order
	ran     bool        // a thread runs, or has
	swept   bool        // after the end: everybody has been told
	begun   atomic.Bool // a thread has begun to run its program, or it goes on where another process was
	retired atomic.Bool // the application's memory and threads are gone: recycle.go
	cpu     int         // number of the processor the service thread is bound to; under mu

	far    atomic.Pointer[thread] // one whose context is far
	farCPU atomic.Int32           // and the number of its processor
}

// thread is a thread for application code. It is stopped, waiting for the sentry, except during
// Switch: if the application has not meddled with its area.
type thread struct {
	proc *process
	tid  int
	unit int // of the file of areas
	area *area
	at   uint64                  // address of the area in the process
	user atomic.Pointer[context] // whose thread it is

	bound *[]int // what context.allowed was when the host was told
	cpu   int    // that it is bound to, an index; -1: none
}

// newProcess returns a process that is yet to be forked.
func (p *Platform) newProcess() (*process, linux.Errno) {
	p.mu.Lock()
	defer p.mu.Unlock()
	page, ok := p.freeCtls.take()
	if !ok {
		return nil, linux.EAGAIN
	}
	c := p.ctls.ctl(page)
	c.seq.Store(0)
	c.help.Store(0)
	c.page = uint64(page) * pageSize
	return &process{p: p, page: page, ctl: c, gone: make(chan struct{}), cpu: -1, patches: patches{pages: map[uint64]int{}}}, 0
}

// order has the service thread make calls one after the other, up to the first that fails, and
// returns the result of the last one if it is asked for.
func (s *process) order(want bool, calls ...call) (uint32, linux.Errno) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.orderLocked(want, calls...)
}

// mapping makes a mapping call, and those that put copies over parts of it, or notes them if no thread has run yet: the
// first to run finds them made, at the price of one order for all.
func (s *process) mapping(c call, over ...call) linux.Errno {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ran {
		return s.noteLocked(c, over...)
	}
	if len(over) == 0 && slices.ContainsFunc(s.later, func(l call) bool { return l.covers(c) }) && !slices.ContainsFunc(s.later, s.overlays) {
		return s.flushLocked()
	}
	_, errno := s.orderLocked(false, append([]call{c}, over...)...)
	return errno
}

// mappingSoon notes mapping calls that can wait for the next order.
func (s *process) mappingSoon(c call, over ...call) linux.Errno {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.noteLocked(c, over...)
}

// overlays tells whether a call puts a copy of text over the text.
func (s *process) overlays(c call) bool {
	return c[0] == unix.SYS_MMAP && c[5] == uint64(s.p.copies.fd)
}

// unmapping has a range unmapped. Of what is only noted nothing is mapped, so that it is enough to forget it.
func (s *process) unmapping(addr, length uint64) linux.Errno {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := call{unix.SYS_MUNMAP, addr, length}
	if !s.ran {
		return s.noteLocked(c)
	}
	var noted uint64
	for i := 0; i < len(s.later); {
		parts, inside := s.later[i].without(addr, addr+length)
		if !s.overlays(s.later[i]) { // which is over another
			noted += inside
		}
		s.later = slices.Replace(s.later, i, i+1, parts...)
		i += len(parts)
	}
	if noted == length {
		return 0
	}
	_, errno := s.orderLocked(false, c)
	return errno
}

func (s *process) noteLocked(c call, over ...call) linux.Errno {
	if s.dead.Load() {
		return linux.ESRCH
	}
	if len(s.later)+1+len(over) > maxCalls {
		if errno := s.flushLocked(); errno != 0 {
			return errno
		}
	}
	if n := len(s.later); n > 0 && s.later[n-1].goesOn(c) {
		s.later[n-1][2] += c[2]
	} else {
		s.later = append(s.later, c)
	}
	s.later = append(s.later, over...)
	return 0
}

// flushLocked makes the calls that were put off.
func (s *process) flushLocked() linux.Errno {
	if len(s.later) == 0 {
		return 0
	}
	_, errno := s.orderLocked(false)
	return errno
}

// start makes the process ready for a thread to run.
func (s *process) start() linux.Errno {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ran = true
	return s.flushLocked()
}

// orderLocked is order with mu held. Calls that were put off are made before. If one of them fails, all of
// the application's memory is unmapped: what is missing comes back by faults.
func (s *process) orderLocked(want bool, calls ...call) (uint32, linux.Errno) {
	if later := s.later; len(later) > 0 {
		s.later = later[:0]
		together := len(later)+len(calls) <= maxCalls
		if together {
			later = append(later, calls...)
		}
		v, errno := s.handOver(want && together, later)
		if together && errno == 0 {
			return v, 0
		}
		if errno != 0 {
			if _, errno := s.handOver(false, append([]call{{unix.SYS_MUNMAP, minAddr, maxAddr - minAddr}}, s.setCalls()...)); errno != 0 {
				s.kill()
				return 0, errno
			}
		}
	}
	if len(calls) == 0 {
		return 0, 0
	}
	return s.handOver(want, calls)
}

// handOver has the service thread make calls. mu is held.
func (s *process) handOver(want bool, calls []call) (uint32, linux.Errno) {
	if s.swept {
		return 0, linux.ESRCH // the control page may be another's
	}
	c := s.ctl
	copy(c.calls[:], calls)
	c.count = uint32(len(calls))
	c.want = 0
	if want {
		c.want = 1
	}
	c.done.Store(0)
	if s.dead.Load() {
		return 0, linux.ESRCH
	}
	// The hand-over costs least on one processor.
	cpu, helps := s.where()
	if cpu != s.cpu {
		s.cpu = cpu
		setAffinity(s.pid, []int{cpu})
	}
	c.seq.Add(1)
	if !helps || !s.helped() {
		futexWake(&c.seq)
		s.await()
	}
	return c.value, linux.Errno(c.done.Load() - 1)
}

// where returns the processor to make an order on: the caller's, or that on which a thread looks for its turn, which then helps: it
// can wake the service thread there and give way to it, for less than it costs to interrupt it so that it sees what has become of
// its memory.
func (s *process) where() (cpu int, helps bool) {
	here := handoff.Processor()
	t, there := s.far.Load(), int(s.farCPU.Load())
	if t == nil || there == here || t.area.state.Load() != stateTrap || t.area.waits.Load() != 0 {
		return here, false
	}
	return there, true
}

// helped waits a little for an order that a helper hears of, and tells whether it is done.
func (s *process) helped() bool {
	c := s.ctl
	c.help.Store(1)
	defer c.help.Store(0)
	for began, bound := handoff.Counter(), handoff.Ticks(spinTime); ; {
		if handoff.Look(&c.done, 0, &c.done, 0, chunk) {
			return true
		}
		if handoff.Counter()-began > bound {
			return false
		}
	}
}

// await waits until an order is done. mu is held.
func (s *process) await() {
	for s.ctl.done.Load() == 0 {
		if s.p.cpus.sleep(&s.ctl.done, 0, patience) {
			s.watch()
		}
	}
}

// fork makes a process with a copy of the mappings of s, none of which are the stub's own.
func (s *process) fork() (*process, linux.Errno) {
	child, errno := s.p.newProcess()
	if errno != 0 {
		return nil, errno
	}
	s.patches.mu.Lock()
	defer s.patches.mu.Unlock()
	if errno := s.start(); errno != 0 { // the child is to have it all
		s.p.freePage(child)
		return nil, errno
	}
	pid, errno := s.order(true, call{unix.SYS_CLONE, uint64(processFlags), 0, 0, 0, 0, child.ctl.page})
	if errno != 0 {
		s.p.freePage(child)
		return nil, errno
	}
	s.mu.Lock()
	child.cpu = s.cpu // the host lets it inherit that
	s.mu.Unlock()
	s.inherit(child)
	s.p.register(child, int(pid))
	return child, 0
}

// thread returns a stopped thread. If it is to run, the process is ready for that: calls that were
// put off are made.
func (s *process) thread(runs bool) (*thread, linux.Errno) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ran = s.ran || runs
	if n := len(s.free); n > 0 {
		t := s.free[n-1]
		s.free = s.free[:n-1]
		var errno linux.Errno
		if runs {
			errno = s.flushLocked()
		}
		return t, errno
	}
	if len(s.all) == maxThreads {
		return nil, linux.EAGAIN
	}
	t, errno := s.newThread()
	if errno != 0 {
		return nil, errno
	}
	tid, errno := s.orderLocked(true,
		call{unix.SYS_MMAP, t.at, areaSize, unix.PROT_READ | unix.PROT_WRITE, unix.MAP_SHARED | unix.MAP_FIXED | unix.MAP_POPULATE, uint64(s.p.areas.fd), uint64(t.unit) * areaSize},
		call{unix.SYS_MADVISE, t.at, areaSize, unix.MADV_DONTFORK},
		call{unix.SYS_CLONE, threadFlags, 0, 0, 0, 0, t.at})
	// The area may be mapped even if there is no thread, so it stays with the process.
	t.tid = int(tid)
	if s.cpu >= 0 {
		t.cpu = s.p.cpus.index[s.cpu%len(s.p.cpus.index)]
	}
	s.all = append(s.all, t)
	if errno != 0 || !t.born() {
		return nil, linux.EAGAIN
	}
	return t, 0
}

// newThread returns a thread that is yet to be made.
func (s *process) newThread() (*thread, linux.Errno) {
	s.p.mu.Lock()
	unit, ok := s.p.freeAreas.take()
	s.p.mu.Unlock()
	if !ok {
		return nil, linux.EAGAIN
	}
	t := &thread{proc: s, unit: unit, area: s.p.areas.area(unit), at: areaAt + uint64(len(s.all))*areaSize, cpu: -1}
	t.area.stack = [3]uint64{t.at + areaAlt, 0, areaPath - areaAlt}
	t.area.state.Store(stateRun)
	return t, 0
}

// bornLook is how often is looked whether the process of a new thread lives: who learns of its end waits for mu.
const bornLook = int64(10 * time.Millisecond)

// born waits until a new thread is confined and stopped. mu is held.
func (t *thread) born() bool {
	a := t.area
	for !t.proc.dead.Load() {
		a.asleep.Store(1)
		if a.state.Load() != stateRun {
			break
		}
		futexWait(&a.state, stateRun, bornLook)
	}
	a.asleep.Store(0)
	return a.state.Load() == stateTrap
}

// put gives a thread back.
func (s *process) put(t *thread) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.swept {
		s.p.freeArea(t)
		return
	}
	s.free = append(s.free, t)
	s.putBy()
}

// kill ends the process, sooner or later.
func (s *process) kill() {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	if !s.dead.Load() {
		unix.Kill(s.pid, unix.SIGKILL)
	}
}

// register makes a process known that has been forked.
func (p *Platform) register(s *process, pid int) {
	p.mu.Lock()
	s.pid = pid
	early := p.early[pid]
	delete(p.early, pid)
	p.processes[pid] = s
	p.mu.Unlock()
	if early {
		p.ended(pid)
	}
}

// ended notes the end of a process: whoever waits for it finds out, and what it used is free.
// A process not yet known is remembered.
func (p *Platform) ended(pid int) {
	p.mu.Lock()
	s := p.processes[pid]
	if s == nil {
		p.early[pid] = true
		p.mu.Unlock()
		return
	}
	delete(p.processes, pid)
	s.dead.Store(true)
	p.mu.Unlock()
	if s.ctl.done.CompareAndSwap(0, uint32(linux.ESRCH)+1) {
		futexWake(&s.ctl.done)
	}
	s.unpatch()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.all {
		t.area.state.Store(stateDead)
		futexWake(&t.area.state)
	}
	for _, t := range s.free {
		p.freeArea(t)
	}
	s.free, s.swept = nil, true
	p.freePage(s)
	close(s.gone)
}

// freePage gives the control page of a process back that nobody uses.
func (p *Platform) freePage(s *process) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.freeCtls.put(s.page)
}

// freeArea gives the area of a thread back whose process has ended. A few keep their memory, since
// they will be used again soon.
func (p *Platform) freeArea(t *thread) {
	p.mu.Lock()
	warm := len(p.freeAreas.free) < warmAreas
	p.mu.Unlock()
	if warm {
		*t.area = area{}
	} else {
		p.areas.clear(t.unit)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.freeAreas.put(t.unit)
}

// warmAreas is how many unused areas keep their memory.
const warmAreas = 32

// end ends the process and waits until it has ended. why is for the log.
func (s *process) end(why string) {
	if !s.dead.Load() {
		s.p.log("systrap: stub process %d is killed: %s", s.pid, why)
	}
	s.kill()
	<-s.gone
}

// unused tells whether no thread has run in the process.
func (s *process) unused() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.ran
}

// empty returns a process without mappings, with a thread: a used one if one is ready, else the new one that is kept
// in hand, so that there will be enough.
func (p *Platform) empty() (*process, linux.Errno) {
	if s := p.reuse(true); s != nil {
		return s, 0
	}
	select {
	case s := <-p.spare:
		p.refill()
		return s, 0
	default:
	}
	if s := p.reuse(false); s != nil {
		return s, 0
	}
	p.refill()
	return p.newEmpty()
}

// newEmpty makes one.
func (p *Platform) newEmpty() (*process, linux.Errno) {
	s, errno := p.master.fork()
	if errno != 0 {
		return nil, errno
	}
	t, errno := s.thread(false)
	if errno != 0 {
		s.kill()
		return nil, errno
	}
	s.put(t)
	return s, 0
}

// refill has a spare process made, if nobody does it.
func (p *Platform) refill() {
	if !p.refilling.CompareAndSwap(false, true) {
		return
	}
	go func() {
		defer p.refilling.Store(false)
		s, errno := p.newEmpty()
		if errno != 0 {
			return
		}
		select {
		case p.spare <- s:
		default:
			s.kill()
		}
	}()
}
