package tcp

import (
	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/header"
)

// Segments out, and what happens when time goes by.

// output sends what may be sent: first what was lost, then what is new. more says that more will be
// queued at once, so that a last short segment waits (tcp_write_xmit).
func (s *segments) output(e *Endpoint, more bool) {
	if !s.synAcked || e.state == Close {
		return
	}
	now := s.clock.Now()
	if s.nxt == s.una && s.notSent(e) > 0 {
		s.cc.event(s, evStart)
		s.restart(e, now)
	}
	rate := s.paceRate(e)
	for s.paceAt = 0; ; {
		if rate != 0 && s.pace.next > now {
			s.paceAt = s.pace.next
			break
		}
		pipe := s.pipe()
		room := s.cc.cwnd - pipe
		if room <= 0 && pipe > 0 || len(s.fl.live()) >= mostSent && s.fl.lost <= s.fl.again {
			s.cc.full, s.cc.fullTo = true, s.nxt
			break
		}
		had := s.sentBytes
		if i := s.nextLost(); i >= 0 && !s.rec.newer {
			s.resendLost(e, i, room, now)
		} else if !s.sendNew(e, room, more, now) && s.sentBytes == had {
			if s.cc.full && !before(s.una, s.cc.fullTo) {
				s.cc.full = false
			}
			if s.rec.newer && s.nxt == s.rec.high { // nothing new could be sent
				s.rec.newer, s.rec.frto = false, false
				continue
			}
			s.checkLimited(e)
			break
		}
		s.paced(rate, int(s.sentBytes-had), now)
		s.rec.out += int(s.sentBytes - had)
	}
	if s.ackNow {
		s.sendAck(e)
	}
	s.arm(e, now)
}

// sendNew sends one new segment if there is one to be sent.
func (s *segments) sendNew(e *Endpoint, room int, more bool, now int64) bool {
	sent := int(s.nxt - s.una)
	left := e.snd.n - sent // what is queued and new; -1 after the FIN
	fin := e.finWanted && !e.finSent
	if left < 0 || left == 0 && !fin {
		return false
	}
	open := int(int32(s.una + s.wnd - s.nxt))
	n := min(left, s.most(e, room))
	if n > s.mss && n < left {
		n -= n % s.mss
	}
	if open < n {
		if n = open; n > s.mss {
			n -= n % s.mss
		}
		if n <= 0 && !(left == 0 && fin && s.wnd > 0 && open >= 0) {
			if n <= 0 {
				s.rwnd.start(now)
			}
			return false
		}
		n = max(n, 0)
		if n < left && n < s.mss && sent > 0 && n < int(s.maxWnd/2) { // not worth a segment (RFC 9293 3.8.6.2.1)
			return false
		}
	}
	last := n == left
	if n < s.mss && last && !fin && (more || e.Cork) {
		return false
	}
	if n < s.mss && !(last && fin) && !e.NoDelay && sent > 0 && !s.urgent {
		return false
	}
	h := s.header(e, s.nxt, 0)
	if last && n > 0 {
		h.Flags |= header.PSH
	}
	if last && fin {
		h.Flags |= header.FIN
		e.finSent = true
	}
	tos := s.mark(&h, n, false)
	if h.Flags&header.CWR != 0 && n > s.mss { // which the first segment alone may say
		n = s.mss
		if h.Flags&header.FIN != 0 {
			e.finSent = false
		}
		h.Flags &^= header.FIN | header.PSH
	}
	s.emit(e, &h, sent, n, tos)
	end := s.nxt + uint32(n)
	if h.Flags&header.FIN != 0 {
		end++
	}
	s.busy.start(now)
	s.rwnd.stop(now)
	s.wentOut(end, now)
	s.nxt, s.lastSent, s.tlpAt = end, now, 0
	return h.Flags&header.FIN == 0
}

// most is how much goes into one packet: many segments if the link cuts them, as many as may be on
// their way.
func (s *segments) most(e *Endpoint, room int) int {
	if !s.path.Offload {
		return s.mss
	}
	n := longest / s.mss * s.mss
	if r := s.paceRate(e); r != 0 {
		n = min(n, s.burst(r))
	}
	return max(s.mss, min(room, n))
}

// longest is the most data of a packet that the link cuts.
const longest = 65535 - 120

// resendLost sends the i-th record again, or what of it fits into a packet.
func (s *segments) resendLost(e *Endpoint, i, room int, now int64) {
	start := s.start(i)
	r := &s.fl.live()[i]
	if n := s.most(e, room); int(r.end-start) > n && s.fl.split(i, start+uint32(n)) {
		r = &s.fl.live()[i]
	}
	if s.rec.state == caLoss {
		s.count.SlowStartRetrans.Add(1)
	} else {
		s.count.FastRetrans.Add(1)
	}
	r.mark |= markAgain
	s.fl.again += int(r.end - start)
	s.resend(e, i, now)
	if s.rec.again < 0 {
		s.rec.again = 0
	}
	s.rec.again += (int(r.end-start) + s.mss - 1) / s.mss
}

// resend sends the i-th record again.
func (s *segments) resend(e *Endpoint, i int, now int64) {
	seq := s.start(i)
	r := &s.fl.live()[i]
	n := int(r.end - seq)
	off := int(seq - s.una)
	data := max(min(n, e.snd.n-off), 0)
	h := s.header(e, seq, 0)
	if e.finSent && r.end == s.nxt && data < n {
		h.Flags |= header.FIN
	}
	r.mark |= markEver
	s.stamp(r, now)
	if s.rec.firstTS == 0 {
		s.rec.firstTS = s.tsNow()
	}
	segs := uint32(max((n+s.mss-1)/s.mss, 1))
	s.retrans += segs
	s.shown.bytesAgain += uint64(n)
	e.table.Stack.Counters.TCPRetransSegs.Add(uint64(segs))
	flags := h.Flags
	for size := s.most(e, data); data > size; off, data = off+size, data-size { // a record that could not be cut
		h.Flags = flags &^ header.FIN
		s.emit(e, &h, off, size, 0)
		h.Seq += uint32(size)
	}
	h.Flags = flags
	s.emit(e, &h, off, data, s.mark(&h, data, true))
}

// arm sets the deadlines that follow from what is on its way.
func (s *segments) arm(e *Endpoint, now int64) {
	switch {
	case s.nxt != s.una:
		s.probeAt = 0
		if s.rtoAt == 0 {
			s.rtoAt = now + s.rtt.rto<<min(s.tries, 16)
			s.rtoAt = min(s.rtoAt, now+maxRTO)
			if s.firstTry == 0 {
				s.firstTry = now
			}
		}
		if s.tlpAt == 0 {
			s.armProbe(now)
		}
	case e.snd.n > 0 || e.finWanted && !e.finSent:
		s.rtoAt, s.tlpAt, s.reoAt = 0, 0, 0
		if s.probeAt == 0 { // a closed window, or a segment held back
			wait := max(s.rtt.rto, minRTO)
			if s.wnd > 0 {
				wait = minRTO
			}
			s.probeAt = now + min(wait<<min(s.tries, 10), maxRTO)
		}
	default:
		s.rtoAt, s.probeAt, s.tlpAt, s.reoAt, s.firstTry = 0, 0, 0, 0, 0
	}
	if s.ackPending > 0 && s.ackAt == 0 {
		s.ackAt = now + 40e6
	}
	e.setTimer()
}

// expire does what is due.
func (s *segments) expire(e *Endpoint, now int64) {
	due := func(t *int64) bool {
		if *t == 0 || *t > now {
			return false
		}
		*t = 0
		return true
	}
	if due(&s.ackAt) {
		s.count.DelayedACKs.Add(1)
		s.sendAck(e)
	}
	if due(&s.synAt) {
		if s.answerAgain(e, now); e.state == Close {
			return
		}
	}
	if due(&s.paceAt) {
		s.output(e, false)
	}
	if due(&s.reoAt) && s.nxt != s.una {
		s.reorderExpired(e, now)
	}
	if due(&s.tlpAt) && s.nxt != s.una && s.rec.state < caRecovery {
		s.sendProbe(e, now)
	}
	if due(&s.rtoAt) {
		s.timedOut(e, now)
	}
	if e.state != Close && due(&s.probeAt) {
		s.probe(e, now)
	}
	if e.state != Close && due(&s.keepAt) {
		s.keepAlive(e, now)
	}
}

// maxTries is net.ipv4.tcp_retries2.
const maxTries = 15

// gaveUp ends a connection that has been tried for too long.
func (s *segments) gaveUp(e *Endpoint, now int64, most int) bool {
	late := e.UserTimeout > 0 && s.firstTry != 0 && now-s.firstTry >= int64(e.UserTimeout)*1e6
	if e.UserTimeout > 0 {
		most = 1 << 20
	}
	if s.tries <= most && !late {
		return false
	}
	s.count.AbortOnTimeout.Add(1)
	e.setErr(linux.ETIMEDOUT)
	e.finish()
	return true
}

// timedOut is the retransmission time-out (RFC 6298 5).
func (s *segments) timedOut(e *Endpoint, now int64) {
	s.tries++
	s.count.Timeouts.Add(1)
	switch e.state {
	case SynSent, SynRecv:
		if s.gaveUp(e, now, int(e.SynCnt)) {
			return
		}
		flags := uint8(header.SYN)
		if e.state == SynRecv {
			flags |= header.ACK
		}
		s.sendSYN(e, flags)
		s.rtoAt = now + min(int64(1e9)<<min(s.tries, 16), maxRTO)
		return
	}
	most := maxTries
	if e.dead {
		most = 8 // net.ipv4.tcp_orphan_retries
	}
	if s.gaveUp(e, now, most) {
		return
	}
	if s.nxt == s.una {
		return
	}
	s.enterLoss(now)
	s.resendLost(e, 0, s.mss, now)
	s.rec.out += s.mss
	s.arm(e, now)
}

// probe asks whether a window is still closed; or sends a segment that was held back for too long.
func (s *segments) probe(e *Endpoint, now int64) {
	if s.wnd > 0 {
		no := e.NoDelay
		cork := e.Cork
		e.NoDelay, e.Cork = true, false
		s.output(e, false)
		e.NoDelay, e.Cork = no, cork
		return
	}
	if s.firstTry == 0 {
		s.firstTry = now
	}
	s.tries++
	if s.gaveUp(e, now, maxTries) {
		return
	}
	h := s.header(e, s.una-1, 0)
	s.emit(e, &h, 0, 0, 0)
	s.arm(e, now)
}

// keepAlive asks whether the peer is still there (RFC 9293 3.8.4).
func (s *segments) keepAlive(e *Endpoint, now int64) {
	if !e.KeepAlive || e.state == Close {
		return
	}
	idle := now - s.lastRecv
	if want := int64(e.KeepIdle) * 1e9; idle < want && s.keeps == 0 {
		s.keepAt = now + want - idle
		return
	}
	if s.nxt != s.una { // something else is being tried
		s.keepAt = now + int64(e.KeepIdle)*1e9
		return
	}
	if s.keeps >= int(e.KeepCnt) || e.UserTimeout > 0 && s.keeps > 0 && idle >= int64(e.UserTimeout)*1e6 {
		s.sendReset(e)
		e.setErr(linux.ETIMEDOUT)
		e.finish()
		return
	}
	s.keeps++
	s.count.KeepAlive.Add(1)
	h := s.header(e, s.nxt-1, 0)
	s.emit(e, &h, 0, 0, 0)
	s.keepAt = now + int64(e.KeepIntvl)*1e9
}
