package tcp

import "math"

// cubic is CUBIC (RFC 9438, net/ipv4/tcp_cubic.c), with the end of slow start by delay (HyStart).
type cubic struct {
	wMax  float64 // segments
	k     float64 // seconds
	epoch int64
	wEst  float64
	part  float64 // of a segment

	// A round of slow start.
	round    int64 // when it began
	end      uint32
	last     int64 // the last acknowledgement of a train
	shortest int64 // round trip, of all
	current  int64 // of this round
	samples  int
	found    bool
}

const (
	cubicBeta = 0.7
	cubicC    = 0.4

	hystartLow     = 16 // segments: below it is not looked
	hystartSamples = 8
	hystartMin     = 4e6
	hystartMax     = 16e6
	hystartTrain   = 2e6
)

func (c *cubic) begin(*segments) { *c = cubic{} }

func (c *cubic) acked(s *segments) {
	if a := s.ack; a.lastRTT > 0 {
		if c.shortest == 0 || a.lastRTT < c.shortest {
			c.shortest = a.lastRTT
		}
		if !c.found && s.cc.slow() && s.cc.cwnd >= hystartLow*s.mss {
			c.hystart(s, a.lastRTT)
		}
	}
	if !s.limited() {
		return
	}
	n := s.ack.acked
	if s.cc.slow() {
		if n = s.cc.slowStart(n); n == 0 {
			return
		}
	}
	c.grow(s, n)
}

// hystart ends slow start when round trips become longer, or acknowledgements fill one (hystart_update).
func (c *cubic) hystart(s *segments, rtt int64) {
	now := s.ack.now
	if before(c.end, s.una) || c.round == 0 {
		c.round, c.last, c.end, c.current, c.samples = now, now, s.nxt, math.MaxInt64, 0
	}
	if now-c.last <= hystartTrain {
		c.last = now
		most := c.shortest
		if s.pace.rate == 0 {
			most /= 2
		}
		if now-c.round > most && c.shortest > hystartTrain {
			c.found = true
		}
	}
	c.current = min(c.current, rtt)
	if c.samples < hystartSamples {
		c.samples++
	} else if c.current > c.shortest+min(max(c.shortest/8, hystartMin), hystartMax) {
		c.found = true
	}
	if c.found {
		s.cc.ssthresh = s.cc.cwnd
	}
}

// grow is RFC 9438 4.
func (c *cubic) grow(s *segments, n int) {
	w := float64(s.cc.cwnd) / float64(s.mss)
	now := s.ack.now
	if c.epoch == 0 {
		c.epoch, c.wEst = now, w
		if c.wMax < w {
			c.wMax, c.k = w, 0
		} else {
			c.k = math.Cbrt((c.wMax - w) / cubicC)
		}
	}
	t := float64(now-c.epoch+s.rtt.srtt)/1e9 - c.k
	target := max(min(cubicC*t*t*t+c.wMax, 1.5*w), w)
	segs := float64(n) / float64(s.mss)
	c.wEst += 3 * (1 - cubicBeta) / (1 + cubicBeta) * segs / w
	grow := (target - w) / w * segs
	if c.wEst > w+grow {
		grow = c.wEst - w
	}
	c.part += grow * float64(s.mss)
	whole := int(c.part)
	c.part -= float64(whole)
	s.cc.cwnd += whole
}

func (c *cubic) threshold(s *segments) int {
	w := float64(s.cc.cwnd) / float64(s.mss)
	c.epoch = 0
	if w < c.wMax {
		c.wMax = w * (1 + cubicBeta) / 2
	} else {
		c.wMax = w
	}
	return max(int(float64(s.cc.cwnd)*cubicBeta), 2*s.mss)
}

func (c *cubic) undo(s *segments) int { return max(s.cc.cwnd, s.rec.cwnd) }

func (c *cubic) event(s *segments, ev controlEvent) {
	switch {
	case ev == evLoss:
		*c = cubic{wMax: c.wMax}
	case ev == evStart && c.epoch != 0 && s.lastSent != 0: // time in which nothing was sent does not count
		now := s.clock.Now()
		c.epoch = min(c.epoch+now-s.lastSent, now)
	}
}

func (c *cubic) info() []byte { return nil }
