package tcp

import "github.com/seed-7423c386/runsc/sentry/net/header"

// Loss detection by time (RFC 8985, net/ipv4/tcp_recovery.c): what was sent earlier than something that has arrived is
// lost when it has not come a while later. The while is none until the way is known to reorder, then a quarter of the
// round trip, and more if the peer tells of what came twice. A probe asks for the end of a flight.

// rack is its state.
type rack struct {
	at       int64  // when the newest of what has arrived went
	end      uint32 // and where that ends
	rtt      int64  // of it
	advanced bool   // it is to be looked again for losses
	dsack    bool   // the peer told of a duplicate
	steps    uint8  // of the window
	persist  uint8  // for how many recoveries it stays so
	since    uint64 // what was delivered when the window was changed last

	reordering int    // how far segments are known to overtake others
	seen       uint32 // how often they have

	probe    uint32 // a probe is out: where it ends
	probing  bool
	probeOld bool // it was sent before
	probes   uint32
	dsacks   uint32
}

const (
	firstReordering = 3 // net.ipv4.tcp_reordering
	mostReordering  = 300
	rackPersist     = 16
	minTimeout      = 2e6 // TCP_TIMEOUT_MIN
)

// sentAfter reports whether what went at time t1 up to e1 went after the other.
func sentAfter(t1, t2 int64, e1, e2 uint32) bool { return t1 > t2 || t1 == t2 && before(e2, e1) }

// rackAdvance notes what has arrived (tcp_rack_advance).
func (s *segments) rackAdvance(r *sent) {
	k := &s.rack
	rtt := s.ack.now - r.at
	if r.mark&markEver != 0 && rtt < s.rtt.min { // it is the first of both that arrived
		return
	}
	k.advanced, k.rtt = true, rtt
	if sentAfter(r.at, k.at, r.end, k.end) {
		k.at, k.end = r.at, r.end
	}
}

// reordered notes that something came so many bytes late (tcp_check_sack_reordering).
func (s *segments) reordered(by uint32) {
	k := &s.rack
	k.seen++
	s.count.SackReorder.Add(1)
	if n := (int(by) + s.mss - 1) / s.mss; n > k.reordering {
		k.reordering = min(n, mostReordering)
	}
}

// reorderWindow is how long something may come late (tcp_rack_reo_wnd).
func (s *segments) reorderWindow() int64 {
	k := &s.rack
	if k.seen == 0 && (s.rec.state >= caRecovery || s.fl.sacked >= k.reordering*s.mss) {
		return 0
	}
	return min(s.rtt.min/4*int64(k.steps), s.rtt.srtt)
}

// adapt changes the window by what the peer told of duplicates, once a round trip (tcp_rack_update_reo_wnd).
func (s *segments) adapt() {
	k := &s.rack
	if s.ack.prior < k.since {
		k.dsack = false
	}
	switch {
	case k.dsack:
		k.steps += min(1, 255-k.steps)
		k.dsack, k.since, k.persist = false, s.rate.delivered, rackPersist
	case k.persist == 0:
		k.steps = 1
	}
}

// rackLost marks what is lost, and sets the timer for what may be soon (tcp_rack_mark_lost).
func (s *segments) rackLost(now int64) {
	k := &s.rack
	if !k.advanced {
		return
	}
	k.advanced = false
	s.reoAt = 0
	wait := int64(0)
	window := s.reorderWindow()
	l := s.fl.live()
	for i := range l {
		r := &l[i]
		if r.mark&markSacked != 0 || r.mark&(markLost|markAgain) == markLost {
			continue
		}
		if !sentAfter(k.at, r.at, k.end, r.end) {
			if s.fl.again == 0 && r.mark&markEver == 0 {
				break // what follows went later still
			}
			continue
		}
		if left := k.rtt + window - (now - r.at); left <= 0 {
			s.loses(i)
		} else {
			wait = max(wait, left)
		}
	}
	if wait > 0 {
		s.reoAt = now + wait + minTimeout
	}
}

// reorderExpired is when something has not come in time (tcp_rack_reo_timeout).
func (s *segments) reorderExpired(e *Endpoint, now int64) {
	s.beginAck(now)
	defer s.endAck()
	in := s.pipe()
	s.rack.advanced = true
	s.rackLost(now)
	if s.pipe() != in && s.rec.state < caRecovery {
		s.enterRecovery(now)
		if !s.cc.whole() {
			s.reduce(s.mss, false)
		}
	}
	s.output(e, false)
}

// armProbe sets the time for a probe of the end of the flight (tcp_schedule_loss_probe).
func (s *segments) armProbe(now int64) {
	if !s.sackOK || s.noProbes || s.rec.state != caOpen && s.rec.state != caCWR || s.fl.sacked > 0 || s.rack.probing || s.tries > 0 || s.reoAt != 0 {
		return
	}
	wait := int64(1e9)
	if s.rtt.srtt > 0 {
		wait = 2*s.rtt.srtt + minTimeout
		if int(s.nxt-s.una) <= s.mss { // whose acknowledgement may be delayed
			wait = 2*s.rtt.srtt + minRTO
		}
	}
	s.tlpAt = min(now+wait, s.rtoAt) // in place of the time-out
}

// sendProbe sends something new, or the last segment again (tcp_send_loss_probe).
func (s *segments) sendProbe(e *Endpoint, now int64) {
	l := s.fl.live()
	if len(l) == 0 || s.rack.probing {
		return
	}
	k := &s.rack
	k.probing, k.probeOld = true, false
	nagle, cork := e.NoDelay, e.Cork
	e.NoDelay, e.Cork = true, false
	last := s.nxt
	s.sendNew(e, s.mss, false, now)
	e.NoDelay, e.Cork = nagle, cork
	if k.probe = s.nxt; s.nxt == last {
		i := len(s.fl.live()) - 1
		if start := s.start(i); int(s.nxt-start) > s.mss {
			s.fl.split(i, s.nxt-uint32(s.mss))
			i = len(s.fl.live()) - 1
		}
		s.resend(e, i, now)
		k.probeOld = true
	}
	k.probes++
	s.count.LossProbes.Add(1)
	s.rtoAt = now + s.rtt.rto
}

// probeAcked ends a probe (tcp_process_tlp_ack): if it was what filled a hole, something was lost.
func (s *segments) probeAcked(to uint32) {
	k, a := &s.rack, s.ack
	switch {
	case !k.probing || before(to, k.probe):
	case !k.probeOld, a.probed:
		k.probing = false
	case before(k.probe, to):
		k.probing = false
		s.count.LossProbeRecovery.Add(1)
		if s.rec.state == caOpen {
			s.beginReduction()
			s.rec.state, s.rec.undo = caCWR, false
			s.endReduction()
			s.keepOpen()
		}
	case a.acked == 0 && a.dup && !a.news:
		k.probing = false
	}
}

// isDuplicate looks whether the first block tells of something that came twice (RFC 2883 4, tcp_check_dsack).
func (s *segments) isDuplicate(g *segment) bool {
	b := g.Blocks[0]
	twice := before(b.Start, g.Ack)
	if !twice && g.NBlocks > 1 {
		o := g.Blocks[1]
		twice = !before(b.Start, o.Start) && !before(o.End, b.End)
	}
	if !twice || !before(b.Start, b.End) || b.End-b.Start > s.maxWnd || before(s.nxt, b.End) || int32(s.una-b.Start) > int32(s.maxWnd) {
		return twice
	}
	s.duplicated(b, g.Ack)
	return true
}

// duplicated takes in that the peer got a range twice (tcp_dsack_seen).
func (s *segments) duplicated(b header.Block, ack uint32) {
	k := &s.rack
	n := (int(b.End-b.Start) + s.mss - 1) / s.mss
	s.count.DSACKRecv.Add(uint64(n))
	if k.dsacks += uint32(n); k.dsacks > s.retrans { // it is the way that makes them
		return
	}
	if k.probing && k.probeOld && b.End == k.probe {
		s.ack.probed = true
	} else if k.seen > 0 {
		k.dsack = true
	}
	if r := &s.rec; r.undo && r.again > 0 && !before(s.una, b.End) && before(r.mark, b.End) {
		r.again = max(r.again-n, 0)
	}
}
