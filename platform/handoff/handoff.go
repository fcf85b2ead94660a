// Package handoff is what platforms share that hand calls over through memory: looking at words that
// another processor writes, time in ticks of the processor's counter, and the choice of when that pays.
//
// A hand-over costs least when both sides are awake on two processors and look at a word: tens of
// nanoseconds. Otherwise the host has to wake one of them or to leave a virtual machine, which costs
// microseconds. So a context is either near, everything on one processor, or far, on two; it goes
// far when its traps come fast, and comes back when they do not, or when it does not gain.
package handoff

import (
	"sync"
	"sync/atomic"
	"time"
)

// Counter returns the processor's time-stamp counter.
func Counter() uint64

// Processor returns the number of the processor that the caller runs on.
func Processor() int

// Look looks at two words up to n times, until one of them is not what it was.
func Look(a *atomic.Uint32, wasA uint32, b *atomic.Uint32, wasB, n uint32) bool

// Own has the processor fetch the cache line of a word that the caller is going to write, so that nobody else has it.
func Own(a *atomic.Uint32)

// rates are how many ticks of the counter a microsecond has, and how many looks at words with a PAUSE after each
// take a millisecond.
var rates = sync.OnceValue(func() (r struct{ ticks, looks uint64 }) {
	const n = 2000
	var word atomic.Uint32
	best := time.Hour
	r.ticks = 1
	for range 5 {
		began, counter := time.Now(), Counter()
		Look(&word, 0, &word, 0, n)
		if took, ticks := time.Since(began), Counter()-counter; took < best && took > 0 {
			best, r.ticks = took, max(ticks*1000/uint64(took), 1)
		}
	}
	r.looks = uint64(n * time.Millisecond / best)
	return r
})

// Ticks is d in ticks of the counter.
func Ticks(d time.Duration) uint64 { return uint64(d/time.Microsecond) * rates().ticks }

// Nanoseconds is the opposite.
func Nanoseconds(ticks uint64) int64 { return int64(ticks * 1000 / rates().ticks) }

// Looks is how many looks at words take about that long.
func Looks(d time.Duration) uint32 {
	return uint32(max(uint64(d/time.Microsecond)*rates().looks/1000, 1))
}

// Limits of both ways.
const (
	hotTraps   = 4                     // in a row to go far
	hotGap     = 30 * time.Microsecond // between the traps of a near context that is hot, over what one costs
	firstRest  = 2 * time.Millisecond  // near, after being far has failed
	lastRest   = 500 * time.Millisecond
	trialTraps = 64 // far, after which it is seen whether they come faster than near
)

// Pace is how fast the traps of a context come. It belongs to its goroutine.
type Pace struct {
	resumed uint64 // the counter
	gap     uint64 // between the traps of a near context, about
	hot     int
	traps   int    // since it went far
	went    uint64 // the counter then
	way     uint64 // what it took to go, up to the first trap
	far     uint64 // the gaps since then, in all
	rest    time.Duration
	until   uint64 // not far before
}

// Resumed notes that application code goes on, and returns the counter.
func (p *Pace) Resumed() uint64 {
	p.resumed = Counter()
	return p.resumed
}

// Near notes a trap of a near context, and tells whether it had better be far. least is what a trap costs
// at least, which all contexts find out together.
func (p *Pace) Near(least *atomic.Uint64) bool {
	now := Counter()
	gap, l := now-p.resumed, least.Load()
	if gap < l || l == 0 {
		least.Store(gap)
		l = gap
	}
	if gap > 2*l+Ticks(hotGap) {
		p.hot = 0
		return false
	}
	if p.hot++; p.hot == 1 {
		p.gap = gap
	}
	p.gap += gap/8 - p.gap/8
	return p.hot >= hotTraps && now > p.until
}

// Goes notes that it goes far.
func (p *Pace) Goes() { p.hot, p.traps, p.far, p.went = 0, 0, 0, Counter() }

// Far notes a trap of a far context, and tells whether it had better be near: its traps come no faster.
func (p *Pace) Far() bool {
	now := Counter()
	if p.traps++; p.traps == 1 {
		p.way, p.went = now-p.went, now // which is not counted
		return false
	}
	p.far += now - p.resumed
	return p.traps == trialTraps+1 && (now-p.went)/trialTraps > p.gap
}

// IsFar tells whether a trap has come since it went far.
func (p *Pace) IsFar() bool { return p.traps > 0 }

// Back notes that it is near again, and rests if that has not saved what the way there and back takes.
func (p *Pace) Back() {
	if p.rest = min(max(2*p.rest, firstRest), lastRest); uint64(p.traps)*p.gap > p.far+2*p.way && p.traps > 0 {
		p.rest = 0
	}
	p.until = Counter() + Ticks(p.rest)
}
