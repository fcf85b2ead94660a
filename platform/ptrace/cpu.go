package ptrace

import (
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-7423c386/runsc/platform/arch"
)

// cpus spreads contexts over the processors: a stub thread and its tracer share one, and move
// together to another that has nothing to do when their own has several running contexts. Two
// that take turns, one waking the other and sleeping itself, come together on the lower processor:
// a wake from another costs several times more.
type cpus struct {
	numbers []int
	load    []atomic.Int32 // running contexts, by index in numbers
	entered []atomic.Int64 // when one began to run last, ns
	began   time.Time
}

// turnsKnown is how many wakes by one that sleeps then are enough to move to its processor.
const turnsKnown = 4

// lookAgain is how many switches pass between looks at the other processors. A context looks at
// once when another has kept its processor for longer than hogging.
const (
	lookAgain = 64
	hogging   = int64(500 * time.Microsecond)
)

func (p *cpus) init() {
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) != nil {
		return
	}
	for i := range len(set) * 64 {
		if set.IsSet(i) {
			p.numbers = append(p.numbers, i)
		}
	}
	p.load, p.entered, p.began = make([]atomic.Int32, len(p.numbers)), make([]atomic.Int64, len(p.numbers)), time.Now()
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
	p.entered[c.cpu].Store(int64(time.Since(p.began)))
}

// look moves a context whose processor has another one running to one that has fewer.
func (p *cpus) look(c *context) {
	c.renewal--
	if p.load[c.cpu].Load() == 0 || c.renewal > 0 && int64(time.Since(p.began))-p.entered[c.cpu].Load() < hogging {
		return
	}
	c.renewal = lookAgain
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
	p := &c.p.cpus
	i := p.index(cpu)
	if i < 0 || c.cpu < 0 || i >= c.cpu || p.load[i].Load() > 0 {
		c.turns = 0
		return
	}
	if c.turns++; c.turns >= turnsKnown && (c.bound == nil || slices.Contains(*c.bound, cpu)) {
		c.turns = 0
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
	c.cpu, c.renewal = cpu, lookAgain
	setAffinity(0, p.numbers[cpu])
	setAffinity(c.thread.tid, p.numbers[cpu])
}
