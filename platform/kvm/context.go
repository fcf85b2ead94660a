package kvm

import (
	"runtime"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/platform/arch"
	"github.com/seed-7423c386/runsc/platform/handoff"
)

// context is an application thread. It implements platform.Context.
type context struct {
	p     *Platform
	v     atomic.Pointer[vcpu] // the last one; ours only if it says so
	state atomic.Int32
	tid   int32 // of the thread that Switch runs on; 0: not yet known

	fpu      [fpuSize]byte // guarded by v.mu if v is ours
	fpuDirty bool          // fpu is to be loaded before application code runs
	debug    platform.BreakPoints
	facts    answers
	meter    meter

	pace   handoff.Pace
	calls  int            // that it made near, as far as it matters
	hot    bool           // it had better go far
	back   bool           // it had better be near
	pinned bool           // the thread is bound to one processor
	live   bool           // the last trap was a call that came from a block
	last   arch.Registers // if live: what Switch returned
	at     uint64         // where it goes on, if that is in a trampoline (asks.go); 0: where the registers say

	bound   *[]int                // what allowed was when the thread was bound
	allowed atomic.Pointer[[]int] // processors by number, nil: all
}

// States of a context.
const (
	idle        int32 = iota
	running           // in the application, or on the way
	interrupted       // Interrupt was called: Switch returns soon
)

// fpuSize is that of struct kvm_xsave.
const fpuSize = 4096

func newContext(p *Platform) *context {
	c := &context{p: p, fpuDirty: true}
	arch.InitialFPU(c.fpu[:arch.FPUSize])
	return c
}

// Switch implements platform.Context.
func (c *context) Switch(as platform.AddressSpace, r *arch.Registers) platform.Trap {
	if c.tid == 0 {
		runtime.LockOSThread()
		c.tid = int32(unix.Gettid())
		c.meter.bind(c.tid)
	}
	if a := c.allowed.Load(); a != c.bound {
		c.live, c.pinned = false, false
		c.bind(a)
	}
	if !c.state.CompareAndSwap(idle, running) {
		c.state.Store(idle)
		return platform.Trap{Kind: platform.Interrupted}
	}
	c.p.running.Add(1)
	trap := c.untilTrap(as.(*space), r)
	c.p.running.Add(-1)
	c.state.Store(idle)
	return trap
}

// untilTrap runs application code on as many vCPUs as are taken away meanwhile.
func (c *context) untilTrap(s *space, r *arch.Registers) platform.Trap {
	for {
		v := c.lock()
		goesOn := v != nil && v.slot != nil && c.resume(v, s, r)
		if v != nil && v.slot != nil && !goesOn && !c.stays(v, s, r) {
			v.leave()
			v.mu.Unlock()
			v = nil
		}
		if c.hot && (v == nil || v.slot == nil) {
			v = c.goFar(v, s, r)
		}
		c.hot = false
		if v == nil {
			var err error
			if v, err = c.p.pool.take(c, c.tid); err != nil {
				c.p.log("kvm: %v", err)
				return platform.Trap{Kind: platform.Gone}
			}
			c.gets(v)
		}
		trap, done := c.run(v, s, r, goesOn)
		v.mu.Unlock()
		if done {
			return trap
		}
		runtime.Gosched()
	}
}

// gets notes that the vCPU is the context's, with mu held.
func (c *context) gets(v *vcpu) {
	c.debug.Dirty = c.debug.Dirty || v.debugged || c.debug.Control != 0
	c.v.Store(v)
}

// lock returns the context's vCPU, with its mu held; nil if it has none.
func (c *context) lock() *vcpu {
	v := c.v.Load()
	if v == nil {
		return nil
	}
	v.mu.Lock()
	if v.owner.Load() != c {
		v.mu.Unlock()
		return nil
	}
	return v
}

// maxTries is how often in a row the host may fail to run the vCPU for no reason that we see.
const maxTries = 16

// run runs application code until a trap, or until it is to run on another vCPU (false). goesOn: it does so already.
func (c *context) run(v *vcpu, s *space, r *arch.Registers, goesOn bool) (trap platform.Trap, done bool) {
	gone := platform.Trap{Kind: platform.Gone}
	if !goesOn {
		if trap, ok := c.begin(v, s, r); !ok {
			return trap, true
		}
	}
	c.live = false
	inside := false // the vCPU has what r lacks
	for tries := 0; tries < maxTries; goesOn = false {
		if c.back && v.slot != nil && !inside {
			return gone, false
		}
		if v.wanted.Load() != 0 {
			v.turn.Reset(turnTime)
		}
		l := v.slot
		e, called := c.enter(v, goesOn)
		if called {
			return c.handed(v, r), true
		}
		inside = false
		if l == nil {
			v.called = false
		}
		if e == 0 && v.run.reason == exitHLT {
			if trap, done := c.decode(v, s, r); done {
				c.hot = trap.Kind == platform.Syscall && c.fast(l)
				return trap, true
			}
			if c.state.Load() == interrupted { // perhaps its signal came on the way to ring 0
				return platform.Trap{Kind: platform.Interrupted}, true
			}
			v.load(s.root, r)
			if c.at != 0 {
				v.run.regs.rip, c.at = c.at, 0
			}
			continue
		}
		switch e {
		case unix.EINTR, unix.EAGAIN:
			switch c.interrupted(v, s, r, l) {
			case aCall:
				return call(r), true
			case aHalt:
				inside = true
				continue
			}
			if c.state.Load() == interrupted {
				return platform.Trap{Kind: platform.Interrupted}, true
			}
			if v.wanted.Load() != 0 {
				return gone, false
			}
		case unix.EFAULT:
			if c.p.door && v.run.regs.rip == doorAt {
				v.store(r)
				v.called = true
				c.hot = c.fast(l)
				return call(r), true
			}
			// The host has no page where the application, or the processor on its way to ring 0, went:
			// a file has shrunk.
			v.run.dirtyRegs = 0
			inside = true
			tries++
			s.postpone()
		default:
			c.p.log("kvm: KVM_RUN: errno %d, reason %d, rip %#x", e, v.run.reason, v.run.regs.rip)
			return gone, true
		}
	}
	v.store(r)
	if c.p.door { // which it has read: an address of the kernel
		return platform.Trap{Kind: platform.Exception, Signo: uint8(unix.SIGSEGV), Code: siKernel}, true
	}
	return platform.Trap{Kind: platform.Exception, Signo: uint8(unix.SIGBUS), Code: busAdrerr}, true
}

// startCalls are as many as a program makes before it does anything: for fewer the vCPU of a slot is not made.
const startCalls = 64

// fast tells whether the context, which has made a call in slot l or nil, had better go far.
func (c *context) fast(l *slot) bool {
	if l != nil {
		return false
	}
	c.calls++
	return c.pace.Near(&c.p.least) && c.calls > startCalls
}

// interrupted reads the registers of a vCPU whose KVM_RUN a signal has ended, in slot l or nil: those of a call; or none, since it is on its way to
// ring 0, and is just to go on (aHalt); or of application code.
func (c *context) interrupted(v *vcpu, s *space, r *arch.Registers, l *slot) seen {
	v.run.kick.Store(0)
	v.run.dirtyRegs = 0
	where := elsewhere
	if l != nil {
		where = l.where(v)
	}
	switch {
	case where == entering:
		v.store(r)
		if v.run.regs.rip-l.at(v) >= uint64(l.stub.kept) {
			r.Rax = l.block.regs.rax
		}
		return aCall
	case where == leaving || v.returning(): // nothing has been run
		v.load(s.root, r)
	case !v.between():
		return aHalt
	default:
		v.store(r)
		if a, start, off := s.siteIn(r.Rip); a != nil {
			a.finish(&s.p.asks, r, start, off)
		}
	}
	return tooLong
}

// begin makes the vCPU ready to run application code; false if Switch is to return. v.mu is held.
func (c *context) begin(v *vcpu, s *space, r *arch.Registers) (platform.Trap, bool) {
	if v.slot == nil {
		v.tid.Store(c.tid)
	}
	if !c.loadState(v) {
		return platform.Trap{Kind: platform.Gone}, false
	}
	if c.state.Load() == interrupted { // before it could be seen which vCPU is to be kicked
		return platform.Trap{Kind: platform.Interrupted}, false
	}
	c.at = 0
	v.load(s.root, r)
	return platform.Trap{}, true
}

// handed is a call that came through a block.
func (c *context) handed(v *vcpu, r *arch.Registers) platform.Trap {
	v.slot.block.read(r)
	trap := call(r)
	c.last, c.live = *r, true
	if c.pace.Far() {
		c.pace.Back()
		c.back = true
	}
	return trap
}

// loadState gives the vCPU the state that KVM_RUN does not take. v.mu is held.
func (c *context) loadState(v *vcpu) bool {
	if c.fpuDirty {
		if _, e := ioctlOn(v.fd, setXsave, &c.fpu); e != 0 {
			c.p.log("kvm: the extended state: errno %d", e)
			return false
		}
		c.fpuDirty = false
	}
	if c.debug.Dirty {
		c.loadDebug(v)
	}
	if v.facts != c.facts {
		v.facts = c.facts
		c.facts.write(v.home.entry[:])
	}
	return true
}

// Interrupt implements platform.Context.
func (c *context) Interrupt() {
	for {
		s := c.state.Load()
		if s == interrupted {
			return
		}
		if !c.state.CompareAndSwap(s, interrupted) {
			continue
		}
		if v := c.v.Load(); s == running && v != nil {
			v.interrupt()
		}
		return
	}
}

// SetCPUs implements platform.Context.
func (c *context) SetCPUs(cpus []int) { c.allowed.Store(&cpus) }

// bind binds the thread.
func (c *context) bind(allowed *[]int) {
	c.bound = allowed
	if allowed == nil || *allowed == nil {
		setAffinity(c.p.cpus)
	} else {
		setAffinity(*allowed)
	}
}

// saveFPU brings the state into c.fpu, of which v has a newer one if there is none to be loaded. v.mu
// is held.
func (c *context) saveFPU(v *vcpu) {
	if v.slot != nil {
		v.slot.stop(v)
	}
	if c.fpuDirty {
		return
	}
	if _, e := ioctlOn(v.fd, getXsave, &c.fpu); e != 0 {
		c.p.log("kvm: reading the extended state: errno %d", e)
	}
	clear(c.fpu[fxReserved:fxSize])
	c.fpuDirty = true
}

// Bytes of an XSAVE image that are for software.
const (
	fxReserved = 464
	fxSize     = 512
)

// FPU implements platform.Context.
func (c *context) FPU(dst []byte) {
	if v := c.lock(); v != nil {
		c.saveFPU(v)
		c.live, c.fpuDirty = false, false // v has it still
		defer v.mu.Unlock()
	}
	copy(dst, c.fpu[:arch.FPUSize])
}

// SetFPU implements platform.Context.
func (c *context) SetFPU(src []byte) {
	if v := c.lock(); v != nil {
		defer v.mu.Unlock()
	}
	copy(c.fpu[:], src)
	c.fpuDirty = true
}

// Release implements platform.Context.
func (c *context) Release() {
	if v := c.v.Load(); v != nil {
		c.p.pool.put(v, c)
	}
	if c.tid == 0 {
		return
	}
	if c.bound != nil || c.pinned {
		c.bind(nil)
	}
	c.tid = 0
	c.meter.unbind()
	runtime.UnlockOSThread() // for the goroutine of another context
}

var _ platform.Context = (*context)(nil)
var _ platform.Answerer = (*context)(nil)
var _ platform.Debugger = debuggable{}
var _ platform.AddressSpace = (*space)(nil)
