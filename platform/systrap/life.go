package systrap

import "math"

// To go far costs about 150 µs there and back, which a program that makes a few dozen calls does not gain back, and how many it makes is
// what it made the last times. So for every file that programs are begun from it is kept how many traps their first thread makes. Who
// has many to go, or lives for longer than that, is told from the others by its pace alone, like programs that are not known: calls
// come slowly as long as ld.so relocates.
const (
	farPays  = 64 // traps, for which it is worth while to go far
	lifeStep = 4  // the share of the last life in what is kept
)

// life is what is known of how long a context stays in a process.
type life struct {
	program *textFile // what it began to run, if it was the first there; nil: not known
	traps   int       // so far
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
	}
}

// end is for a context that leaves it.
func (l *life) end() {
	if l.program == nil {
		return
	}
	was := int64(l.expect)
	if was == 0 {
		was = int64(l.traps)
	}
	l.program.life.Store(was + (int64(l.traps)-was)/lifeStep) // what others store at the same time may be lost
	l.program = nil
}

// enough is how many hot traps in a row a near context goes far after.
func (l *life) enough() int {
	left := l.expect - l.traps
	switch {
	case l.expect > 0 && left < farPays && left >= -youngTraps:
		return math.MaxInt
	case l.young > 0:
		return youngTraps
	}
	return hotTraps
}
