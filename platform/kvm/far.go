package kvm

import (
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform/arch"
	"github.com/seed-7423c386/runsc/platform/handoff"
	"github.com/seed-7423c386/runsc/platform/host"
)

// A context whose traps come fast goes far (package handoff), to the vCPU of a slot, which has a thread of its own, its runner, on
// another processor than the context's: a vCPU stays with its thread, since a change takes KVM a grace period of RCU before Linux 6.13, and
// some microseconds ever. Calls come through the stub's block (stub.go). What is not a call that goes on with
// another result in RAX ends KVM_RUN on the runner, which looks for a while whether it is to go on. All look for a while only:
// when the sentry takes long the stub leaves the virtual machine, and then the runner sleeps; when application code takes long the context
// goes back to a vCPU of its own thread.

// How long both sides look at least. What the sentry waits for at first is that the runner wakes. Where a near call costs more, they
// look longer: the stub and the runner as long as that, since to leave the virtual machine costs as much; the sentry
// several times that, since what interrupts the processor interrupts the virtual machine too. A gap in the looking is another's work, and no
// waiting. A longer one says that others want the processor; but an emulator may have one for all of its own, so that nothing is
// looked at while the runner wakes.
const (
	stubTime   = 30 * time.Microsecond
	spinTime   = 80 * time.Microsecond
	spinCalls  = 8
	firstTime  = 400 * time.Microsecond
	gapTime    = 20 * time.Microsecond  // what counts of a gap; at first it is half of firstTime
	stolenTime = 300 * time.Microsecond // a longer gap
	chunk      = 64                     // looks between readings of the counter
)

// maxSlots is how many stub pages there are room for.
const maxSlots = 12

// slot lets one vCPU be far.
type slot struct {
	p      *Platform
	id     int
	stub   stub
	tid    int32 // of the runner; 0: there is none yet
	work   host.Parker
	done   host.Parker
	order  atomic.Uint32 // 1: the runner is to run v
	asleep atomic.Uint32 // 1: it sleeps until somebody wakes it
	cpus   []int         // the runner's; set before work
	looks  uint32        // the runner's and the stub's; likewise

	v      atomic.Pointer[vcpu] // that it runs; nil: not yet made
	root   atomic.Uint64        // of the address space where, 0: nowhere
	block  *block
	halted atomic.Uint32 // 1: KVM_RUN has ended, as errno says
	failed bool          // there cannot be a vCPU; guarded by the pool's mu
	errno  unix.Errno
}

// newSlots makes slots for half of the processors.
func (p *Platform) newSlots() error {
	for id := range min(len(p.cpus)/2, maxSlots) {
		l := &slot{p: p, id: id}
		if p.outside {
			frame, errno := p.memory.newFrame()
			if errno != 0 {
				return fmt.Errorf("a stub: %w", errno)
			}
			l.stub = newStub(slotAt(id), blockAt(id)+blockOffset, doorAt)
			copy(p.memory.bytes(frame)[:], l.stub.code)
			if err := p.system.enter(slotAt(id), frame|pteUser); err != nil {
				return err
			}
		} else {
			l.stub = newStub(0, blockOffset, 0) // of which only the offsets count
		}
		p.slots = append(p.slots, l)
	}
	return nil
}

// at is where the stub is that SYSCALL of the vCPU goes to.
func (l *slot) at(v *vcpu) uint64 {
	if l.p.outside {
		return slotAt(l.id)
	}
	return entryAt(v.id) + stubOffset
}

// runner runs vCPUs.
func (l *slot) runner(ready chan struct{}) {
	runtime.LockOSThread()
	l.tid = int32(unix.Gettid())
	close(ready)
	looks := uint32(1)
	for bound := []int(nil); ; {
		if !handoff.Look(&l.order, 0, &l.order, 0, looks) {
			l.asleep.Store(1)
			for l.order.Load() == 0 {
				l.work.Park(-1)
			}
			l.asleep.Store(0)
		}
		l.order.Swap(0) // not Store: what was written before the order is seen, says the race detector too
		looks = l.looks
		if !slices.Equal(bound, l.cpus) {
			bound = l.cpus
			setAffinity(bound)
		}
		v := l.v.Load()
		e := v.enter()
		for l.stands(v, e) && !l.block.state.CompareAndSwap(blockTrap, blockLeft) && l.block.state.Load() == blockRun {
			// It is to go on, said just when the stub had had enough.
			v.run.regs.rip, v.run.regs.rax = l.at(v)+uint64(l.stub.spin), 1
			v.run.dirtyRegs = syncRegs
			e = v.enter()
		}
		l.errno = e
		l.halted.Store(1)
		l.done.Unpark()
	}
}

// claim returns the vCPU of a slot that nobody has, or takes it from a context that has been in the sentry for so long that its stub has
// left. Its mu is held then. nil: there is none.
func (p *Platform) claim() *vcpu {
	for _, l := range p.slots {
		v := l.vcpu()
		if v == nil || !v.mu.TryLock() {
			continue
		}
		if v.owner.Load() != nil && l.asleep.Load() == 1 && l.halted.Load() == 1 {
			v.leave()
		}
		if v.owner.Load() == nil {
			return v
		}
		v.mu.Unlock()
	}
	return nil
}

// vcpu returns the slot's vCPU, which it makes, with the runner, when it is wanted first.
func (l *slot) vcpu() *vcpu {
	if v := l.v.Load(); v != nil {
		return v
	}
	pool := &l.p.pool
	pool.mu.Lock()
	defer pool.mu.Unlock()
	if l.v.Load() != nil || l.failed {
		return l.v.Load()
	}
	v, err := pool.makeLocked(l)
	if err != nil {
		l.p.log("kvm: %v", err)
		l.failed = true
		return nil
	}
	ready := make(chan struct{})
	go l.runner(ready)
	<-ready
	v.tid.Store(l.tid)
	l.v.Store(v)
	return v
}

// goFar finds a vCPU for the context that is to run far in s, with its mu held, and gives v up, which it has, or nil; v if there is none.
func (c *context) goFar(v *vcpu, s *space, r *arch.Registers) *vcpu {
	allowed := c.p.cpus
	if c.bound != nil && *c.bound != nil {
		allowed = *c.bound
	}
	if len(allowed) < 2 || r.Eflags&arch.FlagTF != 0 || len(c.p.slots) == 0 || int(c.p.running.Load()) >= len(c.p.cpus) || c.debug.Control != 0 {
		return v
	}
	w := c.p.claim()
	if w == nil {
		return v
	}
	l := w.slot
	var errno linux.Errno
	if l.block, errno = c.p.blockOf(w, s); errno != 0 {
		w.mu.Unlock()
		return v
	}
	if v != nil {
		c.saveFPU(v)
		v.owner.Store(nil)
		c.p.pool.giveUp(v)
		v.mu.Unlock()
	}
	w.owner.Store(c)
	c.gets(w)
	here := handoff.Processor()
	setAffinity([]int{here})
	c.pinned, c.back = true, false
	l.cpus = slices.DeleteFunc(slices.Clone(allowed), func(n int) bool { return n == here })
	l.looks = handoff.Looks(max(stubTime, time.Duration(handoff.Nanoseconds(c.p.least.Load()))))
	l.block.awake, l.block.looks = 1, l.looks
	l.halted.Store(1)
	l.root.Store(s.root)
	c.meter.begin(l.tid)
	c.pace.Goes()
	return w
}

// start has the runner run v, which is ready.
func (l *slot) start() {
	l.block.state.Store(blockRun)
	l.halted.Store(0)
	l.order.Store(1)
	l.work.Unpark()
}

// blockOf returns the block of a slot's vCPU in s.
func (p *Platform) blockOf(v *vcpu, s *space) (*block, linux.Errno) {
	if p.outside {
		return s.block(v.slot.id)
	}
	return v.home.block, 0
}

// leave stops a slot's vCPU that is a context's, and it is nobody's. mu is held.
func (v *vcpu) leave() {
	c := v.owner.Load()
	c.saveFPU(v)
	c.meter.end()
	v.slot.root.Store(0)
	v.owner.Store(nil)
}

// stop ends the KVM_RUN that goes on, if one does: registers that are to be loaded at the next stay so else. v.mu is held.
func (l *slot) stop(v *vcpu) {
	if l.halted.Load() == 1 {
		v.called = l.stands(v, l.errno)
		return
	}
	for first := true; l.halted.Load() == 0; first = false {
		if first {
			v.interrupt()
			handoff.Look(&l.halted, 0, &l.halted, 0, max(4*chunk, l.looks))
			continue
		}
		l.done.Park(int64(time.Second))
	}
	v.run.dirtyRegs = 0
	v.called = l.stands(v, l.errno)
}

// stays stops a vCPU that is far, and tells whether it had better stay so: its runner looks for what it is to do.
func (c *context) stays(v *vcpu, s *space, r *arch.Registers) bool {
	l := v.slot
	if c.back || l.root.Load() != s.root || r.Eflags&arch.FlagTF != 0 {
		return false
	}
	l.stop(v)
	return l.asleep.Load() == 0
}

// haltIn stops what is far in the address space with that root, where nobody is inside Switch.
func (p *Platform) haltIn(root uint64) {
	for _, l := range p.slots {
		for l.root.Load() == root {
			v := l.v.Load()
			if !v.mu.TryLock() {
				runtime.Gosched() // somebody halts it
				continue
			}
			if l.root.Load() == root {
				v.leave()
			}
			v.mu.Unlock()
		}
	}
}

// resume lets application code that is far go on behind its call; false if it cannot. v.mu is held.
func (c *context) resume(v *vcpu, s *space, r *arch.Registers) bool {
	l := v.slot
	if !c.live || c.back || l.root.Load() != s.root || c.fpuDirty || c.debug.Dirty || v.facts != c.facts || !c.same(r) {
		return false
	}
	l.block.regs.rax = r.Rax
	return l.block.state.CompareAndSwap(blockTrap, blockRun)
}

// same tells whether all registers are as Switch returned them, but for the call's result.
func (c *context) same(r *arch.Registers) bool {
	if r.Eflags&(arch.FlagTF|arch.FlagRF) != 0 || r.Rip >= maxAddr {
		return false
	}
	c.last.Rax, c.last.OrigRax = r.Rax, r.OrigRax
	return c.last == *r
}

// enter runs the vCPU, on its own thread or in its slot, where it may go on already. called: there is a call in the block.
func (c *context) enter(v *vcpu, goesOn bool) (e unix.Errno, called bool) {
	l := v.slot
	if l == nil {
		c.unpin()
		c.pace.Resumed()
		c.meter.begin(c.tid)
		e = v.enter()
		c.meter.end()
		return e, false
	}
	if !goesOn { // or else it may have halted with the next call
		l.start()
	}
	switch c.await(l) {
	case aCall:
		return 0, true
	case aHalt:
		l.stop(v)
	case tooLong:
		l.stop(v)
		c.pace.Back()
		c.back = true
	}
	return l.errno, false
}

// What await sees.
type seen int

const (
	aCall   seen = iota // in the block
	aHalt               // KVM_RUN has ended, or is to end
	tooLong             // nothing
)

// await looks for what happens to the vCPU.
func (c *context) await(l *slot) seen {
	t, first := &c.p.ticks, !c.pace.IsFar()
	last, waited, gap, bound := c.pace.Resumed(), uint64(0), t.gap, max(t.spin, spinCalls*c.p.least.Load())
	if first {
		gap, bound = t.first/2, max(bound, t.first)
	}
	for {
		if handoff.Look(&l.block.state, blockRun, &l.halted, 0, chunk) {
			if l.block.state.Load() == blockTrap {
				return aCall
			}
			return aHalt
		}
		if c.state.Load() == interrupted {
			return aHalt
		}
		now := handoff.Counter()
		waited += min(now-last, gap)
		if now-last > t.stolen && !first || waited > bound {
			return tooLong
		}
		last = now
	}
}

// unpin lets the context's thread run on all processors it may, if it was far.
func (c *context) unpin() {
	if c.pinned {
		c.pinned = false
		c.bind(c.bound)
	}
}
