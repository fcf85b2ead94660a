package tcp

// What follows from losses (RFC 5681, RFC 6937, net/ipv4/tcp_input.c, tcp_fastretrans_alert).

// recoveryTimes are the estimates of the round trip (RFC 6298), ns.
type recoveryTimes struct {
	srtt, rttvar, rto, min int64
	minAt                  int64
}

const (
	minRTO  = 200e6
	maxRTO  = 120e9
	minTime = 300e9 // net.ipv4.tcp_min_rtt_wlen: for so long the shortest round trip counts
)

// sample takes one measurement.
func (r *recoveryTimes) sample(rtt int64) {
	rtt = max(rtt, 1000)
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

// shortest takes one for the shortest of late.
func (r *recoveryTimes) shortest(rtt, now int64) {
	if r.min == 0 || rtt <= r.min || now-r.minAt > minTime {
		r.min, r.minAt = max(rtt, 1000), now
	}
}

// caState is how far it is from all being well (enum tcp_ca_state).
type caState uint8

const (
	caOpen     caState = iota
	caDisorder         // something came out of order
	caCWR              // less is sent because the network said so
	caRecovery         // something is lost
	caLoss             // there was a time-out
)

// recovery is what is known of it.
type recovery struct {
	state   caState
	high    uint32 // it ends when this is acknowledged
	dups    int    // duplicate acknowledgements of a peer without SACK
	undo    bool   // it may yet turn out that nothing was lost
	frto    bool   // since a time-out, which may have been for nothing: RFC 5682
	newer   bool   // so that new data goes before what may be lost
	mark    uint32 // what was first lost then
	again   int    // segments sent again that may have been for nothing
	firstTS uint32 // the time stamp of the first
	wasAt   uint32 // una when the state was entered

	// What was before, to be restored.
	cwnd, ssthresh int

	// RFC 6937.
	delivered, out int

	timeouts, recovered uint16 // by time-outs
	lostAt, lostFor     int64  // since when there is one, and how long there were
}

// alert is what an acknowledgement leads to that is not as usual: whether the window may not grow.
func (s *segments) alert(e *Endpoint, to uint32) {
	r, a := &s.rec, s.ack
	advanced := a.acked > 0
	if !s.sackOK && !advanced && a.dup {
		r.dups++
	}
	if r.newer = false; r.state == caLoss && r.frto && !(advanced && s.mayUndo()) && s.foresee(e, to) {
		return
	}
	if r.state != caOpen && !before(to, r.high) && s.ends(to) {
		return
	}
	switch r.state {
	case caRecovery:
		if advanced {
			if !s.sackOK {
				r.dups = 0
			}
			if s.undoPartial() {
				return
			}
		}
		if s.undoDuplicates() {
			s.keepOpen()
		}
		s.findLost(advanced)
		if r.state < caRecovery {
			if s.fl.lost == 0 {
				s.tryOpen()
				return
			}
			s.enterRecovery(a.now)
		}
	case caLoss:
		if s.mayUndo() {
			s.count.LossUndo.Add(1)
			s.undoWindow(true)
			s.tries = 0
			if s.sackOK {
				s.leaveLoss()
			}
		}
		if !s.sackOK && advanced {
			r.dups = 0
		}
		s.findLost(advanced)
		return
	default:
		if !s.sackOK && advanced {
			r.dups = 0
		}
		if r.state <= caDisorder {
			s.undoDuplicates()
		}
		s.findLost(advanced)
		if s.fl.lost == 0 {
			s.tryOpen()
			return
		}
		s.enterRecovery(a.now)
	}
	if r.state == caRecovery && !s.cc.whole() {
		s.reduce(a.fresh(&s.rate)+s.dupBytes(), advanced && s.rate.lost == a.hadLost)
	}
}

// foresee looks after a time-out whether what is acknowledged was sent before it, so that nothing was lost, or sends something new to
// find out (RFC 5682 3.1, tcp_process_loss): whether nothing else is to be done.
func (s *segments) foresee(e *Endpoint, to uint32) bool {
	r, a := &s.rec, s.ack
	switch {
	case a.orig:
		s.count.LossUndo.Add(1)
		s.count.SpuriousRTOs.Add(1)
		s.undoWindow(true)
		s.tries, r.frto = 0, false
		s.leaveLoss()
		return true
	case before(r.high, s.nxt):
		if a.news || a.dup {
			r.frto = false // something was lost
		}
	case a.acked > 0 && before(to, r.high):
		r.high = s.nxt
		r.newer = s.notSent(e) > 0 && before(s.nxt, s.una+s.wnd)
		r.frto = r.newer
		return r.newer
	}
	return false
}

// dupBytes is what a duplicate acknowledgement of a peer without SACK says to be delivered.
func (s *segments) dupBytes() int {
	if !s.sackOK && s.ack.acked == 0 && s.ack.dup {
		return s.mss
	}
	return 0
}

// ends leaves a state whose end is acknowledged: whether nothing else is to be done.
func (s *segments) ends(to uint32) bool {
	r := &s.rec
	switch r.state {
	case caLoss, caRecovery:
		loss := r.state == caLoss
		if s.mayUndo() {
			s.count.FullUndo.Add(1)
			s.undoWindow(false)
		}
		if !s.sackOK && to == r.high {
			return true // others may be duplicates of what was sent again (RFC 6582)
		}
		if loss {
			s.leaveLoss()
		} else {
			s.endReduction()
			s.rack.persist -= min(1, s.rack.persist)
		}
		r.state, r.undo, r.dups = caOpen, false, 0
		return loss
	case caCWR:
		if to != r.high {
			s.endReduction()
			r.state, r.undo = caOpen, false
		}
	}
	return false
}

func (s *segments) leaveLoss() {
	r := &s.rec
	if r.lostAt != 0 {
		r.recovered++
		r.lostFor += s.clock.Now() - r.lostAt
		r.lostAt = 0
	}
	r.state, r.undo = caOpen, false
	s.keepOpen()
}

// tryOpen is after an acknowledgement that tells of no loss (tcp_try_to_open).
func (s *segments) tryOpen() {
	switch {
	case s.ack.ece && s.rec.state < caCWR:
		s.enterCWR()
	case s.rec.state != caCWR:
		s.keepOpen()
	}
	if s.rec.state == caCWR && !s.cc.whole() {
		s.reduce(s.ack.fresh(&s.rate), false)
	}
}

// keepOpen is the state when nothing is known to be lost (tcp_try_keep_open).
func (s *segments) keepOpen() {
	r := &s.rec
	state := caOpen
	if s.fl.sacked+s.fl.lost+s.fl.again+r.dups > 0 || r.undo {
		state = caDisorder
	}
	if r.state != state {
		r.state, r.high = state, s.nxt
	}
}

// findLost marks what is lost (tcp_identify_packet_loss).
func (s *segments) findLost(advanced bool) {
	if s.sackOK {
		s.rackLost(s.ack.now)
		return
	}
	r := &s.rec
	if len(s.fl.live()) > 0 && (r.state < caRecovery && r.dups >= s.rack.reordering || r.state == caRecovery && advanced) {
		if first := s.fl.live()[0]; int(first.end-s.una) > s.mss {
			s.fl.split(0, s.una+uint32(s.mss))
		}
		s.loses(0)
	}
}

// beginReduction remembers the window before it becomes smaller (tcp_init_cwnd_reduction).
func (s *segments) beginReduction() {
	r := &s.rec
	r.high = s.nxt
	r.delivered, r.out = 0, 0
	s.rack.probing = false
	r.cwnd = s.cc.cwnd
	s.cc.ssthresh = s.cc.threshold(s)
	s.ecn.queueCWR()
}

// enterRecovery begins to send again what is lost (tcp_enter_recovery).
func (s *segments) enterRecovery(now int64) {
	r := &s.rec
	if s.sackOK {
		s.count.SackRecovery.Add(1)
	} else {
		s.count.RenoRecovery.Add(1)
	}
	r.ssthresh = 0
	s.beginUndo()
	if r.state < caCWR {
		r.ssthresh = s.cc.ssthresh
		s.beginReduction()
	} else {
		r.high = s.nxt
	}
	r.state = caRecovery
	s.tlpAt = 0
}

func (s *segments) beginUndo() {
	r := &s.rec
	r.undo, r.mark, r.firstTS = true, s.una, 0
	if r.again = -1; s.fl.again > 0 {
		r.again = (s.fl.again + s.mss - 1) / s.mss
	}
}

// enterCWR makes the window smaller though nothing is lost (tcp_enter_cwr).
func (s *segments) enterCWR() {
	r := &s.rec
	if r.state >= caCWR {
		return
	}
	r.ssthresh, r.undo = 0, false
	s.beginReduction()
	r.state = caCWR
}

// reduce sets the window by what is delivered: it comes to ssthresh in a round trip (tcp_cwnd_reduction).
func (s *segments) reduce(fresh int, safe bool) {
	r, c := &s.rec, &s.cc
	if fresh <= 0 || r.cwnd == 0 {
		return
	}
	pipe := s.pipe()
	n := 0
	r.delivered += fresh
	if room := c.ssthresh - pipe; room < 0 {
		n = int((int64(c.ssthresh)*int64(r.delivered)+int64(r.cwnd)-1)/int64(r.cwnd)) - r.out
	} else {
		n = max(r.delivered-r.out, fresh)
		if safe {
			n += s.mss
		}
		n = min(room, n)
	}
	if r.out == 0 {
		n = max(n, s.mss)
	}
	c.cwnd = max(pipe+n, s.mss)
}

// endReduction is when it is there (tcp_end_cwnd_reduction).
func (s *segments) endReduction() {
	if s.cc.whole() {
		return
	}
	if s.cc.ssthresh < noThreshold && (s.rec.state == caCWR || s.rec.undo) {
		s.cc.cwnd = s.cc.ssthresh
	}
	s.cc.event(s, evReduced)
}

// mayUndo reports whether it turned out that nothing was lost: everything that was sent again came twice, or an
// acknowledgement is of what was sent first (RFC 3522).
func (s *segments) mayUndo() bool {
	r := &s.rec
	return r.undo && (r.again == 0 || s.wasDelayed())
}

// wasDelayed reports whether an acknowledgement answers what was sent before anything was sent again.
func (s *segments) wasDelayed() bool {
	return s.ts && s.rec.firstTS != 0 && s.echoed != 0 && before(s.echoed, s.rec.firstTS)
}

// undoWindow makes the window what it was (tcp_undo_cwnd_reduction).
func (s *segments) undoWindow(unmark bool) {
	r := &s.rec
	if unmark {
		l := s.fl.live()
		for i := range l {
			s.fl.unmark(&l[i], int(l[i].end-s.start(i)))
		}
	}
	if r.ssthresh != 0 {
		s.cc.cwnd = s.cc.undo(s)
		if r.ssthresh > s.cc.ssthresh {
			s.cc.ssthresh = r.ssthresh
			s.ecn.withdrawCWR()
		}
	}
	r.undo = false
	s.rack.advanced = true
}

// undoPartial is for a part of what was thought lost that only came late (tcp_try_undo_partial).
func (s *segments) undoPartial() bool {
	r := &s.rec
	if !r.undo || !s.wasDelayed() {
		return false
	}
	if by := s.fl.high - s.ack.una; s.fl.sacked > 0 && int32(by) > 0 {
		s.reordered(by)
	}
	if s.fl.again > 0 {
		return true
	}
	s.count.PartialUndo.Add(1)
	s.undoWindow(true)
	s.keepOpen()
	return false
}

// undoDuplicates is for all that was sent again having come twice (tcp_try_undo_dsack).
func (s *segments) undoDuplicates() bool {
	if !s.rec.undo || s.rec.again != 0 {
		return false
	}
	s.count.DSACKUndo.Add(1)
	s.rack.persist = min(rackPersist, s.rack.persist+1)
	s.undoWindow(false)
	return true
}

// enterLoss is after a time-out: what is not known to have arrived, and was not sent just now, is lost (tcp_enter_loss).
func (s *segments) enterLoss(now int64) {
	r, f := &s.rec, &s.fl
	l := f.live()
	if len(l) > 0 && l[0].mark&markSacked != 0 { // the peer has thrown away what it said it had (RFC 2018 8)
		for i := range l {
			l[i].mark &^= markSacked
		}
		f.sacked = 0
	}
	for i := range l {
		if r := &l[i]; s.sackOK && i > 0 && s.rack.rtt > 0 && s.rack.rtt-(now-r.at) > 0 {
			continue
		}
		s.loses(i)
	}
	if r.state <= caDisorder || !before(s.una, r.high) || r.state == caLoss && s.tries == 1 {
		r.ssthresh, r.cwnd = s.cc.ssthresh, s.cc.cwnd
		s.cc.ssthresh = s.cc.threshold(s)
		s.cc.event(s, evLoss)
		s.beginUndo()
	}
	r.frto = !s.noFRTO && (r.state < caRecovery || s.tries > 1)
	if r.lostAt == 0 {
		r.lostAt = now
	}
	if r.state <= caDisorder && !s.sackOK {
		s.rack.reordering = min(s.rack.reordering, firstReordering)
	}
	r.dups, r.state, r.high = 0, caLoss, s.nxt
	r.timeouts++
	s.cc.cwnd = s.pipe() + s.mss
	s.rack.probing, s.reoAt, s.tlpAt = false, 0, 0
	s.ecn.queueCWR()
}

// nextLost is the first record that is to be sent again, -1 if there is none.
func (s *segments) nextLost() int {
	f := &s.fl
	if f.lost <= f.again || s.rec.state < caRecovery {
		return -1
	}
	l := f.live()
	for i := f.next; i < len(l); i++ {
		if l[i].mark&(markLost|markAgain) == markLost {
			f.next = i
			return i
		}
	}
	f.next = len(l)
	return -1
}
