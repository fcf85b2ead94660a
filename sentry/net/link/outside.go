package link

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/platform/handoff"
	"github.com/seed-7423c386/runsc/platform/host"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// frames waits for what comes in by all links. At a time one waits: a task that sleeps and was last woken from here
// (wait.Outside), or the reader, a goroutine that does if no task does. When a task has left, to run, the
// reader gives it some time to come back before it waits itself; until then it looks from time to time.
type frames struct {
	links atomic.Pointer[[]*socket]
	kick  int // an eventfd

	mu      sync.Mutex // held to take frames in
	looking atomic.Bool
	woke    atomic.Bool // somebody, meanwhile
	leader  atomic.Int32
	led     atomic.Uint32 // how often a task has waited
	reader  host.Parker
	parked  atomic.Bool // the reader sleeps until a task has left

	sent  atomic.Bool // a frame, since flow has looked
	took  int         // frames since then, under mu, as all that follows
	since int64       // when that was
	flows bool        // what it has found
	bulk  bool        // a long frame has come since the leader has last waited
}

// Who waits.
const (
	nobody int32 = iota
	aTask
	theReader
)

// soon is how long who waits keeps the Go runtime's processor, ns: giving it up and getting it back costs more than
// a frame that comes soon. It is more than a tick of the host's, whose timer is then the next to expire anyway: to set an earlier one, and
// to take it back, is an exit each in a virtual machine, of 10 µs and more.
const soon = 5e6

// Times that the reader gives tasks to come back, ns: the longer the longer they have come and gone each time, since to look, and
// to take in what a task would have taken in soon, costs time that a server lacks. If one computes then, frames wait for so long, once.
// And how long the reader lets frames gather when those before have woken nobody more than so often, and were not further apart:
// tasks are busy then, and are not to be driven from their processor for each frame.
const (
	grace     = 50e3
	longGrace = 2e6
	pause     = 100e3
	fewIdle   = 6
	apart     = 400e3
)

// Of a task that takes in a stream of datagrams, and answers none, each frame would find the thread asleep, and waking that costs the
// sender more than to send. So if frames have come faster than one in fastFrame, and none has gone out, for flowTime, the task lets
// them gather for pause, as drivers of network cards do (adaptive-rx of ethtool(8)). Who waits for an answer is not kept waiting
// by this: there would be answers. Both in ns.
const (
	fastFrame = 12e3
	flowTime  = 1e6
)

// Who sends long frames in a stream waits a while for each to be copied and sends the next then: so the leader looks for as long, ns, before it
// sleeps. To wake it from there would cost the sender as much as to send.
const (
	longFrame = 16 << 10
	bulkTime  = 50e3
)

var outside frames

// add makes a link known. The first starts it all.
func (f *frames) add(l *socket) {
	f.mu.Lock()
	defer f.mu.Unlock()
	first := f.links.Load() == nil
	var links []*socket
	if !first {
		links = slices.Clone(*f.links.Load())
	}
	links = append(links, l)
	f.links.Store(&links)
	if first {
		f.kick, _ = host.Eventfd()
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1) // who waits keeps one
		wait.SetOutside(f)
		go f.read()
		return
	}
	f.Kick() // who waits does not know the new one
}

// read is the reader.
func (f *frames) read() {
	idle, last := 0, int64(0) // how often frames have woken nobody, and when they came
	for rest, led := int64(grace), uint32(0); ; {
		now := f.led.Load()
		if now == led && f.leader.CompareAndSwap(nobody, theReader) {
			f.wait(-1)
			f.leader.Store(nobody)
			if f.look() { // somebody may be about to wait
				rest, led, idle = grace, f.led.Load(), 0
				f.reader.Nap(rest)
				continue
			}
			before := last
			if last = stack.Wall.Now(); last-before > apart {
				idle = 0
			}
			if idle++; idle > fewIdle {
				f.reader.Nap(pause)
			}
			continue
		}
		if now != led { // tasks come and go
			led, rest = now, min(2*rest, longGrace)
			f.reader.Nap(rest)
			continue
		}
		f.parked.Store(true)
		if f.leader.Load() == aTask {
			f.reader.Park(-1)
		}
		f.parked.Store(false)
		rest = grace
		f.reader.Nap(rest)
	}
}

// wait waits for a frame, a kick or the time.
func (f *frames) wait(timeout int64) {
	var few [16]int
	fds := append(few[:0], f.kick)
	for _, l := range *f.links.Load() {
		if !l.shut.Load() {
			fds = append(fds, l.sock.FD)
		}
	}
	if host.WaitRead(fds, timeout, soon) {
		f.kicked()
	}
}

// gather waits for pause, or a kick.
func (f *frames) gather() {
	if host.WaitRead([]int{f.kick}, pause, pause) {
		f.kicked()
	}
}

func (f *frames) kicked() {
	var b [8]byte
	host.Read(f.kick, b[:])
}

// count notes a frame of size bytes.
func (f *frames) count(size int) {
	f.took++
	f.bulk = f.bulk || size >= longFrame
}

// flow reports whether frames come in a stream that is better taken in by many at a time, and whether a long one has come. The leader asks,
// each time before it waits.
func (f *frames) flow(now int64) (flows, bulk bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	bulk, f.bulk = f.bulk, false
	if time := now - f.since; time >= flowTime {
		f.flows = !f.sent.Load() && time < int64(f.took)*fastFrame
		f.since, f.took = now, 0
		f.sent.Store(false)
	}
	return f.flows, bulk
}

// lookFor looks for a frame of the leader w, as long as is worth it: false if none has come, and nobody has woken w.
func (f *frames) lookFor(w *wait.Waiter, timeout int64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	links := *f.links.Load()
	until := stack.Wall.Now() + bulkTime
	if timeout >= 0 {
		until = min(until, until-bulkTime+timeout)
	}
	for stack.Wall.Now() < until {
		for _, l := range links {
			next := l.sock.Next()
			if next == nil {
				return false
			}
			if handoff.Look(next, 0, next, 0, 8) {
				return true
			}
		}
		if w.Pending() {
			return true
		}
	}
	return false
}

// look takes frames in: whether that woke a task.
func (f *frames) look() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lookLocked()
	return f.woke.Load()
}

func (f *frames) lookLocked() {
	f.woke.Store(false)
	f.looking.Store(true)
	for _, l := range *f.links.Load() {
		l.take()
	}
	f.looking.Store(false)
}

// Look is wait.Outside's.
func (f *frames) Look() {
	if f.mu.TryLock() {
		f.lookLocked()
		f.mu.Unlock()
	}
}

// Rest is wait.Outside's.
func (f *frames) Rest() {
	for _, l := range *f.links.Load() {
		l.stack.Rest()
	}
}

// Looking is wait.Outside's.
func (f *frames) Looking() bool {
	if !f.looking.Load() {
		return false
	}
	f.woke.Store(true)
	return true
}

// Lead is wait.Outside's.
func (f *frames) Lead(w *wait.Waiter, timeout int64) (led, woke bool) {
	if !f.leader.CompareAndSwap(nobody, aTask) {
		return false, false
	}
	f.led.Add(1)
	if w.Begin() {
		flows, bulk := f.flow(stack.Wall.Now())
		switch {
		case flows && (timeout < 0 || timeout > pause):
			f.gather()
		case bulk && f.lookFor(w, timeout):
		default:
			f.wait(timeout)
		}
	}
	w.End()
	woke = f.look()
	f.leader.Store(nobody)
	if f.parked.Load() {
		f.reader.Unpark()
	}
	return true, woke
}

// Kick is wait.Outside's.
func (f *frames) Kick() {
	one := [8]byte{1}
	host.Write(f.kick, one[:])
}
