package tcp

// reno is NewReno's congestion control (RFC 5681, net/ipv4/tcp_cong.c).
type reno struct{}

func (reno) begin(*segments) {}

func (reno) threshold(s *segments) int { return max(s.cc.cwnd/2, 2*s.mss) }

func (reno) acked(s *segments) {
	if !s.limited() {
		return
	}
	n := s.ack.acked
	if s.cc.slow() {
		if n = s.cc.slowStart(n); n == 0 {
			return
		}
	}
	s.cc.additive(s.cc.cwnd, n, s.mss)
}

func (reno) undo(s *segments) int { return max(s.cc.cwnd, s.rec.cwnd) }

func (reno) event(*segments, controlEvent) {}

func (reno) info() []byte { return nil }
