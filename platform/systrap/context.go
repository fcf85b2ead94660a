package systrap

import (
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/arch"
	"github.com/seed-7423c386/runsc/platform/handoff"
	"github.com/seed-7423c386/runsc/platform/host"
)

// context is an application thread. It implements platform.Context.
type context struct {
	p       *Platform
	as      *space
	thread  atomic.Pointer[thread] // nil: none; set by Switch, read by Interrupt
	state   atomic.Int32
	placing placing
	life    life
	meter   host.Meter
	allowed atomic.Pointer[[]int] // processors by number; nil, or nil there: all

	lent   lending
	open   openFiles
	paths  atomic.Bool // area.linked is set
	debug  breakPoints
	facts  [len(facts{})]uint32 // see Answer; as the area has them
	muted  bool                 // the area has none, so that an interrupted thread asks
	asks   *patchSet            // and neither do these trampolines
	enters func()               // see OnEnter
	orphan atomic.Bool          // getppid(2) is not answered

	fpu      []byte
	fpuDirty bool // fpu is to be loaded before application code runs

	lazy    bool           // AllowPartial was called
	live    bool           // the last trap was a patched call, and the thread has its registers still
	partial bool           // live, and nobody else has all of them
	last    arch.Registers // if live and not partial: what they were
	site    *site          // if live: the site
	dropped uint32         // if live: patches.dropped
	hits    [32]hits       // of call sites that trapped
	pc      uint64         // where application code went on, for messages
}

// States of a context.
const (
	idle         int32 = iota
	running            // in the application, or on the way
	interrupting       // the same, and Interrupt was called: Switch returns soon
	interrupted        // Interrupt was called: the next Switch returns
)

// interruptSignal is sent to a thread to take it out of application code.
const interruptSignal = unix.SIGUSR1

const farAway = int64(time.Hour)

func newContext(p *Platform) *context {
	c := &context{p: p, fpu: make([]byte, arch.FPUSize), fpuDirty: true, placing: placing{cpu: -1}, enters: func() {}}
	arch.InitialFPU(c.fpu)
	return c
}

// Switch implements platform.Context.
func (c *context) Switch(as platform.AddressSpace, regs *arch.Registers) platform.Trap {
	if s := as.(*space); c.as != s {
		if c.partial {
			c.Complete(regs)
		}
		if !c.enter(s) {
			return platform.Trap{Kind: platform.Gone}
		}
	}
	t := c.thread.Load()
	if !c.begin(t) {
		return platform.Trap{Kind: platform.Interrupted, Partial: c.partial}
	}
	if t.proc.retired.Load() { // as was released: what the thread does now is not the application's to say
		c.state.Store(idle)
		return platform.Trap{Kind: platform.Gone}
	}
	if c.debug.Dirty {
		c.loadDebug(t)
	}
	c.place(t)
	if c.placing.far != nil {
		c.resume(t, regs)
		c.enters()
	} else {
		c.enters() // the processor is about to be another's
		c.resume(t, regs)
	}
	if t.proc.dead.Load() {
		t.area.state.Store(stateDead) // which resume may have overwritten
	}
	c.count()
	c.life.traps++
	ok := c.wait(t)
	arch.StoreInt32(&c.state, idle)
	if c.placing.far == nil {
		c.discount()
	}
	if c.muted {
		c.muted = false
		c.tell(t)
		if c.asks != nil {
			c.p.askInfos(c.asks, -1)
			c.asks = nil
		}
	}
	trap := platform.Trap{Kind: platform.Gone}
	if ok && !t.proc.retired.Load() {
		trap = c.decode(t, regs)
		if c.debug.loaded && trap.Signo == uint8(unix.SIGTRAP) {
			c.noteHits(t)
		}
		if c.placing.far == nil {
			c.consider(t)
		}
	}
	return trap
}

// begin notes that the thread is about to run, unless the context was interrupted. It waits while its text is patched.
func (c *context) begin(t *thread) bool {
	for c.state.CompareAndSwap(idle, running) {
		if !t.proc.patches.stop.Load() {
			return true
		}
		if !c.state.CompareAndSwap(running, idle) {
			break
		}
		t.proc.patches.mu.Lock()
		t.proc.patches.mu.Unlock() //nolint:staticcheck // waits for the patch
	}
	c.state.Store(idle)
	return false
}

// inside tells whether the thread may be in the application, or is about to go there.
func (c *context) inside() bool {
	s := c.state.Load()
	return s == running || s == interrupting
}

// enter gives the context a thread in s.
func (c *context) enter(s *space) bool {
	c.leave(true)
	proc, errno := s.process()
	if errno != 0 {
		return false
	}
	t, errno := proc.thread(true)
	if errno != 0 {
		if t != nil {
			proc.put(t)
		}
		return false
	}
	c.life.begin(proc)
	c.placing.hot = 0
	c.as = s
	t.user.Store(c)
	c.thread.Store(t)
	c.tell(t)
	c.meter.Begin(t.proc.pid)
	return true
}

// leave gives the thread back, after its FPU state is saved or because it is not needed.
func (c *context) leave(save bool) {
	c.notFar()
	c.placing.apart = false
	c.discount()
	c.Return()
	t := c.thread.Load()
	if t == nil {
		return
	}
	if save {
		c.saveFPU()
	}
	if c.debug.loaded {
		c.clearDebug(t)
	}
	c.fpuDirty, c.live, c.partial = true, false, false
	c.open.forget()
	c.PathsChanged()
	c.life.end()
	c.meter.End()
	c.thread.Store(nil)
	t.user.Store(nil)
	c.as = nil
	t.proc.put(t)
}

// resume hands the turn to the stub, with the registers that application code is to have.
func (c *context) resume(t *thread, r *arch.Registers) {
	a := t.area
	c.pc = r.Rip
	spin := uint32(0)
	if c.placing.far != nil {
		spin = c.placing.stubSpin(int(c.lent.answered.Load()), c.p.cpus.stubLooks)
		if c.lent.answered.Load() != 0 {
			c.lent.answered.Store(0)
		}
	}
	if a.spin != spin { // else the stub has the line still
		a.spin = spin
	}
	if c.partial && c.fpuDirty {
		c.Complete(r)
	}
	if c.live && !c.fpuDirty && c.same(r) {
		goOn := r.Rip
		if end := c.end(t); end != 0 {
			goOn = end
		}
		a.answer(goOn, r.Rax)
		if c.tells() {
			c.open.tell(a)
		} else {
			c.open.withhold(a)
		}
		if c.placing.far == nil {
			c.placing.resumed = handoff.Counter()
		}
		t.wake(stateRun)
		return
	}
	r.Sanitize()
	a.number = 0
	c.open.withhold(a)
	a.regs = [15]uint64{r.R8, r.R9, r.R10, r.R11, r.R12, r.R13, r.R14, r.R15, r.Rdi, r.Rsi, r.Rbp, r.Rbx, r.Rdx, r.Rax, r.Rcx}
	rip := r.Rip
	if c.live && rip == c.last.Rip && r.Eflags&arch.FlagTF == 0 && c.end(t) != 0 {
		rip = c.end(t)
	}
	a.iret = [5]uint64{rip, arch.UserCs, r.Eflags, r.Rsp, arch.UserDs}
	a.fsNew, a.gsNew = r.FsBase, r.GsBase
	if a.gsNew == 0 {
		a.gsNew = t.at // nobody misses it: a program that uses GS has set it
	}
	if c.fpuDirty {
		image, _ := a.bytes(areaFPU, uint64(arch.FPUSize))
		copy(image, c.fpu)
		a.fp = t.at + areaFPU
		c.fpuDirty = false
	}
	c.placing.resumed = handoff.Counter()
	t.wake(stateRun)
}

// end is where to go on behind the last call, if its site is still patched and that is another
// place than it was.
func (c *context) end(t *thread) uint64 {
	if t.proc.patches.dropped.Load() != c.dropped {
		return 0
	}
	return c.site.end()
}

// same tells whether all registers are as Switch returned them, but for the call's result.
func (c *context) same(r *arch.Registers) bool {
	if c.partial {
		return true
	}
	if r.Eflags&arch.FlagTF != 0 {
		return false
	}
	c.last.Rax, c.last.OrigRax = r.Rax, r.OrigRax
	return c.last == *r
}

// hits counts the traps of the call sites that share it: they are told apart only when there were enough, since
// the one that traps then is likely to be one that often does.
type hits struct {
	n     uint32
	never uint64 // a site that was tried; unless it is patched now, it cannot be
}

// hot counts a call that came by a signal, and has its site patched if it comes often.
func (c *context) hot(t *thread, r *arch.Registers) {
	if worthIt(r.OrigRax) {
		t.proc.note(r.Rip, uint32(r.OrigRax))
	}
	h := &c.hits[r.Rip>>1%uint64(len(c.hits))]
	if h.never == r.Rip || !worthIt(r.OrigRax) {
		return
	}
	if h.n++; h.n < patchAfter {
		return
	}
	if h.n = 0; !t.proc.patch(c, r.Rip, uint32(r.OrigRax)) {
		h.never = r.Rip
	}
}

// worthIt tells whether a call had better not come by a signal. Those that copy the thread need its FPU
// state, which a signal stores.
func worthIt(nr uint64) bool {
	switch nr {
	case unix.SYS_CLONE, unix.SYS_FORK, unix.SYS_VFORK, unix.SYS_CLONE3:
		return false
	}
	return true
}

// wake hands the turn to the stub.
func (t *thread) wake(state uint32) {
	t.area.state.Store(state)
	if t.area.waits.Load() != 0 {
		futexWake(&t.area.state)
	}
}

// Delays between interrupt signals, and how many the stub may see, or be sent, without a trap.
const (
	firstKick = int64(time.Millisecond)
	lastKick  = int64(16 * time.Millisecond)
	maxSeen   = 50
	maxKicks  = 2000 // half a minute: the count in the area may be a lie
)

// boundTime is how long application code may run before its thread is free to go to another
// processor. It is more than lastKick.
const boundTime = int64(20 * time.Millisecond)

// wait waits for the sentry's turn; false: the process is gone. A stub that makes no sense is
// killed.
func (c *context) wait(t *thread) bool {
	a := t.area
	timeout, seen, kicks := boundTime, a.seen.Load(), 0
	looked := 0
	if c.lent.rooms.Load() || c.open.lent {
		timeout = lookAfter
	}
	for {
		state := a.state.Load()
		switch state {
		case stateTrap:
			return true
		case stateRun, stateKicked:
		default:
			t.proc.end(fmt.Sprintf("the state of a thread is %d", state))
			return false
		}
		if c.placing.far != nil {
			if c.spin(t, state) {
				continue
			}
			if !c.placing.apart {
				c.comeBack(t)
			}
		}
		if c.state.Load() == interrupting {
			// The signal may have found the stub's own code.
			if timeout > lastKick {
				timeout = firstKick
			} else {
				c.mute(t)
				unix.Tgkill(t.proc.pid, t.tid, interruptSignal)
				timeout = min(2*timeout, lastKick)
				kicks++
			}
			if a.seen.Load()-seen > maxSeen || kicks > maxKicks {
				t.proc.end("interrupts find it in the stub's code for ever")
				return false
			}
		}
		if !c.placing.apart {
			c.bindNear()
		}
		due := handoff.Counter() + handoff.Ticks(time.Duration(min(timeout, patience)))
		a.asleep.Store(1)
		late := a.state.Load() == state && c.p.cpus.sleep(&a.state, state, min(timeout, patience))
		a.asleep.Store(0)
		if late && timeout < lastKick && looked < looks && c.state.Load() != interrupting {
			looked++
			timeout *= 2
			over := c.takeBack(t)
			if c.lent.on.Load() {
				over = c.lent.look(looked == looks)
			}
			if over {
				looked, timeout = looks, boundTime
			}
			if len(c.lent.closed) > 0 {
				c.Interrupt()
			}
			continue
		}
		if late {
			c.watch(t, due)
		}
		if timeout == boundTime && a.state.Load() == state {
			t.unbind()
			timeout = farAway
		}
	}
}

// Interrupt implements platform.Context.
func (c *context) Interrupt() {
	for {
		s, next := c.state.Load(), interrupted
		switch s {
		case interrupted, interrupting:
			return
		case running:
			next = interrupting
		}
		if !c.state.CompareAndSwap(s, next) {
			continue
		}
		if t := c.thread.Load(); s == running && t != nil {
			// Whoever waits finds the state changed, and sees to it that the signal arrives.
			if t.area.state.CompareAndSwap(stateRun, stateKicked) && t.area.asleep.Load() != 0 {
				futexWake(&t.area.state)
			}
			unix.Tgkill(t.proc.pid, t.tid, interruptSignal)
		}
		return
	}
}

// SetCPUs implements platform.Context.
func (c *context) SetCPUs(cpus []int) { c.allowed.Store(&cpus) }

// Answer implements platform.Answerer.
func (c *context) Answer(f *platform.Facts) {
	c.PathsChanged()
	clear(c.facts[:])
	c.orphan.Store(false)
	if f != nil {
		c.facts[0], c.facts[1], c.facts[(areaYield-areaPID)/4] = uint32(f.PID)+1, uint32(f.TID)+1, 1
		c.facts[factPPID] = uint32(f.PPID) + 1
		if f.IDs {
			copy(c.facts[2:], []uint32{f.UID + 1, f.EUID + 1, f.GID + 1, f.EGID + 1})
		}
	}
	if t := c.thread.Load(); t != nil {
		c.tell(t)
	}
}

// Orphan implements platform.Answerer. Either it finds what tell has written, or tell finds the mark.
func (c *context) Orphan() {
	c.orphan.Store(true)
	if t := c.thread.Load(); t != nil {
		t.area.facts[factPPID].Store(0)
	}
}

const factPPID = (areaPPID - areaPID) / 4

// tell gives the stub its answers.
func (c *context) tell(t *thread) {
	t.tell(&c.facts)
	if c.orphan.Load() {
		t.area.facts[factPPID].Store(0)
	}
}

// tell writes what the stub may answer.
func (t *thread) tell(known *[len(facts{})]uint32) {
	for i, f := range known {
		t.area.facts[i].Store(f)
	}
}

// mute has every call come to the sentry, until Switch returns: in application code that does little else
// than make calls that the stub answers, signals would hardly ever find anything but the stub.
func (c *context) mute(t *thread) {
	t.area.opened.Store(0) // or it goes on to open and close a file without end,
	c.FilesChanged()       // or to ask for its flags,
	c.PathsChanged()       // or for links
	if !c.muted {
		c.muted = true
		t.tell(new([len(facts{})]uint32))
		if c.asks = t.proc.patches.set.Load(); c.asks != nil {
			c.p.askInfos(c.asks, 1)
		}
	}
}

// FPU implements platform.Context.
func (c *context) FPU(dst []byte) {
	c.saveFPU()
	copy(dst, c.fpu)
}

// saveFPU brings the state into c.fpu.
func (c *context) saveFPU() {
	t := c.thread.Load()
	if c.fpuDirty || t == nil || t.proc.retired.Load() {
		return
	}
	if c.live && t.area.fp == 0 && !c.store(t) {
		arch.InitialFPU(c.fpu)
		return
	}
	image, ok := t.area.bytes(t.area.fp-t.at, uint64(arch.FPUSize))
	if ok {
		copy(c.fpu, image)
		clear(c.fpu[fxReserved:fxSize]) // what the host says about its signal frame
	}
	if !ok || arch.CheckFPU(c.fpu) != 0 {
		arch.InitialFPU(c.fpu)
	}
}

// storeTime is how long a thread may take to store its state: time enough on a busy host.
var storeTime = 10 * time.Second

// store has the thread store its state, which is in the processor, in its area.
func (c *context) store(t *thread) bool {
	a := t.area
	header, _ := a.bytes(areaFPU+fxSize, 64)
	clear(header)
	t.wake(stateSave)
	for deadline := time.Now().Add(storeTime); a.state.Load() == stateSave; {
		a.asleep.Store(1)
		if a.state.Load() == stateSave {
			futexWait(&a.state, stateSave, int64(storeTime))
		}
		a.asleep.Store(0)
		if time.Now().After(deadline) {
			t.proc.end("it does not store its state")
		}
	}
	a.fp = t.at + areaFPU
	return a.state.Load() == stateTrap && a.kind == kindSaved
}

// Bytes of an XSAVE image that are for software.
const (
	fxReserved = 464
	fxSize     = 512
)

// SetFPU implements platform.Context.
func (c *context) SetFPU(src []byte) {
	copy(c.fpu, src)
	c.fpuDirty = true
}

// OnEnter implements platform.Announcer.
func (c *context) OnEnter(f func()) { c.enters = f }

// Rest implements platform.Rester.
func (c *context) Rest() { c.discount() }

// Release implements platform.Context.
func (c *context) Release() { c.leave(false) }

// CPUTime implements platform.Metered.
func (c *context) CPUTime() int64 { return c.meter.Used() }

var _ platform.Context = (*context)(nil)
var _ platform.Answerer = (*context)(nil)
var _ platform.Completer = (*context)(nil)
var _ platform.Announcer = (*context)(nil)
var _ platform.Rester = (*context)(nil)
var _ platform.Metered = (*context)(nil)
var _ platform.Lender = (*context)(nil)
var _ platform.FileLender = (*context)(nil)
var _ platform.AddressSpace = (*space)(nil)
var _ platform.LateReleaser = (*space)(nil)
