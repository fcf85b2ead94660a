package link

import (
	"sync"

	"github.com/seed-7423c386/runsc/sentry/net/stack"
)

// bucket is a token bucket (tc-tbf(8)): it fills with so many bytes a second, up to burst. What is taken at once may
// leave it in debt.
type bucket struct {
	rate  int64 // bytes a second
	burst int64
	have  int64
	last  int64 // when it was filled, ns
	rest  int64 // of a byte, in billionths
}

// Bounds of bursts and of what waits to be sent. A burst holds the longest segment that the host cuts.
const (
	minBurst    = 1 << 16
	burstTime   = 10e6 // of the rate, ns
	minBacklog  = 1 << 17
	maxBacklog  = 4 << 20
	backlogTime = 50e6 // likewise
)

// newBucket makes one of bits a second, full.
func newBucket(bits uint64, now int64) bucket {
	rate := max(int64(min(bits, 1<<46)/8), 1)
	b := bucket{rate: rate, burst: max(span(rate, burstTime), minBurst), last: now}
	b.have = b.burst
	return b
}

// span is how many bytes a rate is in a time, less than a minute.
func span(rate, ns int64) int64 { return rate/1e9*ns + rate%1e9*ns/1e9 }

func (b *bucket) fill(now int64) {
	passed := now - b.last
	if b.last = now; passed > 60e9 {
		b.have = b.burst
		return
	}
	part := b.rate%1e9*(max(passed, 0)%1e9) + b.rest // below 2e18
	b.have = min(b.have+b.rate*(max(passed, 0)/1e9)+b.rate/1e9*(max(passed, 0)%1e9)+part/1e9, b.burst)
	b.rest = part % 1e9
}

// wait is how long from now on nothing may be taken, ns.
func (b *bucket) wait(now int64) int64 {
	b.fill(now)
	if b.have > 0 {
		return 0
	}
	lack := 1 - b.have
	return lack/b.rate*1e9 + (lack%b.rate*1000/b.rate+1)*1e6 // a burst is much longer than a millisecond
}

func (b *bucket) take(n int) { b.have -= int64(n) }

// shaper is the limit of what goes out: frames wait until they may, and are lost when too much does.
type shaper struct {
	clock *stack.Clock
	send  func(f frame)
	timer stack.Timer

	mu     sync.Mutex
	bucket bucket
	queue  []frame
	bytes  int
	limit  int
	armed  bool
}

func newShaper(c *stack.Clock, bits uint64, send func(f frame)) *shaper {
	s := &shaper{clock: c, send: send, bucket: newBucket(bits, c.Now())}
	s.limit = int(min(max(span(s.bucket.rate, backlogTime), minBacklog), maxBacklog))
	s.timer.Init(s.expire)
	return s
}

// put sends a frame, now or later: false if it is lost.
func (s *shaper) put(f frame) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, n := s.clock.Now(), f.size()
	if len(s.queue) == 0 && s.bucket.wait(now) == 0 {
		s.bucket.take(n)
		s.send(f)
		return true
	}
	if s.bytes+n > s.limit {
		return false
	}
	s.queue = append(s.queue, f.keep())
	s.bytes += n
	s.armLocked(now)
	return true
}

func (s *shaper) armLocked(now int64) {
	if !s.armed && len(s.queue) > 0 {
		s.armed = true
		s.clock.Set(&s.timer, now+s.bucket.wait(now))
	}
}

// expire sends what may be sent by now.
func (s *shaper) expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed = false
	now := s.clock.Now()
	for len(s.queue) > 0 && s.bucket.wait(now) == 0 {
		f := s.queue[0]
		s.queue[0] = frame{}
		if s.queue = s.queue[1:]; len(s.queue) == 0 {
			s.queue = nil
		}
		n := f.size()
		s.bytes -= n
		s.bucket.take(n)
		s.send(f)
	}
	s.armLocked(now)
}

// gate is the limit of what comes in: while it is shut the host keeps it, and loses what it has no room for.
type gate struct {
	clock  *stack.Clock
	bucket bucket // guarded by frames.mu
	timer  stack.Timer
}

func newGate(c *stack.Clock, bits uint64, open func()) *gate {
	g := &gate{clock: c, bucket: newBucket(bits, c.Now())}
	g.timer.Init(open)
	return g
}

// shut reports whether nothing may come in now. Then open is called when something may.
func (g *gate) shut() bool {
	now := g.clock.Now()
	wait := g.bucket.wait(now)
	if wait > 0 {
		g.clock.Set(&g.timer, now+wait)
	}
	return wait > 0
}
