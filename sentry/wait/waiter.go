package wait

import (
	"sync/atomic"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform/arch"
	"github.com/seed-7423c386/runsc/platform/host"
)

// Waiter is a task's own means of sleeping. Only the task's goroutine sleeps on it; anybody
// may Wake or Interrupt it.
type Waiter struct {
	ch          chan struct{} // capacity 1: a wake that came before the sleep is kept
	thread      *host.Parker  // in place of ch
	interrupted atomic.Bool
	entry       Entry
	timer       *time.Timer
	sleeping    atomic.Bool
	wokenOn     atomic.Int32  // the processor of who woke the last sleep
	slept       time.Duration // the task's goroutine only
	outside     atomic.Bool   // the last wake-up came from outside
	leading     atomic.Bool   // it sleeps in Outside.Lead
	before      func()        // may be nil
}

// NewWaiter returns a waiter.
func NewWaiter() *Waiter {
	w := &Waiter{ch: make(chan struct{}, 1)}
	w.entry.Wake = func(*Entry, Event) { w.Wake() }
	return w
}

// NewThreadWaiter returns a waiter for a goroutine that is locked to its thread.
func NewThreadWaiter() *Waiter {
	w := &Waiter{thread: new(host.Parker)}
	w.entry.Wake = func(*Entry, Event) { w.Wake() }
	return w
}

// BeforeSleep has f called whenever a sleep begins.
func (w *Waiter) BeforeSleep(f func()) { w.before = f }

// Wake ends the current sleep, or the next one.
func (w *Waiter) Wake() {
	o := theOutside.Load()
	if o != nil {
		w.outside.Store((*o).Looking())
	}
	if w.sleeping.Load() {
		w.wokenOn.Store(int32(arch.CPU()))
		w.sleeping.Store(false) // as after try_to_wake_up (kernel/sched/core.c)
	}
	if w.thread != nil {
		w.thread.Unpark()
	} else {
		select {
		case w.ch <- struct{}{}:
		default:
		}
	}
	if o != nil && w.leading.Load() {
		(*o).Kick()
	}
}

// Interrupt makes the sleep that is going on, and every later one, end with ERESTARTSYS until
// ClearInterrupt: a signal is pending, the task is to stop, to be frozen or to die.
func (w *Waiter) Interrupt() {
	w.interrupted.Store(true)
	w.Wake()
}

// ClearInterrupt is called by the run loop before it looks at what there is to do.
func (w *Waiter) ClearInterrupt() { w.interrupted.Store(false) }

// Interrupted reports whether a sleep would end at once.
func (w *Waiter) Interrupted() bool { return w.interrupted.Load() }

// Sleeping reports whether the task sleeps just now (state S of proc(5)): no longer if it was woken, though it has not run yet.
func (w *Waiter) Sleeping() bool { return w.sleeping.Load() }

// WokenOn is the processor that the waker of the last sleep ran on. Only for a thread's waiter.
func (w *Waiter) WokenOn() int { return int(w.wokenOn.Load()) }

// Doze sleeps until Wake or Interrupt, also if there was an Interrupt before.
func (w *Waiter) Doze() {
	if w.before != nil {
		w.before()
	}
	if w.thread != nil {
		w.thread.Park(-1)
		return
	}
	<-w.ch
}

// Slept is how long the task has slept in all, ns. For the task's goroutine.
func (w *Waiter) Slept() int64 { return int64(w.slept) }

// Forever is the deadline that never comes.
var Forever time.Time

// Sleep waits for Wake: 0; for Interrupt: ERESTARTSYS; or for the deadline: ETIMEDOUT.
// Wake-ups may be spurious. A deadline in the past still lets an earlier Wake win.
func (w *Waiter) Sleep(deadline time.Time) linux.Errno {
	if w.interrupted.Load() {
		return linux.ERESTARTSYS
	}
	w.sleeping.Store(true)
	defer w.sleeping.Store(false)
	if w.noticed() {
		return w.woken()
	}
	left := int64(-1)
	if !deadline.IsZero() {
		if left = int64(time.Until(deadline)); left <= 0 {
			return linux.ETIMEDOUT
		}
	}
	if w.before != nil {
		w.before()
	}
	began := time.Now()
	defer func() { w.slept += time.Since(began) }()
	switch o := theOutside.Load(); {
	case o == nil:
	case !w.outside.Load():
		(*o).Rest()
	default:
		if errno, done := w.lead(*o, deadline, left); done {
			return errno
		}
		if left >= 0 {
			if left = int64(time.Until(deadline)); left <= 0 {
				return linux.ETIMEDOUT
			}
		}
	}
	if w.thread != nil {
		woken := w.thread.Park(left)
		if woken && w.WokenOn() == arch.CPU() {
			// Whoever woke us was preempted for us, most likely with a lock that we want: a goroutine that
			// is locked to its thread waits for it at the cost of several thread switches.
			host.Yield()
		}
		if woken || left < 0 || time.Now().Before(deadline) {
			return w.woken()
		}
		return linux.ETIMEDOUT
	}
	return w.sleepOnChannel(left)
}

// noticed takes notice of a Wake that came before the sleep.
func (w *Waiter) noticed() bool {
	if w.thread != nil {
		return w.thread.Woken()
	}
	select {
	case <-w.ch:
		return true
	default:
		return false
	}
}

// sleepOnChannel is Sleep for left nanoseconds, if that is not negative.
func (w *Waiter) sleepOnChannel(left int64) linux.Errno {
	var expired <-chan time.Time
	if left >= 0 {
		if w.timer == nil {
			w.timer = time.NewTimer(time.Duration(left))
		} else {
			w.timer.Reset(time.Duration(left))
		}
		defer w.timer.Stop()
		expired = w.timer.C
	}
	select {
	case <-w.ch:
		return w.woken()
	case <-expired:
		return linux.ETIMEDOUT
	}
}

func (w *Waiter) woken() linux.Errno {
	if w.interrupted.Load() {
		return linux.ERESTARTSYS
	}
	return 0
}

// Until calls try until it answers something else than EAGAIN, sleeping on q between the
// calls. It returns what try returned; or ERESTARTSYS after an interrupt, ETIMEDOUT after the
// deadline (Forever: none). try runs once more after registration, so no wake-up is lost, and
// after the sleep: what is there wins over a signal and over the deadline (wait_event).
func Until(q *Queue, mask Event, w *Waiter, deadline time.Time, try func() (int, linux.Errno)) (int, linux.Errno) {
	n, errno := try()
	if errno != linux.EAGAIN {
		return n, errno
	}
	q.Register(&w.entry, mask)
	defer q.Unregister(&w.entry)
	for {
		n, errno = try()
		if errno != linux.EAGAIN {
			return n, errno
		}
		if ended := w.Sleep(deadline); ended != 0 {
			if n, errno = try(); errno != linux.EAGAIN {
				return n, errno
			}
			return 0, ended
		}
	}
}
