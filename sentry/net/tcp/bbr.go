package tcp

import "math/rand/v2"

// bbr is BBR of the first version (draft-cardwell-iccrg-bbr-congestion-control-00, net/ipv4/tcp_bbr.c): it measures how
// much the narrowest part of the way delivers and how short the round trip is, and sends at that rate with about that
// much on its way.
type bbr struct {
	mode    bbrMode
	bw      windowMax // bytes a second, of ten round trips
	minRTT  int64
	minAt   int64
	round   uint64 // when so much is delivered, the next round trip begins
	rounds  uint32
	newTrip bool // this acknowledgement begins one
	idle    bool // it begins again after nothing was on its way
	seenRTT bool

	full      uint64 // the rate that startup has come to
	fullCount int
	fullDone  bool

	cycle   int
	cycleAt int64
	pace    float64 // gains
	wnd     float64

	saved     int // the window before recovery or a probe for the round trip
	was       caState
	conserve  bool // no more is sent than arrives
	probeDone int64
	probeTrip bool

	lt struct { // a policer's rate
		sampling, use bool
		trips         int
		bw            uint64
		at            int64
		delivered     uint64
		lost          uint64
	}
	extra struct { // how much more arrives at once than the rate says
		at    int64
		acked int
		most  [2]int
		index int
		trips int
	}
}

type bbrMode uint8

const (
	bbrStartup bbrMode = iota
	bbrDrain
	bbrProbeBW
	bbrProbeRTT
)

const (
	bbrHigh      = 2.885 // 2/ln 2
	bbrWindow    = 10
	bbrMinTime   = 10e9  // for so long the shortest round trip counts
	bbrProbeTime = 200e6 // and so long it is looked for
	bbrMargin    = 0.99
	bbrLeast     = 4 // segments
)

// bbrGains are those of the steps of a cycle.
var bbrGains = [8]float64{1.25, 0.75, 1, 1, 1, 1, 1, 1}

// windowMax is the highest of a number of round trips (lib/win_minmax.c).
type windowMax [3]struct {
	at uint32
	v  uint64
}

func (w *windowMax) add(length, at uint32, v uint64) {
	n := struct {
		at uint32
		v  uint64
	}{at, v}
	if v >= w[0].v || at-w[2].at > length {
		*w = windowMax{n, n, n}
		return
	}
	if v >= w[1].v {
		w[1], w[2] = n, n
	} else if v >= w[2].v {
		w[2] = n
	}
	switch age := at - w[0].at; {
	case age > length:
		w[0], w[1], w[2] = w[1], w[2], n
		if at-w[0].at > length {
			w[0], w[1], w[2] = w[1], w[2], n
		}
	case w[1].at == w[0].at && age > length/4:
		w[1], w[2] = n, n
	case w[2].at == w[1].at && age > length/2:
		w[2] = n
	}
}

func (b *bbr) begin(s *segments) {
	now := s.clock.Now()
	*b = bbr{minRTT: s.rtt.min, minAt: now, round: s.rate.delivered, pace: bbrHigh, wnd: bbrHigh}
	b.extra.at = now
	b.resetPolicer(s)
	s.cc.ssthresh = noThreshold
	b.firstRate(s)
}

// firstRate is before anything is measured (bbr_init_pacing_rate_from_rtt).
func (b *bbr) firstRate(s *segments) {
	rtt := int64(1e6)
	if s.rtt.srtt > 0 {
		rtt, b.seenRTT = max(s.rtt.srtt, 1000), true
	}
	s.pace.rate = uint64(float64(s.cc.cwnd) / float64(rtt) * 1e9 * bbrHigh * bbrMargin)
}

// rate is what is thought to be delivered, bytes a second.
func (b *bbr) rate() uint64 {
	if b.lt.use {
		return b.lt.bw
	}
	return b.bw[0].v
}

func (b *bbr) acked(s *segments) {
	b.model(s)
	b.setRate(s, b.rate(), b.pace)
	b.setWindow(s)
}

// model takes in what is measured (bbr_update_model).
func (b *bbr) model(s *segments) {
	b.takeRate(s)
	b.takeExtra(s)
	if b.mode == bbrProbeBW && b.stepOver(s) {
		b.step(s)
	}
	b.checkFull(s)
	b.checkDrain(s)
	b.takeRTT(s)
	switch b.mode {
	case bbrStartup:
		b.pace, b.wnd = bbrHigh, bbrHigh
	case bbrDrain:
		b.pace, b.wnd = 1/bbrHigh, bbrHigh
	case bbrProbeBW:
		b.pace, b.wnd = bbrGains[b.cycle], 2
		if b.lt.use {
			b.pace = 1
		}
	case bbrProbeRTT:
		b.pace, b.wnd = 1, 1
	}
}

// takeRate is bbr_update_bw.
func (b *bbr) takeRate(s *segments) {
	m := &s.ack.sample
	b.newTrip = false
	if m.delivered < 0 || m.interval <= 0 {
		return
	}
	if m.prior >= b.round {
		b.round = s.rate.delivered
		b.rounds++
		b.newTrip, b.conserve = true, false
	}
	b.takePolicer(s, m.losses, m.limited)
	if v := perSecond(m.delivered, m.interval); !m.limited || v >= b.bw[0].v {
		b.bw.add(bbrWindow, b.rounds, v)
	}
}

// takeExtra measures how much arrives at once (bbr_update_ack_aggregation).
func (b *bbr) takeExtra(s *segments) {
	m, x := &s.ack.sample, &b.extra
	n := s.ack.fresh(&s.rate)
	if n <= 0 || m.delivered < 0 || m.interval <= 0 {
		return
	}
	if b.newTrip {
		if x.trips = min(31, x.trips+1); x.trips >= 5 {
			x.trips = 0
			x.index ^= 1
			x.most[x.index] = 0
		}
	}
	expected := int(float64(b.rate()) * float64(s.rate.at-x.at) / 1e9)
	if x.acked <= expected || x.acked+n >= 1<<30 {
		x.acked, x.at, expected = 0, s.rate.at, 0
	}
	x.acked += n
	x.most[x.index] = max(x.most[x.index], min(x.acked-expected, s.cc.cwnd))
}

// stepOver reports whether the cycle goes on (bbr_is_next_cycle_phase).
func (b *bbr) stepOver(s *segments) bool {
	long := s.rate.at-b.cycleAt > b.minRTT
	switch {
	case b.pace == 1:
		return long
	case b.pace > 1:
		return long && (s.ack.losses > 0 || s.ack.inFlight >= b.inFlight(s, b.bw[0].v, b.pace))
	}
	return long || s.ack.inFlight <= b.inFlight(s, b.bw[0].v, 1)
}

func (b *bbr) step(s *segments) {
	b.cycle = (b.cycle + 1) % len(bbrGains)
	b.cycleAt = s.rate.at
}

func (b *bbr) beginProbe(s *segments) {
	b.mode = bbrProbeBW
	b.cycle = len(bbrGains) - 1 - rand.IntN(7)
	b.step(s)
}

func (b *bbr) resume(s *segments) {
	if b.fullDone {
		b.beginProbe(s)
	} else {
		b.mode = bbrStartup
	}
}

// checkFull ends startup when the rate has stopped to grow for three round trips (bbr_check_full_bw_reached).
func (b *bbr) checkFull(s *segments) {
	if b.fullDone || !b.newTrip || s.ack.limited {
		return
	}
	if v := b.bw[0].v; v >= b.full+b.full/4 {
		b.full, b.fullCount = v, 0
		return
	}
	b.fullCount++
	b.fullDone = b.fullCount >= 3
}

func (b *bbr) checkDrain(s *segments) {
	if b.mode == bbrStartup && b.fullDone {
		b.mode = bbrDrain
		s.cc.ssthresh = b.inFlight(s, b.bw[0].v, 1)
	}
	if b.mode == bbrDrain && s.pipe() <= b.inFlight(s, b.bw[0].v, 1) {
		b.beginProbe(s)
	}
}

// takeRTT is bbr_update_min_rtt.
func (b *bbr) takeRTT(s *segments) {
	now := s.ack.now
	old := now > b.minAt+bbrMinTime
	if rtt := s.ack.lastRTT; rtt > 0 && (b.minRTT == 0 || rtt < b.minRTT || old) {
		b.minRTT, b.minAt = rtt, now
	}
	if old && !b.idle && b.mode != bbrProbeRTT {
		b.mode, b.probeDone = bbrProbeRTT, 0
		b.save(s)
	}
	if b.mode == bbrProbeRTT {
		s.rate.limited = max(s.rate.delivered+uint64(s.pipe()), 1)
		switch {
		case b.probeDone == 0 && s.pipe() <= bbrLeast*s.mss:
			b.probeDone, b.probeTrip, b.round = now+bbrProbeTime, false, s.rate.delivered
		case b.probeDone != 0:
			b.probeTrip = b.probeTrip || b.newTrip
			if b.probeTrip {
				b.checkProbe(s, now)
			}
		}
	}
	if s.ack.sample.delivered > 0 {
		b.idle = false
	}
}

// checkProbe ends the search for the shortest round trip.
func (b *bbr) checkProbe(s *segments, now int64) {
	if b.probeDone == 0 || now <= b.probeDone {
		return
	}
	b.minAt = now
	s.cc.cwnd = max(s.cc.cwnd, b.saved)
	b.resume(s)
}

func (b *bbr) save(s *segments) {
	if b.was < caRecovery && b.mode != bbrProbeRTT {
		b.saved = s.cc.cwnd
	} else {
		b.saved = max(b.saved, s.cc.cwnd)
	}
}

// product is how much fills the way at a rate, times a gain.
func (b *bbr) product(s *segments, bw uint64, gain float64) int {
	if b.minRTT == 0 {
		return firstWindow * s.mss
	}
	return int(float64(bw) * float64(b.minRTT) / 1e9 * gain)
}

// inFlight is that with what is needed to send and acknowledge in pieces (bbr_quantization_budget).
func (b *bbr) inFlight(s *segments, bw uint64, gain float64) int {
	return b.quantize(s, b.product(s, bw, gain))
}

func (b *bbr) quantize(s *segments, n int) int {
	n += 3 * s.burst(s.pace.rate)
	if b.mode == bbrProbeBW && b.cycle == 0 {
		n += 2 * s.mss
	}
	return n
}

// setWindow is bbr_set_cwnd.
func (b *bbr) setWindow(s *segments) {
	n := s.ack.fresh(&s.rate)
	w := s.cc.cwnd
	if n > 0 && !b.recover(s, &w, n) {
		target := b.product(s, b.rate(), b.wnd)
		if b.fullDone {
			target += min(max(b.extra.most[0], b.extra.most[1]), int(b.rate()/10))
		}
		target = b.quantize(s, target)
		if b.fullDone {
			w = min(w+n, target)
		} else if w < target || s.rate.delivered < uint64(firstWindow*s.mss) {
			w += n
		}
		w = max(w, bbrLeast*s.mss)
	}
	if b.mode == bbrProbeRTT {
		w = min(w, bbrLeast*s.mss)
	}
	s.cc.cwnd = max(w, s.mss)
}

// recover is the window in recovery and after it (bbr_set_cwnd_to_recover_or_restore).
func (b *bbr) recover(s *segments, w *int, n int) bool {
	state := s.rec.state
	if l := s.ack.losses; l > 0 {
		*w = max(*w-l, s.mss)
	}
	switch {
	case state == caRecovery && b.was != caRecovery:
		b.conserve, b.round = true, s.rate.delivered
		*w = s.pipe() + n
	case b.was >= caRecovery && state < caRecovery:
		*w = max(*w, b.saved)
		b.conserve = false
	}
	b.was = state
	if b.conserve {
		*w = max(*w, s.pipe()+n)
	}
	return b.conserve
}

// setRate is bbr_set_pacing_rate.
func (b *bbr) setRate(s *segments, bw uint64, gain float64) {
	if !b.seenRTT && s.rtt.srtt > 0 {
		b.firstRate(s)
	}
	if r := uint64(float64(bw) * gain * bbrMargin); r > 0 && (b.fullDone || r > s.pace.rate) {
		s.pace.rate = r
	}
}

func (b *bbr) threshold(s *segments) int {
	b.save(s)
	return s.cc.ssthresh
}

func (b *bbr) undo(s *segments) int {
	b.full, b.fullCount = 0, 0
	b.resetPolicer(s)
	return s.cc.cwnd
}

func (b *bbr) event(s *segments, ev controlEvent) {
	switch {
	case ev == evLoss:
		b.was, b.full, b.newTrip = caLoss, 0, true
		b.takePolicer(s, 1, false)
	case ev == evStart && s.rate.limited != 0:
		now := s.clock.Now()
		b.idle = true
		b.extra.at, b.extra.acked = now, 0
		if b.mode == bbrProbeBW {
			b.setRate(s, b.rate(), 1)
		} else if b.mode == bbrProbeRTT {
			b.checkProbe(s, now)
		}
	}
}

// resetPolicer is bbr_reset_lt_bw_sampling.
func (b *bbr) resetPolicer(s *segments) {
	b.lt.bw, b.lt.use, b.lt.sampling = 0, false, false
	b.nextPolicer(s)
}

func (b *bbr) nextPolicer(s *segments) {
	b.lt.at, b.lt.delivered, b.lt.lost, b.lt.trips = s.rate.at, s.rate.delivered, s.rate.lost, 0
}

// takePolicer looks for a rate above which much is lost, twice the same: then that is the rate for 48 round trips
// (bbr_lt_bw_sampling).
func (b *bbr) takePolicer(s *segments, losses int, limited bool) {
	l := &b.lt
	if l.use {
		if b.mode == bbrProbeBW && b.newTrip {
			if l.trips++; l.trips >= 48 {
				b.resetPolicer(s)
				b.beginProbe(s)
			}
		}
		return
	}
	if !l.sampling {
		if losses == 0 {
			return
		}
		b.nextPolicer(s)
		l.sampling = true
	}
	if limited {
		b.resetPolicer(s)
		return
	}
	if b.newTrip {
		l.trips++
	}
	if l.trips < 4 {
		return
	}
	if l.trips > 16 {
		b.resetPolicer(s)
		return
	}
	delivered, lost, t := s.rate.delivered-l.delivered, s.rate.lost-l.lost, s.rate.at-l.at
	if losses == 0 || delivered == 0 || lost*256 < 50*delivered || t < 1e6 {
		return
	}
	bw := uint64(float64(delivered) / float64(t) * 1e9)
	if l.bw != 0 {
		diff := max(bw, l.bw) - min(bw, l.bw)
		if diff*8 <= l.bw || diff <= 500 {
			l.bw, l.use, l.trips = (bw+l.bw)/2, true, 0
			b.pace = 1
			return
		}
	}
	l.bw = bw
	b.nextPolicer(s)
}

// info is struct tcp_bbr_info.
func (b *bbr) info() []byte {
	bw := b.rate()
	rtt := uint32(b.minRTT / 1000)
	if b.minRTT == 0 {
		rtt = ^uint32(0)
	}
	return words(uint32(bw), uint32(bw>>32), rtt, uint32(b.pace*256), uint32(b.wnd*256))
}
