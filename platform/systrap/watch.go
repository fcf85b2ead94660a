package systrap

import (
	"time"

	"github.com/seed-7423c386/runsc/platform/handoff"
)

// Every hand-over that takes long is looked at again, in case that a wake-up was lost, by whoever
// waits: no other goroutine is needed, and a sandbox in which nobody waits for a stub does nothing.
// What is found is mended and logged.

// patience is how long somebody waits for a stub before he looks what is the matter.
var patience = int64(time.Second)

// tooLate is for how long a stub may wait for a sentry that sleeps: it may have posted its trap just when that was about to look.
const tooLate = time.Millisecond

// watch looks at a hand-over to the thread that has taken long. Most often application code
// computes. The time to look has come when the counter was at due.
func (c *context) watch(t *thread, due uint64) {
	a := t.area
	switch state := a.state.Load(); state {
	case stateTrap:
		// The stub wakes the sentry before it says that it waits, and that would not have been a time-out.
		if a.waits.Load() != 0 && a.since+handoff.Ticks(tooLate) < due {
			c.report(t, state, "the sentry was not woken")
		}
	case stateRun, stateKicked:
		// The host lets nobody fall asleep on a word that has changed.
		if futexWake(&a.state) {
			c.report(t, state, "the stub was not woken")
		}
	}
}

func (c *context) report(t *thread, state uint32, what string) {
	a := t.area
	c.p.log("systrap: lost wake-up: %s: thread %d of stub process %d, which went on at %#x: state %d, waits %d, kind %d, seen %d, far %v",
		what, t.tid, t.proc.pid, c.pc, state, a.waits.Load(), a.kind, a.seen.Load(), c.placing.far != nil)
}

// watch looks at an order that has taken long. mu is held.
func (s *process) watch() {
	c := s.ctl
	switch {
	case c.done.Load() != 0:
		// The stub answers first and wakes then, and may be just about to.
	case futexWake(&c.seq):
		s.p.log("systrap: lost wake-up: the service thread of stub process %d was not woken for order %d: %d calls, the first is %d",
			s.pid, c.seq.Load(), c.count, c.calls[0][0])
	default:
		s.p.log("systrap: stub process %d is at order %d for long: %d calls, the first is %d", s.pid, c.seq.Load(), c.count, c.calls[0][0])
	}
}
