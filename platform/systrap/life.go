package systrap

import (
	"math"
	"sync/atomic"
)

// To go far costs about 150 µs there and back, which a program that makes a few dozen calls does not gain back, and how many it makes is
// what it made the last times. So for every file that programs are begun from it is kept how many traps their first thread makes. Who
// has many to go, or lives for longer than that, is told from the others by its pace alone, like programs that are not known: calls
// come slowly as long as ld.so relocates.
const (
	farPays  = 64 // traps, for which it is worth while to go far
	lifeStep = 4  // the share of the last life in what is kept
	slowUnit = 16 // of what is kept of slow traps
	briskly  = 32 // traps for a slow one
)

// life is what is known of how long a context stays in a process.
type life struct {
	program *textFile // what it began to run, if it was the first there; nil: not known
	traps   int       // so far
	slow    int       // of those, that came so late that who is far has spun in vain
	brisk   bool      // the last times few were: it makes up for being far while one is
	expect  int       // in all; 0: not known
	young   int       // near traps until its pace is believed as soon as that of others, if it is above 0
}

// begins returns what the first thread of a process begins to run, nil if that is not known.
func (s *process) begins() *textFile {
	if s.begun.Swap(true) {
		return nil
	}
	s.patches.mu.Lock()
	defer s.patches.mu.Unlock()
	if len(s.patches.text) == 0 {
		return nil
	}
	return s.patches.text[0].file
}

// begin is for a context that enters a process.
func (l *life) begin(s *process) {
	*l = life{program: s.begins(), young: 2 * youngTraps}
	if l.program != nil {
		l.expect = int(l.program.life.Load())
		l.brisk = l.expect > 0 && l.program.slow.Load()*briskly <= int64(l.expect)*slowUnit
	}
}

// end is for a context that leaves it.
func (l *life) end() {
	if l.program == nil {
		return
	}
	first := l.expect == 0
	learn(&l.program.life, int64(l.traps), first)
	learn(&l.program.slow, int64(l.slow)*slowUnit, first)
	l.program = nil
}

// learn keeps what was the last time. What others store at the same time may be lost.
func learn(kept *atomic.Int64, last int64, first bool) {
	was := kept.Load()
	if first {
		was = last
	}
	kept.Store(was + (last-was)/lifeStep)
}

// enough is how many hot traps in a row a near context goes far after.
func (l *life) enough() int {
	left := l.expect - l.traps
	switch {
	case l.expect > 0 && left < farPays && left >= -youngTraps:
		return math.MaxInt
	case l.brisk:
		return briskTraps
	case l.young > 0:
		return youngTraps
	}
	return hotTraps
}
