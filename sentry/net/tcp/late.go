package tcp

import "time"

// The first segments of a connection are acknowledged at once, so that a peer that has begun slowly, or waits before it sends a short
// segment (Nagle), goes on. But most servers answer at once as well, and the answer acknowledges the request: so one that is short
// waits until the application has nothing more to do and sleeps, or for lateTime.

// lateTime is how long an application may think about a request before that is acknowledged.
const lateTime = int64(2 * time.Millisecond)

// ackQuick acknowledges g at once, or as soon as it is clear that nobody answers it now.
func (s *segments) ackQuick(e *Endpoint, g *segment) {
	if !g.hold || len(g.data) >= s.mss/2 || s.ecn.ok || e.dead {
		s.ackNow = true
		return
	}
	if s.ackLate {
		return
	}
	s.ackLate = true
	e.table.late.add(e)
	if e.table.Stack.Waits.CompareAndSwap(false, true) {
		e.table.Stack.Clock.Set(&e.table.lateTimer, e.table.Stack.Clock.Now()+lateTime)
	}
}

// Rest acknowledges what has not been answered.
func (t *Table) Rest() {
	for _, e := range t.late.take() {
		e.lock()
		if s := e.net; s != nil {
			if s.ackLate && s.ackPending > 0 && e.state != Close {
				s.sendAck(e)
			}
			s.ackLate = false
		}
		e.unlock()
	}
}
