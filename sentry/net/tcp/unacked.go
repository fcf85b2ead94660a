package tcp

// What is on its way, piece by piece (tcp_rtx_queue).

// sent is a range of the stream that went out at once; it begins where the one before it ends.
type sent struct {
	end       uint32
	mark      mark
	at        int64  // when it went last
	first     int64  // when the first byte of what was measured then went (tx.first_tx_mstamp)
	then      int64  // when the last byte had been delivered by then
	delivered uint64 // how many had
}

type mark uint8

const (
	markSacked  mark = 1 << iota // the peer has it, beyond a hole
	markLost                     // it is thought lost
	markAgain                    // and went again since
	markEver                     // it went more than once
	markLimited                  // there was nothing more to send when it went
)

// unacked is all that is not acknowledged. The counts are bytes.
type unacked struct {
	recs                []sent
	head                int // of recs: those before are acknowledged
	sacked, lost, again int
	high                uint32 // behind the last byte that is sacked, with sacked
	next                int    // no record before it is to be sent again
	few                 [1]sent
}

// mostSent bounds the pieces that are on their way, and that a peer can cut them into.
const mostSent = 4096

// live are the records.
func (f *unacked) live() []sent { return f.recs[f.head:] }

// push adds a record at the end.
func (f *unacked) push(r sent) {
	if len(f.recs) == cap(f.recs) {
		f.room()
	}
	f.recs = append(f.recs, r)
}

// room makes place for one more.
func (f *unacked) room() {
	if f.recs == nil {
		f.recs = f.few[:0]
	}
	if f.head > 0 && f.head >= len(f.recs)/2 {
		f.recs = f.recs[:copy(f.recs, f.recs[f.head:])]
		f.head = 0
	}
}

// pop takes the first n away.
func (f *unacked) pop(n int) {
	f.head += n
	f.next = max(f.next-n, 0)
	if f.head == len(f.recs) {
		f.head, f.next = 0, 0
		f.recs = f.recs[:0]
		if cap(f.recs) > 32 { // which somebody idle need not keep
			f.recs = nil
		}
	}
}

// reset forgets everything.
func (f *unacked) reset() { *f = unacked{} }

// split cuts the i-th record in two: false if there are too many.
func (f *unacked) split(i int, at uint32) bool {
	if len(f.live()) >= mostSent {
		return false
	}
	f.push(sent{})
	l := f.live()
	copy(l[i+1:], l[i:len(l)-1])
	l[i].end = at
	return true
}

// find is the first record that ends behind seq.
func (f *unacked) find(seq uint32) int {
	l := f.live()
	low, high := 0, len(l)
	for low < high {
		if mid := (low + high) / 2; before(seq, l[mid].end) {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return low
}

// start is where the i-th record begins.
func (s *segments) start(i int) uint32 {
	if i == 0 {
		return s.una
	}
	return s.fl.live()[i-1].end
}

// pipe estimates what is on its way (tcp_packets_in_flight).
func (s *segments) pipe() int {
	f := &s.fl
	n := int(s.nxt-s.una) - f.sacked - f.lost + f.again
	if !s.sackOK {
		n -= s.rec.dups * s.mss
	}
	return max(n, 0)
}

// wentOut notes that what lies before nxt and is not noted yet has been sent.
func (s *segments) wentOut(end uint32, now int64) {
	r := sent{end: end}
	s.stamp(&r, now)
	s.fl.push(r)
}

// stamp notes when a record goes (tcp_rate_skb_sent).
func (s *segments) stamp(r *sent, now int64) {
	if len(s.fl.live()) == 0 {
		s.rate.first, s.rate.at = now, now
	}
	r.at, r.first, r.then, r.delivered = now, s.rate.first, s.rate.at, s.rate.delivered
	r.mark &^= markLimited
	if s.rate.limited != 0 {
		r.mark |= markLimited
	}
}

// loses marks the i-th record as lost (tcp_mark_skb_lost).
func (s *segments) loses(i int) {
	f := &s.fl
	r := &f.live()[i]
	n := int(r.end - s.start(i))
	switch {
	case r.mark&markSacked != 0:
		return
	case r.mark&markAgain != 0:
		s.count.LostRetransmit.Add(1)
		r.mark &^= markAgain
		f.again -= n
		s.rate.lost += uint64(n)
	case r.mark&markLost == 0:
		r.mark |= markLost
		f.lost += n
		s.rate.lost += uint64(n)
	}
	f.next = min(f.next, i)
}

// unmark takes the marks of loss from a record of n bytes.
func (f *unacked) unmark(r *sent, n int) {
	if r.mark&markAgain != 0 {
		f.again -= n
	}
	if r.mark&markLost != 0 {
		f.lost -= n
	}
	r.mark &^= markAgain | markLost
}

// acknowledge takes away what lies before to (tcp_clean_rtx_queue).
func (s *segments) acknowledge(to uint32) {
	f, a := &s.fl, s.ack
	l, start, i := f.live(), s.una, 0
	reorder := to // the lowest that came late
	for ; i < len(l) && !before(to, l[i].end); i++ {
		r := &l[i]
		n := int(r.end - start)
		if r.mark&markSacked != 0 {
			f.sacked -= n
		} else {
			s.arrived(r, n)
			if r.mark&markEver == 0 {
				a.orig = a.orig || !before(s.rec.high, r.end)
				a.roundTrip(r)
				if before(start, reorder) {
					reorder = start
				}
			}
		}
		f.unmark(r, n)
		start = r.end
	}
	if i < len(l) && before(start, to) { // a part of one
		r := &l[i]
		n := int(to - start)
		if r.mark&markSacked != 0 {
			f.sacked -= n
		} else {
			s.rate.delivered += uint64(n)
			s.shown.delivered++
		}
		if r.mark&markAgain != 0 {
			f.again -= n
		}
		if r.mark&markLost != 0 {
			f.lost -= n
		}
	}
	if before(reorder, to) && a.high && before(reorder, a.fack) {
		s.reordered(a.fack - reorder)
	}
	f.pop(i)
}

// sack marks what lies within a block as having arrived (tcp_sacktag_walk).
func (s *segments) sack(from, to uint32) {
	f := &s.fl
	for i := f.find(from); i < len(f.live()); i++ {
		r := &f.live()[i]
		start := s.start(i)
		if !before(start, to) {
			return
		}
		if r.mark&markSacked != 0 {
			continue
		}
		if before(start, from) { // it begins before: whole segments of it are cut off
			n := (int(from-start) + s.mss - 1) / s.mss * s.mss
			if at := start + uint32(n); !before(at, r.end) || !f.split(i, at) {
				continue
			}
			continue // with the second half
		}
		if before(to, r.end) {
			n := int(to-start) / s.mss * s.mss
			if n == 0 || !f.split(i, start+uint32(n)) {
				return
			}
			r = &f.live()[i]
		}
		s.sackOne(r, start)
	}
}

// sackOne marks one (tcp_sacktag_one).
func (s *segments) sackOne(r *sent, start uint32) {
	f, a := &s.fl, s.ack
	n := int(r.end - start)
	s.arrived(r, n)
	if r.mark&markEver == 0 {
		a.orig = a.orig || !before(s.rec.high, r.end)
		if before(start, f.high) && f.sacked > 0 && before(start, a.late) {
			a.late = start
		}
		if a.sackRTT == 0 {
			a.sackRTT = max(a.now-r.at, 1)
		}
	}
	f.unmark(r, n)
	r.mark |= markSacked
	if f.sacked == 0 {
		f.high = r.end
	}
	f.sacked += n
	f.high = seqMax(f.high, r.end)
	a.news = true
}

// arrived counts n bytes that are known to be delivered.
func (s *segments) arrived(r *sent, n int) {
	s.rate.delivered += uint64(n)
	s.shown.delivered += uint32((n + s.mss - 1) / s.mss)
	if s.ack.ece {
		s.shown.deliveredCE += uint32((n + s.mss - 1) / s.mss)
	}
	s.rackAdvance(r)
	s.sampleRate(r)
}
