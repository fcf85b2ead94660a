package tcp

import "sync"

// How fast data is delivered (draft-cheng-iccrg-delivery-rate-estimation, net/ipv4/tcp_rate.c).

// rate is what is measured. Counts are bytes, times those of the clock.
type rate struct {
	delivered uint64
	lost      uint64
	at        int64  // when the last byte was delivered
	first     int64  // when the first byte of what is measured now went
	limited   uint64 // until so much is delivered, it was the application that limited
	best      best   // the last measurement that says what the way can do
}

// best is of a measurement what is kept.
type best struct {
	delivered, interval int64
	limited             bool
}

// sample is one measurement: so much was delivered in so much time.
type sample struct {
	delivered int64 // -1: nothing was measured
	interval  int64
	prior     uint64 // what had been delivered when the newest of it went
	priorAt   int64
	sentAt    int64 // when the newest went
	end       uint32
	limited   bool // by the application
	again     bool
	losses    int
}

// perSecond is the rate, bytes a second.
func perSecond(delivered, interval int64) uint64 {
	if delivered <= 0 || interval <= 0 {
		return 0
	}
	return uint64(float64(delivered) / float64(interval) * 1e9)
}

// ack is what an acknowledgement tells. It is taken from a pool since algorithms, which are behind an interface, look at it.
type ack struct {
	now      int64
	una      uint32 // before it
	fack     uint32 // behind the highest that was sacked before it
	late     uint32 // the lowest that was sacked after what lies behind
	inFlight int    // before
	had      uint64 // was delivered before
	hadLost  uint64
	acked    int   // bytes, by the sequence number
	rtt      int64 // of the first that was acknowledged, 0 for none
	lastRTT  int64 // of the last
	sackRTT  int64
	high     bool // something was sacked before
	news     bool // something is sacked now
	probed   bool // which was the probe
	dup      bool // it is a duplicate: no data, no new window
	orig     bool // of something that never was sent again, before the end of a loss
	ece      bool // it tells of congestion
	data     bool // it carries data
	sample
}

// fresh is how many bytes are known to be delivered by it.
func (a *ack) fresh(r *rate) int { return int(r.delivered - a.had) }

// roundTrip takes that of a record that went once.
func (a *ack) roundTrip(r *sent) {
	a.lastRTT = max(a.now-r.at, 1)
	if a.rtt == 0 {
		a.rtt = a.lastRTT
	}
}

var acks = sync.Pool{New: func() any { return new(ack) }}

// beginAck is before an acknowledgement is looked at, endAck after it.
func (s *segments) beginAck(now int64) *ack {
	a := acks.Get().(*ack)
	*a = ack{now: now, una: s.una, fack: s.fl.high, late: s.nxt, high: s.fl.sacked > 0, inFlight: s.pipe(), had: s.rate.delivered, hadLost: s.rate.lost}
	a.sample.delivered = -1
	if !a.high {
		a.fack = s.una
	}
	s.ack = a
	return a
}

func (s *segments) endAck() {
	acks.Put(s.ack)
	s.ack = nil
}

// sampleRate looks at a record that has arrived (tcp_rate_skb_delivered).
func (s *segments) sampleRate(r *sent) {
	m := &s.ack.sample
	if r.then == 0 || m.priorAt != 0 && !sentAfter(r.at, m.sentAt, r.end, m.end) {
		return
	}
	m.prior, m.priorAt, m.sentAt, m.end = r.delivered, r.then, r.at, r.end
	m.limited, m.again = r.mark&markLimited != 0, r.mark&markEver != 0
	m.interval = r.at - r.first
	s.rate.first = r.at
}

// measured ends the measurement of an acknowledgement (tcp_rate_gen).
func (s *segments) measured() {
	a, r := s.ack, &s.rate
	m := &a.sample
	if r.limited != 0 && r.delivered > r.limited {
		r.limited = 0
	}
	m.losses = int(r.lost - a.hadLost)
	if a.fresh(r) == 0 {
		m.interval = 0
		return
	}
	r.at = a.now
	if m.priorAt == 0 {
		m.interval = 0
		return
	}
	m.delivered = int64(r.delivered - m.prior)
	m.interval = max(m.interval, a.now-m.priorAt)
	if m.interval < s.rtt.min || m.interval <= 0 { // acknowledgements that came together
		m.interval = 0
		return
	}
	if b := &r.best; !m.limited || float64(m.delivered)*float64(b.interval) >= float64(b.delivered)*float64(m.interval) {
		*b = best{m.delivered, m.interval, m.limited}
	}
}

// checkLimited notes that the application has nothing more to send though more could go (tcp_rate_check_app_limited), and
// though there is room in the queue: one that is full limits, too, but that is not the application's doing.
func (s *segments) checkLimited(e *Endpoint) {
	if s.notSent(e) < s.mss && e.writable() && s.pipe() < s.cc.cwnd && s.fl.lost <= s.fl.again {
		s.rate.limited = max(s.rate.delivered+uint64(s.pipe()), 1)
	}
}
