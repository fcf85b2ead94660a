package ptrace

import (
	"slices"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/platform/arch"
	"github.com/seed-7423c386/runsc/platform/host"
)

// cpus spreads contexts over the processors: a stub thread and its tracer share one, and move
// together to another that has nothing to do when their own has several running contexts. Two
// that take turns, one waking the other and sleeping itself, come together on the lower processor:
// a wake from another costs several times more.
type cpus struct {
	numbers []int
	load    []atomic.Int32 // running contexts, by index in numbers
	entered []atomic.Int64 // how often one began to run
}

// place is what a context has seen of its processor.
type place struct {
	switches, crowded, hogged int
	turns                     int   // wakes in a row by one that slept then
	seen                      int64 // entered, after its own last switch
	slept                     bool  // since its last switch
}

// turnsKnown is how many wakes by one that sleeps then are enough to move to its processor.
const turnsKnown = 4

// A context looks at the other processors when, of lookAgain switches, in crowdedShare of them
// somebody else was running on its own, those after a sleep left out, since who takes turns with
// another is no crowd; or when at hogKnown switches in a row it was the same one, which had made none.
const (
	lookAgain    = 64
	crowdedShare = lookAgain / 3
	hogKnown     = 3
)

func (p *cpus) init() {
	p.numbers = host.Affinity()
	p.load, p.entered = make([]atomic.Int32, len(p.numbers)), make([]atomic.Int64, len(p.numbers))
}

// enter counts a context that begins to run and chooses its processor.
func (p *cpus) enter(c *context) {
	if len(p.numbers) < 2 {
		return
	}
	if a := c.allowed.Load(); c.cpu < 0 || a != c.bound {
		c.bound = a
		p.move(c, p.least(c, max(p.index(arch.CPU()), 0)))
	} else {
		p.look(c)
	}
	p.load[c.cpu].Add(1)
	c.place.seen = p.entered[c.cpu].Add(1)
}

// look moves a context to a processor that has fewer, if its own is crowded.
func (p *cpus) look(c *context) {
	l := &c.place
	if p.load[c.cpu].Load() > 0 {
		if !l.slept {
			l.crowded++
		}
		if p.entered[c.cpu].Load() == l.seen {
			l.hogged++
		} else {
			l.hogged = 0
		}
	}
	l.slept = false
	if l.switches++; l.switches < lookAgain && l.hogged < hogKnown {
		return
	}
	crowded := l.crowded >= crowdedShare || l.hogged >= hogKnown
	l.switches, l.crowded, l.hogged = 0, 0, 0
	if !crowded {
		return
	}
	if other := p.least(c, c.cpu); p.load[other].Load() < p.load[c.cpu].Load() {
		p.move(c, other)
	}
}

// index returns the place of a processor in numbers, -1 if it is not there.
func (p *cpus) index(number int) int {
	i, ok := slices.BinarySearch(p.numbers, number)
	if !ok {
		return -1
	}
	return i
}

// Woken implements platform.Sleeper.
func (c *context) Woken(cpu int) {
	p, l := &c.p.cpus, &c.place
	l.slept = true
	i := p.index(cpu)
	if i < 0 || c.cpu < 0 || i >= c.cpu || p.load[i].Load() > 0 {
		l.turns = 0
		return
	}
	if l.turns++; l.turns >= turnsKnown && (c.bound == nil || slices.Contains(*c.bound, cpu)) {
		l.turns = 0
		p.move(c, i)
	}
}

// leave counts one that has trapped.
func (p *cpus) leave(c *context) {
	if c.cpu >= 0 {
		p.load[c.cpu].Add(-1)
	}
}

// least is the processor with the fewest running contexts of those c may run on, start among
// equals.
func (p *cpus) least(c *context, start int) int {
	best := -1
	for n := range p.load {
		i := (start + n) % len(p.load)
		if c.bound != nil && !slices.Contains(*c.bound, p.numbers[i]) {
			continue
		}
		if best < 0 || p.load[i].Load() < p.load[best].Load() {
			best = i
		}
	}
	return max(best, 0)
}

// unbind lets the calling thread run on every processor again.
func (p *cpus) unbind() {
	if len(p.numbers) > 1 {
		setAffinity(0, p.numbers...)
	}
}

// move binds both threads to a processor.
func (p *cpus) move(c *context, cpu int) {
	c.cpu, c.place = cpu, place{slept: c.place.slept}
	setAffinity(0, p.numbers[cpu])
	setAffinity(c.thread.tid, p.numbers[cpu])
}
