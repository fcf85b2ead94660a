package wait

import (
	"sync/atomic"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// Outside is where wake-ups come from that nobody inside causes: the network. A task that was woken from
// there last, and sleeps again, looks after it in person: what comes in wakes its thread and no other, and the task
// finds what it waits for by its own hand. That saves two switches of threads for each packet of a server.
type Outside interface {
	// Look takes in what has come. It does not block.
	Look()
	// Rest is told that a task is about to sleep.
	Rest()
	// Looking reports whether somebody is at it.
	Looking() bool
	// Lead waits until something has come in, Kick, or timeout in ns, if that is not negative, between Begin and End of the
	// leader: led is false if somebody else waits already. woke says that what came in woke somebody.
	Lead(w *Waiter, timeout int64) (led, woke bool)
	Kick()
}

var theOutside atomic.Pointer[Outside]

// SetOutside makes o known to all waiters.
func SetOutside(o Outside) { theOutside.Store(&o) }

// Look takes in what has come from outside, if that is something to be looked for.
func Look() bool {
	o := theOutside.Load()
	if o != nil {
		(*o).Look()
	}
	return o != nil
}

// Begin is called by Outside before it waits for w: from here on Wake kicks. It is false if there was a Wake.
func (w *Waiter) Begin() bool {
	w.leading.Store(true)
	return !w.Pending()
}

// Pending reports whether there was a Wake.
func (w *Waiter) Pending() bool {
	if w.thread != nil {
		return w.thread.Pending()
	}
	return len(w.ch) != 0
}

// End is called when it no longer waits.
func (w *Waiter) End() { w.leading.Store(false) }

// lead is Sleep of one who looks after the outside: false if that is not to be, or not any longer.
func (w *Waiter) lead(o Outside, deadline time.Time, left int64) (linux.Errno, bool) {
	o.Look()
	for {
		if w.noticed() {
			return w.woken(), true
		}
		o.Rest()
		led, woke := o.Lead(w, left)
		if w.noticed() {
			return w.woken(), true
		}
		if woke { // others: they had better wait in person
			w.outside.Store(false)
		}
		if !led || woke {
			return 0, false
		}
		if left >= 0 {
			if left = int64(time.Until(deadline)); left <= 0 {
				return linux.ETIMEDOUT, true
			}
		}
	}
}
