// Package wait is how everything in the kernel waits and wakes.
//
// An object that can become ready owns a Queue and calls Notify when something changed. A
// task that has nothing to do but wait calls Until with its own Waiter: the operation is
// tried, and as long as it answers EAGAIN the task sleeps on the queue and tries again. It is
// the only blocking loop of the kernel, so signals, time-outs, pause and checkpoint work
// everywhere by construction. epoll and poll register Entries with a callback instead.
//
// Lock order: a Queue's lock is a leaf but for the callbacks it runs; a callback takes only
// leaf locks of its own and never calls back into the queue.
package wait

import (
	"sync/atomic"

	"github.com/seed-7423c386/runsc/sentry/lock"
)

// Event is a set of poll(2) events: POLLIN and so on, in the numbering of epoll(7).
type Event uint32

// The events of poll(2).
const (
	In    Event = 0x1
	Pri   Event = 0x2
	Out   Event = 0x4
	Err   Event = 0x8
	Hup   Event = 0x10
	Nval  Event = 0x20
	RdHup Event = 0x2000

	// Ordinary and urgent data apart, as poll(2) can.
	RdNorm Event = 0x40
	RdBand Event = 0x80
	WrNorm Event = 0x100
	WrBand Event = 0x200

	// Internal is used by objects that wake their own sleepers for reasons poll(2) has no
	// name for (a lock released, a child that changed state).
	Internal Event = 1 << 30

	// Silent comes with events of which no SIGIO tells, HungUp with those of which it tells POLL_HUP whatever else they are
	// (sk_wake_async).
	Silent Event = 1 << 29
	HungUp Event = 1 << 28

	All = In | Pri | Out | Err | Hup | RdHup | Internal
)

// Entry is one registration in one Queue. It may be embedded, is not copied while registered,
// and is registered in at most one queue at a time.
type Entry struct {
	// Wake is called with the events that happened, under the queue's lock: it must be
	// short, must not block and must not use the queue. Set before Register.
	Wake func(e *Entry, got Event)
	// Data is the owner's.
	Data any

	queue      *Queue
	mask       Event
	exclusive  bool
	next, prev *Entry
}

// Queue is a list of entries to be woken. The zero value is empty and ready.
type Queue struct {
	mu   lock.Mutex[lock.Queue]
	head Entry // sentinel; head.next == nil while empty and never used
	used bool
	// entries is how many there are. Who registers looks afterwards whether there is anything to wait for, so a
	// Notify that finds none here has nobody to tell.
	entries atomic.Int32
}

// Register adds e, to be called for the events in mask; Err and Hup always count.
func (q *Queue) Register(e *Entry, mask Event) { q.register(e, mask, false) }

// RegisterExclusive is Register for a waiter that consumes what it waits for: one Notify
// wakes all ordinary entries but only the first exclusive one (EPOLLEXCLUSIVE, accept).
func (q *Queue) RegisterExclusive(e *Entry, mask Event) { q.register(e, mask, true) }

func (q *Queue) register(e *Entry, mask Event, exclusive bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if e.queue != nil {
		panic("wait: entry registered twice")
	}
	if !q.used {
		q.head.next, q.head.prev = &q.head, &q.head
		q.used = true
	}
	e.queue, e.mask, e.exclusive = q, mask|Err|Hup, exclusive
	last := q.head.prev
	e.prev, e.next = last, &q.head
	last.next, q.head.prev = e, e
	q.entries.Add(1)
}

// Unregister removes e. When it returns, Wake is not running and will not be called again.
// An entry that is not registered here is left alone.
func (q *Queue) Unregister(e *Entry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if e.queue != q {
		return
	}
	e.prev.next, e.next.prev = e.next, e.prev
	e.queue, e.next, e.prev = nil, nil, nil
	q.entries.Add(-1)
}

// Notify wakes the entries that wait for any event of got.
func (q *Queue) Notify(got Event) {
	if q.entries.Load() == 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.used {
		return
	}
	exclusiveDone := false
	for e := q.head.next; e != &q.head; {
		next := e.next
		if hit := e.mask & got; hit != 0 && !(e.exclusive && exclusiveDone) {
			exclusiveDone = exclusiveDone || e.exclusive
			e.Wake(e, hit)
		}
		e = next
	}
}

// Empty reports whether nobody is registered.
func (q *Queue) Empty() bool { return q.entries.Load() == 0 }
