package vdso

import (
	"encoding/binary"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"
)

// Params is the page in front of the image, in the layout vdso.S reads, without its sequence
// word. Once published it is not changed.
type Params struct {
	Mode    uint32 // 1: the counter can be used
	_       uint32
	BaseTSC uint64
	Mult    uint64 // nanoseconds a count, 32.32 fixed point
	Mono    int64  // CLOCK_MONOTONIC at BaseTSC, ns
	Real    int64  // CLOCK_REALTIME
	Boot    int64  // CLOCK_BOOTTIME
}

// tableAt and tableSize are where vdso.S finds the processors' numbers.
const (
	tableAt   = 2048
	tableSize = 1024
)

// SetCPUs writes the table of __vdso_getcpu: the i-th of the host's processors is the sandbox's
// number i modulo count.
func SetCPUs(page []byte, host []int, count int) {
	for i, cpu := range host {
		binary.LittleEndian.PutUint16(page[tableAt+2*(cpu%tableSize):], uint16(i%count))
	}
}

// Host clocks, as clock_gettime(2) numbers them.
const (
	realtime  = 0
	monotonic = 1
	boottime  = 7
)

// Clock is the sandbox's time. What it says and what the application reads through the vDSO
// are the same function of the time-stamp counter, so neither runs ahead of the other. It
// follows the host's clocks by bending its rate, never by stepping CLOCK_MONOTONIC back.
type Clock struct {
	host func(clock int32) int64 // clock_gettime(2) of the host, ns
	page []byte                  // shared with the application; nil in tests
	now  atomic.Pointer[Params]  // nil: the counter is of no use, ask the host

	mu     sync.Mutex // guards what follows
	first  sample
	last   sample
	rounds int
}

// sample is the host's clocks and the counter at one moment.
type sample struct {
	tsc              uint64
	mono, real, boot int64
}

// NewClock takes the first reading of the host's clocks. page is the parameter page that
// will be mapped in front of the image, or nil.
func NewClock(page []byte, host func(clock int32) int64) *Clock {
	c := &Clock{host: host, page: page}
	if invariantTSC() {
		c.first = c.sample()
		c.last = c.first
	}
	return c
}

// sample reads counter and clocks as close together as it can.
func (c *Clock) sample() sample {
	var best sample
	span := ^uint64(0)
	for range 8 {
		before := rdtsc()
		mono := c.host(monotonic)
		after := rdtsc()
		if after-before < span {
			span = after - before
			best.tsc, best.mono = before+span/2, mono
		}
	}
	// The other clocks differ from the monotonic one by offsets that hardly ever change.
	mono := c.host(monotonic)
	best.real = best.mono + c.host(realtime) - mono
	best.boot = best.mono + c.host(boottime) - mono
	return best
}

// Intervals between updates: short while the rate is not known well.
const (
	firstInterval = 10 * time.Millisecond
	lastInterval  = 2 * time.Second
)

// Update reads the host's clocks again and publishes new parameters. It returns how long to
// wait before the next call; 0 if there is no use in calling again.
func (c *Clock) Update() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.first.tsc == 0 {
		return 0
	}
	s := c.sample()
	interval := firstInterval << min(c.rounds, 8)
	interval = min(interval, lastInterval)
	if s.mono-c.last.mono < int64(time.Millisecond) || s.tsc <= c.last.tsc {
		return firstInterval
	}
	from := c.last
	if c.rounds < 8 {
		from = c.first // a longer base line is the better estimate while it is short
	}
	c.rounds++
	rate := float64(s.mono-from.mono) / float64(s.tsc-from.tsc)
	p := &Params{Mode: 1, BaseTSC: s.tsc, Mono: s.mono}
	if old := c.now.Load(); old != nil {
		p.Mono = old.at(s.tsc)
		behind := s.mono - p.Mono
		if behind > int64(time.Millisecond) {
			p.Mono = s.mono // the machine slept: forward in one step
		} else {
			rate *= 1 + max(-maxSlew, min(maxSlew, float64(behind)/float64(interval)))
		}
	}
	p.Mult = uint64(rate * (1 << 32))
	p.Real = p.Mono + s.real - s.mono
	p.Boot = p.Mono + s.boot - s.mono
	c.last = s
	c.now.Store(p)
	if c.page != nil {
		publish(&c.page[0], p)
	}
	return interval
}

// maxSlew is how much faster or slower than the host's the clock may run to catch up.
const maxSlew = 0.0005

// at is CLOCK_MONOTONIC when the counter shows tsc.
func (p *Params) at(tsc uint64) int64 {
	if tsc < p.BaseTSC {
		tsc = p.BaseTSC
	}
	hi, lo := bits.Mul64(tsc-p.BaseTSC, p.Mult)
	return p.Mono + int64(hi<<32|lo>>32)
}

// Monotonic is CLOCK_MONOTONIC in nanoseconds.
func (c *Clock) Monotonic() int64 {
	if p := c.now.Load(); p != nil {
		return p.at(rdtsc())
	}
	return c.host(monotonic)
}

// Account is Monotonic for accounts of time, at half the price: the counter may be read before what the program does
// before the call has an effect, by the time that a load takes.
func (c *Clock) Account() int64 {
	if p := c.now.Load(); p != nil {
		return p.at(rdtscEarly())
	}
	return c.host(monotonic)
}

// Realtime is CLOCK_REALTIME in nanoseconds since the epoch.
func (c *Clock) Realtime() int64 {
	if p := c.now.Load(); p != nil {
		return p.at(rdtsc()) + p.Real - p.Mono
	}
	return c.host(realtime)
}

// RealtimeAt is what Realtime was when Monotonic was mono, lately.
func (c *Clock) RealtimeAt(mono int64) int64 {
	if p := c.now.Load(); p != nil {
		return mono + p.Real - p.Mono
	}
	return c.host(realtime)
}

// Boottime is CLOCK_BOOTTIME in nanoseconds.
func (c *Clock) Boottime() int64 {
	if p := c.now.Load(); p != nil {
		return p.at(rdtsc()) + p.Boot - p.Mono
	}
	return c.host(boottime)
}
