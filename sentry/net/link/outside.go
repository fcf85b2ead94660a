package link

import (
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform/host"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// frames waits for what comes in by all links. At a time one waits: a task that sleeps and was last woken from here
// (wait.Outside), or the reader, a goroutine that does if no task does. When a task has left, to run, the
// reader gives it some time to come back before it waits itself; until then it looks from time to time.
type frames struct {
	links atomic.Pointer[[]*Link]
	kick  int // an eventfd

	mu      sync.Mutex // held to take frames in
	looking atomic.Bool
	woke    atomic.Bool // somebody, meanwhile
	leader  atomic.Int32
	reader  host.Parker
	parked  atomic.Bool // the reader sleeps until a task has left
}

// Who waits.
const (
	nobody int32 = iota
	aTask
	theReader
)

const (
	grace  = 60e3 // ns until the reader waits, or looks again
	bounds = 4    // looks at a task that waits until the reader sleeps
)

var outside frames

// add makes a link known. The first starts it all.
func (f *frames) add(l *Link) {
	f.mu.Lock()
	defer f.mu.Unlock()
	first := f.links.Load() == nil
	var links []*Link
	if !first {
		links = slices.Clone(*f.links.Load())
	}
	links = append(links, l)
	f.links.Store(&links)
	if first {
		f.kick, _ = host.Eventfd()
		wait.SetOutside(f)
		go f.read()
		return
	}
	f.Kick() // who waits does not know the new one
}

// read is the reader.
func (f *frames) read() {
	for seen := 0; ; {
		if f.leader.CompareAndSwap(nobody, theReader) {
			f.wait(-1)
			f.leader.Store(nobody)
			seen = 0
			if f.look() { // somebody may be about to wait
				f.reader.Park(grace)
			}
			continue
		}
		if seen++; seen <= bounds {
			f.reader.Park(grace)
			continue
		}
		seen = 0
		f.parked.Store(true)
		if f.leader.Load() == aTask {
			f.reader.Park(-1)
		}
		f.parked.Store(false)
		f.reader.Park(grace)
	}
}

// wait waits for a frame, a kick or the time.
func (f *frames) wait(timeout int64) {
	links := *f.links.Load()
	var few [8]unix.PollFd
	fds := append(few[:0], unix.PollFd{Fd: int32(f.kick), Events: unix.POLLIN})
	for _, l := range links {
		fds = append(fds, unix.PollFd{Fd: int32(l.sock.FD), Events: unix.POLLIN})
	}
	host.Poll(fds, timeout)
	if fds[0].Revents != 0 {
		var b [8]byte
		host.Read(f.kick, b[:])
	}
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

// Looking is wait.Outside's.
func (f *frames) Looking() bool {
	if !f.looking.Load() {
		return false
	}
	f.woke.Store(true)
	return true
}

// Lead is wait.Outside's.
func (f *frames) Lead(timeout int64) bool {
	if !f.leader.CompareAndSwap(nobody, aTask) {
		return false
	}
	f.wait(timeout)
	f.look()
	f.leader.Store(nobody)
	if f.parked.Load() {
		f.reader.Unpark()
	}
	return true
}

// Kick is wait.Outside's.
func (f *frames) Kick() {
	one := [8]byte{1}
	host.Write(f.kick, one[:])
}
