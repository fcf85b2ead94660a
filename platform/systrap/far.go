package systrap

import (
	"sync/atomic"

	"github.com/seed-7423c386/runsc/platform/handoff"
)

// To move who runs to another processor costs three times what it costs to move who sleeps. So when a context goes far it is the stub that
// goes; unless traps mostly come late, as from a compiler, which goes on where its data are.
//
// A program whose traps mostly come fast may be late for once, as when ld.so relocates a library. It stays apart then: it sleeps
// where it is, is woken from the other processor, and is far again. That is less than to come back, and to make calls at ten times
// their cost until it goes again.

// notFar gives up being far.
func (c *context) notFar() {
	if s := c.placing.far; s != nil {
		s.holder.CompareAndSwap(c, nil)
		c.placing.far = nil
		if t := c.thread.Load(); t != nil {
			t.proc.far.CompareAndSwap(t, nil)
		}
	}
}

// farSlot lets one context be far.
type farSlot struct {
	holder atomic.Pointer[context]
	// doubt: another wanted the slot while the holder was not running. If it still is when the slot is
	// wanted again, the slot is another's.
	doubt atomic.Bool
}

// keep tells whether c has the slot still, and that it uses it.
func (s *farSlot) keep(c *context) bool {
	if s.doubt.Load() {
		s.doubt.Store(false)
	}
	return s.holder.Load() == c
}

// claim gives the slot to c if nobody uses it.
func (s *farSlot) claim(c *context) bool {
	h := s.holder.Load()
	if h != nil && (h.inside() || !s.doubt.Swap(true)) {
		return false
	}
	if !s.holder.CompareAndSwap(h, c) {
		return false
	}
	s.doubt.Store(false)
	return true
}

// claimFar returns a slot for c, nil if there is none.
func (p *cpus) claimFar(c *context) *farSlot {
	for i := range p.far {
		if p.far[i].claim(c) {
			return &p.far[i]
		}
	}
	return nil
}

// consider looks whether a near context that has trapped should go far.
func (c *context) consider(t *thread) {
	l, p := &c.placing, &c.p.cpus
	now := handoff.Counter()
	if l.apart {
		c.rejoin(t, now)
		return
	}
	if gap := now - l.resumed; gap > handoff.Ticks(hotGap) {
		l.hot = 0
		if gap > handoff.Ticks(spinTime) {
			c.life.slow++
		}
		return
	}
	if l.hot++; l.hot < c.life.enough() {
		c.life.young--
		return
	}
	if now < l.until && (l.hot < surelyTraps || l.rest > firstRest || l.traps > usefulTraps) {
		return
	}
	l.hot = 0
	n := len(p.numbers)
	if n < 2 || int(p.running.Load()) >= n-1 {
		return
	}
	for i := 1; i < n; i++ {
		if cpu := (l.cpu + i) % n; p.load[cpu].Load() == 0 {
			c.moveFar(t, cpu)
			return
		}
	}
}

// rejoin has a context that has stayed apart be far again, if that is not known to be in vain.
func (c *context) rejoin(t *thread, now uint64) {
	l, p := &c.placing, &c.p.cpus
	l.apart = false
	if now-l.resumed > handoff.Ticks(apartTime) {
		c.failed()
	} else if t.cpu == l.cpu && p.here() != l.cpu && int(p.running.Load()) < len(p.numbers)-1 {
		c.goFar(t)
	}
}

// moveFar makes a near context far, which uses another processor from now on.
func (c *context) moveFar(t *thread, cpu int) {
	l, p := &c.placing, &c.p.cpus
	if !c.goFar(t) {
		return
	}
	l.traps, l.missed = 0, 0
	if !c.life.brisk || !c.may(cpu) || p.here() != l.cpu {
		p.bindSelf(cpu)
		return
	}
	p.bindSelf(l.cpu)
	c.bind(t, cpu)
	t.proc.farCPU.Store(int32(p.numbers[cpu]))
}

// goFar makes a context far, where it and its stub are; false: there is no slot.
func (c *context) goFar(t *thread) bool {
	l, p := &c.placing, &c.p.cpus
	if l.far = p.claimFar(c); l.far == nil {
		return false
	}
	t.proc.farCPU.Store(int32(p.numbers[l.cpu]))
	t.proc.far.Store(t)
	return true
}

// comeBack makes a far context near again.
func (c *context) comeBack(t *thread) {
	c.failed()
	t.area.spin = 0 // nobody answers beside it
	c.near(t, c.placing.cpu)
}

// failed has a context that was far stay near for a while.
func (c *context) failed() {
	l := &c.placing
	if l.traps > usefulTraps {
		l.rest = 0
	}
	l.rest = min(max(2*l.rest, firstRest), lastRest)
	l.until = handoff.Counter() + handoff.Ticks(l.rest)
}

// stayApart has a far context that has spun in vain sleep where it is, if it has trapped often enough since it last did. Another may be
// far meanwhile.
func (c *context) stayApart(now uint64) {
	if l := &c.placing; c.life.brisk && l.traps-l.missed >= forgive {
		l.missed, l.apart, l.resumed = l.traps, true, now
		c.notFar()
	}
}

// spin looks at the state of a far context's stub until it changes, which it mostly does at once. It is false if the context
// had better be near. As soon as there is a call, its cache line is made this processor's, which takes as long as to read it: the stub
// does not look for a while, and the answer finds the line here.
func (c *context) spin(t *thread, state uint32) bool {
	p, l := &c.p.cpus, &c.placing
	if int(p.running.Load()) >= len(p.numbers) {
		return false
	}
	if handoff.Look(&t.area.state, state, &t.area.state, state, chunk) {
		handoff.Own(&t.area.state)
		l.traps++
		return true
	}
	if p.here() == l.cpu {
		return false
	}
	began := handoff.Counter()
	last, bound, stolen := began, handoff.Ticks(spinTime), handoff.Ticks(stolenTime)
	for {
		if handoff.Look(&t.area.state, state, &t.area.state, state, chunk) {
			l.traps++
			return true
		}
		now := handoff.Counter()
		if now-last > stolen || c.state.Load() == interrupting {
			return false
		}
		if now-began > bound {
			c.life.slow++
			c.stayApart(now)
			return false
		}
		last = now
	}
}
