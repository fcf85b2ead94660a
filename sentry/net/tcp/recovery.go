package tcp

import (
	"math"

	"github.com/seed-7423c386/runsc/sentry/net/header"
)

// recoveryTimes are the estimates of the round trip (RFC 6298), ns.
type recoveryTimes struct {
	srtt, rttvar, rto, min int64
	seq                    uint32 // what is measured: sent at time at, 0 for nothing
	at                     int64
}

const (
	minRTO = 200e6
	maxRTO = 120e9
)

// sample takes one measurement.
func (r *recoveryTimes) sample(rtt int64) {
	rtt = max(rtt, 1000)
	if r.min == 0 || rtt < r.min {
		r.min = rtt
	}
	if r.srtt == 0 {
		r.srtt, r.rttvar = rtt, rtt/2
	} else {
		d := r.srtt - rtt
		if d < 0 {
			d = -d
		}
		r.rttvar += (d - r.rttvar) / 4
		r.srtt += (rtt - r.srtt) / 8
	}
	r.rto = min(r.srtt+max(4*r.rttvar, minRTO), maxRTO)
}

// recovery is what is known of segments that were lost (RFC 6675).
type recovery struct {
	sacked  []header.Block // what has arrived beyond una, in order, apart
	active  bool
	timeout bool   // everything not sacked counts as lost
	point   uint32 // recovery ends when this is acknowledged
	rxt     uint32 // what lies before has been sent again
	dups    int
	lastOoo uint32 // where the last piece came in
	tlp     bool   // a probe is out
}

// add notes a block that the peer has: whether that was news.
func (r *recovery) add(b header.Block, una, nxt uint32) bool {
	if !before(b.Start, b.End) || before(b.Start, una) || before(nxt, b.End) {
		return false
	}
	for _, o := range r.sacked {
		if !before(b.Start, o.Start) && !before(o.End, b.End) {
			return false
		}
	}
	out := r.sacked[:0:0]
	for i, o := range r.sacked {
		switch {
		case before(o.End, b.Start):
			out = append(out, o)
		case before(b.End, o.Start):
			out = append(out, b)
			r.sacked = append(out, r.sacked[i:]...)
			return r.bounded()
		default:
			if before(o.Start, b.Start) {
				b.Start = o.Start
			}
			b.End = seqMax(b.End, o.End)
		}
	}
	r.sacked = append(out, b)
	return r.bounded()
}

// maxBlocks bounds what is remembered.
const maxBlocks = 512

func (r *recovery) bounded() bool {
	if len(r.sacked) > maxBlocks {
		r.sacked = r.sacked[len(r.sacked)-maxBlocks:]
	}
	return true
}

// acked forgets what lies before una.
func (r *recovery) acked(una uint32) {
	i := 0
	for i < len(r.sacked) && !before(una, r.sacked[i].End) {
		i++
	}
	r.sacked = r.sacked[i:]
	if len(r.sacked) > 0 && before(r.sacked[0].Start, una) {
		r.sacked[0].Start = una
	}
	if len(r.sacked) == 0 {
		r.sacked = nil
	}
	if before(r.rxt, una) {
		r.rxt = una
	}
}

// bytes is how much is sacked.
func (r *recovery) bytes() (n int) {
	for _, b := range r.sacked {
		n += int(b.End - b.Start)
	}
	return n
}

// holes calls f for each range that is not sacked; lost says that it counts as lost.
func (r *recovery) holes(una, nxt uint32, mss int, f func(start, end uint32, lost bool)) {
	above := r.bytes()
	at := una
	for _, b := range r.sacked {
		if before(at, b.Start) {
			f(at, b.Start, r.timeout || above > 2*mss)
		}
		above -= int(b.End - b.Start)
		at = b.End
	}
	if before(at, nxt) {
		f(at, nxt, r.timeout)
	}
}

// pipe estimates what is on its way.
func (s *segments) pipe() int {
	if !s.sackOK {
		if s.rec.timeout {
			return int(s.rec.rxt - s.una)
		}
		return max(int(s.nxt-s.una)-s.rec.dups*s.mss, 0)
	}
	n := 0
	s.rec.holes(s.una, s.nxt, s.mss, func(a, b uint32, lost bool) {
		switch {
		case !lost || !s.rec.active:
			n += int(b - a)
		case before(a, s.rec.rxt): // sent again
			end := b
			if before(s.rec.rxt, end) {
				end = s.rec.rxt
			}
			n += int(end - a)
		}
	})
	return n
}

// nextLost is the next range to be sent again: n is 0 if there is none.
func (s *segments) nextLost() (seq uint32, n int) {
	if !s.rec.active {
		return 0, 0
	}
	if !s.sackOK && !s.rec.timeout {
		if s.rec.rxt == s.una {
			return s.una, min(s.mss, int(s.nxt-s.una))
		}
		return 0, 0
	}
	s.rec.holes(s.una, s.nxt, s.mss, func(a, b uint32, lost bool) {
		if n > 0 || !lost || !before(s.rec.rxt, b) {
			return
		}
		seq = seqMax(a, s.rec.rxt)
		n = min(int(b-seq), s.mss)
	})
	return seq, n
}

// congestion is how much may be on its way (RFC 5681, RFC 9438), in bytes.
type congestion struct {
	reno     bool
	cwnd     int
	ssthresh int
	mss      int
	carry    int // acknowledged bytes that have not made it grow

	// CUBIC.
	wMax  float64 // segments
	k     float64
	epoch int64
	wEst  float64
}

const (
	cubicBeta = 0.7
	cubicC    = 0.4
)

func (c *congestion) init(name string) { c.reno = name == "reno" }

func (c *congestion) start(mss int) {
	c.mss, c.cwnd, c.ssthresh = mss, 10*mss, 1<<30
}

// acked lets it grow by n acknowledged bytes.
func (c *congestion) acked(n int, now, srtt int64) {
	if c.cwnd < c.ssthresh {
		c.cwnd += min(n, 2*c.mss*8)
		return
	}
	if c.reno {
		if c.carry += n; c.carry >= c.cwnd {
			c.carry -= c.cwnd
			c.cwnd += c.mss
		}
		return
	}
	c.cubic(n, now, srtt)
}

// cubic is RFC 9438 4.
func (c *congestion) cubic(n int, now, srtt int64) {
	w := float64(c.cwnd) / float64(c.mss)
	if c.epoch == 0 {
		c.epoch, c.wEst = now, w
		if c.wMax < w {
			c.wMax, c.k = w, 0
		} else {
			c.k = math.Cbrt((c.wMax - w) / cubicC)
		}
	}
	t := float64(now-c.epoch+srtt)/1e9 - c.k
	target := cubicC*t*t*t + c.wMax
	target = max(min(target, 1.5*w), w)
	segs := float64(n) / float64(c.mss)
	c.wEst += 3 * (1 - cubicBeta) / (1 + cubicBeta) * segs / w
	grow := (target - w) / w * segs
	if c.wEst > w+grow {
		grow = c.wEst - w
	}
	c.carry += int(grow * float64(c.mss))
	c.cwnd += c.carry
	c.carry = 0
}

// lost makes it smaller, once for each window.
func (c *congestion) lost() {
	w := float64(c.cwnd) / float64(c.mss)
	if c.reno {
		c.ssthresh = max(c.cwnd/2, 2*c.mss)
	} else {
		c.epoch = 0
		if w < c.wMax {
			c.wMax = w * (1 + cubicBeta) / 2
		} else {
			c.wMax = w
		}
		c.ssthresh = max(int(float64(c.cwnd)*cubicBeta), 2*c.mss)
	}
	c.cwnd, c.carry = c.ssthresh, 0
}

// expired is after a time-out.
func (c *congestion) expired() {
	c.lost()
	c.cwnd = c.mss
}
