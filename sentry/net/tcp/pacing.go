package tcp

// Sending no faster than at a rate: one that an algorithm wants, or SO_MAX_PACING_RATE says.

// pacing is when the next segment may go.
type pacing struct {
	rate uint64 // bytes a second that the algorithm wants, 0: any
	next int64
}

const (
	noRate    = ^uint64(0)
	paceSlack = 1e6 // a timer is that much late at most, which is made up for
	paceShift = 10  // sk_pacing_shift: a packet is about a ms long
	slowRatio = 2.0 // net.ipv4.tcp_pacing_ss_ratio
	keepRatio = 1.2 // net.ipv4.tcp_pacing_ca_ratio
)

// paceRate is the rate that holds, 0 for none.
func (s *segments) paceRate(e *Endpoint) uint64 {
	r := s.pace.rate
	if most := e.MaxPacing; most != 0 && most != noRate && (r == 0 || most < r) {
		r = most
	}
	return r
}

// paced notes that n bytes go now.
func (s *segments) paced(rate uint64, n int, now int64) {
	if rate != 0 {
		s.pace.next = max(s.pace.next, now-paceSlack) + int64(float64(n)*1e9/float64(rate))
	}
}

// burst is how much goes at once at a rate (tcp_tso_autosize).
func (s *segments) burst(rate uint64) int {
	return max(int(min(rate>>paceShift, longest))/s.mss, 2) * s.mss
}

// shownRate is the rate that TCP_INFO shows (tcp_update_pacing_rate).
func (s *segments) shownRate(e *Endpoint) uint64 {
	r := s.pace.rate
	if r == 0 {
		if s.rtt.srtt == 0 {
			return noRate
		}
		ratio := keepRatio
		if s.cc.cwnd < s.cc.ssthresh/2 {
			ratio = slowRatio
		}
		r = uint64(float64(s.cc.cwnd) / float64(s.rtt.srtt) * 1e9 * ratio)
	}
	if most := e.MaxPacing; most != 0 {
		r = min(r, most)
	}
	return r
}

// tooFast reports whether a direct connection has to wait because of SO_MAX_PACING_RATE: the timer then goes on.
func (e *Endpoint) tooFast() bool {
	if e.paceNext == 0 {
		return false
	}
	if e.MaxPacing == 0 || e.paceNext <= e.table.Stack.Clock.Now() {
		e.paceUntil = 0
		return false
	}
	e.paceUntil = e.paceNext
	e.setTimer()
	return true
}

// pacedDirect notes that n bytes have gone to the other end.
func (e *Endpoint) pacedDirect(n int) {
	if e.MaxPacing != 0 && e.MaxPacing != noRate {
		e.paceNext = max(e.paceNext, e.table.Stack.Clock.Now()-paceSlack) + int64(float64(n)*1e9/float64(e.MaxPacing))
	}
}
