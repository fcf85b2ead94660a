package systrap

import (
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/seed-7423c386/runsc/platform/handoff"
	"github.com/seed-7423c386/runsc/platform/host"
)

// A hand-over costs least when both sides are awake on two processors and look at the state
// word: tens of nanoseconds. Next comes waking the other side on one's own processor, a few
// microseconds; waking it on another costs ten times that. So a context is either near, its
// stub bound to the processor where its goroutine's thread is when it hands over, which then is
// bound to it as well, and both sleep while they wait; or far, on two, and both spin. It goes far
// when its traps come fast and a processor has nothing to do, and comes back when they do not, or
// when it finds that it shares the processor it spins on (far.go).

// Limits of both ways. Times are in ticks of the processor's counter, set by calibrate.
const (
	hotTraps    = 6                     // in a row to go far
	surelyTraps = 96                    // the same while it rests from one short trial: it does something else now, as when a program has started
	briskTraps  = 2                     // the same of a program that is known to trap fast
	youngTraps  = 24                    // the same in a young process, which may not live for long enough to gain (life.go)
	hotGap      = 30 * time.Microsecond // between traps of a near context that is hot
	spinTime    = 60 * time.Microsecond // how long a far context spins
	stubTime    = 25 * time.Microsecond // and how long its stub
	oneAnswered = 256                   // see stubSpin
	several     = oneAnswered * 5 / 2
	stolenTime  = 40 * time.Microsecond // a gap in the spinning that shows another's work
	firstRest   = 2 * time.Millisecond  // near, after being far has failed
	lastRest    = 500 * time.Millisecond
	apartTime   = 400 * time.Microsecond // apart for longer is a failure: others have its processor, or it computes
	lookAgain   = 64                     // switches between looks at the other processors
	chunk       = 64                     // looks between readings of the counter
	usefulTraps = 200                    // far for so many is a success
	forgive     = 16                     // far for so many pays for a wake-up on another processor
	looseTime   = 10 * time.Millisecond  // after so long the host may choose another processor for a near context
)

// cpus are the processors, and what runs on them.
type cpus struct {
	numbers []int
	load    []atomic.Int32     // contexts whose application code runs there, by index in numbers
	running atomic.Int32       // all of them
	index   [1024]int          // by number
	threads [4096]atomic.Int32 // what the sentry's threads are bound to, index + 1, by their identity
	loosed  atomic.Uint64      // the counter when the host could last choose some context's processor
	waiters atomic.Int32       // goroutines that sleep with a processor of the runtime's
	most    int32              // how many may
	far     []farSlot          // half as many as processors

	stubLooks uint32 // looks in stubTime
}

func (p *cpus) init() {
	p.numbers = host.Affinity()
	if len(p.numbers) == 0 {
		p.numbers = []int{0}
	}
	for i, n := range p.numbers {
		p.index[n%len(p.index)] = i
	}
	p.load = make([]atomic.Int32, len(p.numbers))
	p.far = make([]farSlot, len(p.numbers)/2)
	p.stubLooks = handoff.Looks(stubTime)
	// A far context's goroutine keeps its processor of the runtime's.
	procs := max(runtime.GOMAXPROCS(0), len(p.numbers)+2)
	runtime.GOMAXPROCS(procs)
	p.most = int32(procs - 2)
}

// here is the processor that the caller runs on.
func (p *cpus) here() int { return p.index[handoff.Processor()%len(p.index)] }

// placing is where a context is. It belongs to its goroutine.
type placing struct {
	cpu      int      // of the stub: index; -1: none yet
	counted  int      // where it is in the loads: index + 1; 0: nowhere
	far      *farSlot // nil: near
	hot      int
	traps    int           // since it went far
	missed   int           // of those, when it last spun in vain
	apart    bool          // it has spun in vain, and is to be far again
	rest     time.Duration // to stay near after the next failure
	until    uint64        // not far before
	resumed  uint64        // the counter at the last resume
	loosed   uint64        // and when the host could choose its processor
	answered int           // calls that the stub has answered itself before one of the kernel's, in the mean, times oneAnswered
}

// stubSpin is how often the stub of a far context may look for the answer to its next call. One that has answered several calls itself before
// each that it could not sleeps at once: to be woken is little for so many, and others may want the processor.
func (l *placing) stubSpin(answered int, looks uint32) uint32 {
	if l.answered += (answered*oneAnswered - l.answered) / 16; l.answered > several {
		return 1
	}
	return looks
}

// place chooses the processor of a context before it runs: where the caller is, unless more
// runs there than elsewhere.
func (c *context) place(t *thread) {
	p, l := &c.p.cpus, &c.placing
	a := c.allowed.Load()
	moved := a != t.bound
	t.bound = a
	if l.far != nil && !moved && t.cpu == l.cpu && l.far.keep(c) {
		return
	}
	c.notFar()
	here := p.here()
	if l.cpu == here && t.cpu == here && !moved && p.load[here].Load() == 0 {
		return
	}
	cpu := p.least(c, here)
	if l.cpu >= 0 && p.load[cpu].Load() >= p.load[l.cpu].Load() && cpu != here && !moved {
		cpu = l.cpu
	}
	c.near(t, cpu)
}

// least is the processor with the fewest running contexts of those c may run on, start among
// equals.
func (p *cpus) least(c *context, start int) int {
	best := -1
	for n := range p.load {
		i := (start + n) % len(p.load)
		if !c.may(i) {
			continue
		}
		if best < 0 || p.load[i].Load() < p.load[best].Load() {
			best = i
		}
	}
	return max(best, 0)
}

// may tells whether c may run on a processor.
func (c *context) may(i int) bool {
	allowed := c.allowed.Load()
	return allowed == nil || *allowed == nil || slices.Contains(*allowed, c.p.cpus.numbers[i])
}

// count notes where the thread runs. A far context is there also while the kernel works for it, since its stub waits there, until
// it sleeps.
func (c *context) count() {
	l, p := &c.placing, &c.p.cpus
	if l.counted == l.cpu+1 {
		return
	}
	c.discount()
	l.counted = l.cpu + 1
	p.load[l.cpu].Add(1)
	p.running.Add(1)
}

// discount notes that it does not run.
func (c *context) discount() {
	l, p := &c.placing, &c.p.cpus
	if l.counted > 0 {
		p.load[l.counted-1].Add(-1)
		p.running.Add(-1)
		l.counted = 0
	}
}

// near binds the stub.
func (c *context) near(t *thread, cpu int) {
	c.notFar()
	c.bind(t, cpu)
}

// bind binds the stub to a processor.
func (c *context) bind(t *thread, cpu int) {
	if t.cpu != cpu {
		setAffinity(t.tid, c.p.cpus.numbers[cpu:cpu+1])
		t.cpu = cpu
	}
	c.placing.cpu = cpu
}

// unbind lets the stub run on all processors it may.
func (t *thread) unbind() {
	t.cpu, t.area.spin = -1, 0
	if t.bound != nil && *t.bound != nil {
		setAffinity(t.tid, *t.bound)
	} else {
		setAffinity(t.tid, t.proc.p.cpus.numbers)
	}
}

// bindNear binds the caller to the processor of a near context. Now and then it leaves the choice to
// the host for one wait, in case that others, of whom nobody here knows, are busy there; the context
// follows.
func (c *context) bindNear() {
	p, l := &c.p.cpus, &c.placing
	if l.loosed == 0 {
		l.loosed = p.loosed.Load() // many live for less than looseTime, one after the other
	}
	if l.resumed-l.loosed < handoff.Ticks(looseTime) {
		p.bindSelf(l.cpu)
		return
	}
	l.loosed = l.resumed
	p.loosed.Store(l.resumed)
	if p.self().Swap(0) != 0 {
		setAffinity(0, p.numbers)
	}
}

// self is what the calling thread is bound to. Its thread-local storage is what only it has.
func (p *cpus) self() *atomic.Int32 { return &p.threads[threadBase()>>6*hashBy>>52] }

// sleep waits for a stub as futexWait does. What comes soon is waited for without a word to the Go runtime, which would take
// its processor away and have to find one again, unless too many do that.
func (p *cpus) sleep(w *atomic.Uint32, state uint32, ns int64) (late bool) {
	if p.waiters.Add(1) > p.most {
		p.waiters.Add(-1)
		return futexWait(w, state, ns)
	}
	late = futexWaitShort(w, state, min(ns, shortSleep))
	p.waiters.Add(-1)
	if late && ns > shortSleep && w.Load() == state {
		return futexWait(w, state, ns-shortSleep)
	}
	return late
}

// shortSleep is what comes soon. It is more than a tick of the host: a timer that is due before that has to be set for every sleep,
// which in a virtual machine costs more than the sleep.
const shortSleep = int64(10 * time.Millisecond)

// bindSelf binds the calling thread, which serves whatever goroutine comes next.
func (p *cpus) bindSelf(cpu int) {
	is := p.self()
	if is.Swap(int32(cpu+1)) != int32(cpu+1) {
		setAffinity(0, p.numbers[cpu:cpu+1])
	}
}

// leave has the calling thread go to a processor where nothing of ours runs, if there is one other than that of this number: what
// it is about to do can be done beside what goes on there.
func (p *cpus) leave(number int) {
	for i, n := range p.numbers {
		if n != number && p.load[i].Load() == 0 {
			p.bindSelf(i)
			return
		}
	}
}
