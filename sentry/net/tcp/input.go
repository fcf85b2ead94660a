package tcp

import (
	"encoding/binary"
	"net/netip"
	"sync"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/header"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Segments in (RFC 9293 3.10.7, net/ipv4/tcp_input.c).

// segment is one that has been checked.
type segment struct {
	header.TCP
	local, remote netip.AddrPort
	data          []byte
	link          int32
	tos           uint8
	kept          stack.Keeper // see stack.Packet
	hold          bool         // what it leads to waits for Flush
}

// end is the sequence number behind the segment.
func (g *segment) end() uint32 {
	n := g.Seq + uint32(len(g.data))
	if g.Flags&header.SYN != 0 {
		n++
	}
	if g.Flags&header.FIN != 0 {
		n++
	}
	return n
}

// Input is stack.Handler's.
func (t *Table) Input(p *stack.Packet) bool {
	t.Stack.Counters.TCPInSegs.Add(1)
	src, dst, h, data, ok := header.ParseTCP(p.Payload)
	if !ok || p.Dst.IsMulticast() || t.Stack.IsBroadcast(p.Dst) ||
		p.From != stack.OutsideChecked && header.Fold(header.Sum(p.Payload, header.Pseudo(p.Src, p.Dst, linux.IPPROTO_TCP, len(p.Payload)))) != 0xffff {
		t.Stack.Counters.TCPInErrs.Add(1)
		return true
	}
	g := &segment{TCP: h, local: netip.AddrPortFrom(p.Dst, dst), remote: netip.AddrPortFrom(p.Src, src), data: data, link: p.Link, tos: p.TOS, hold: p.Hold, kept: p.Kept}
	if e := t.get(g.local, g.remote); e != nil {
		if !e.takesHops(p.Src, p.TTL) {
			t.Counters.MinTTLDrop.Add(1)
			return true
		}
		if f := e.filter.Load(); f != nil && !f.passes(g, p.Payload) {
			return true
		}
		e.lock()
		if e.net != nil && e.state != Close {
			e.net.input(e, g)
		}
		e.unlock()
		return true
	}
	if t.waiting(g) {
		return true
	}
	if l := t.find(g.local, g.remote); l != nil {
		if !l.e.takesHops(p.Src, p.TTL) {
			t.Counters.MinTTLDrop.Add(1)
			return true
		}
		if f := l.e.filter.Load(); f != nil && !f.passes(g, p.Payload) || l.input(g, p) {
			return true
		}
	}
	t.refuse(g)
	return true
}

// refuse answers a segment that nobody expects with a reset (RFC 9293 3.5.2).
func (t *Table) refuse(g *segment) {
	if g.Flags&header.RST != 0 {
		return
	}
	h := header.TCP{Flags: header.RST}
	if g.Flags&header.ACK != 0 {
		h.Seq = g.Ack
	} else {
		h.Flags |= header.ACK
		h.Ack = g.end()
	}
	t.Stack.Counters.TCPOutRsts.Add(1)
	t.reply(g, &h)
}

// reply sends a segment without data that belongs to no connection.
func (t *Table) reply(g *segment, h *header.TCP) {
	path, errno := t.Stack.Path(g.remote.Addr(), g.local.Addr(), linkFor(g.remote.Addr(), g.link))
	if errno != 0 {
		return
	}
	b := h.Append(nil, g.local.Port(), g.remote.Port())
	sum := header.Sum(b, header.Pseudo(g.local.Addr(), g.remote.Addr(), linux.IPPROTO_TCP, len(b)))
	binary.BigEndian.PutUint16(b[16:], ^header.Fold(sum))
	ip := header.IP{Src: g.local.Addr(), Dst: g.remote.Addr(), Proto: linux.IPPROTO_TCP, DF: true}
	t.Stack.Counters.TCPOutSegs.Add(1)
	t.Stack.Send(&path, &ip, b)
}

func linkFor(a netip.Addr, link int32) int32 {
	if a.IsLinkLocalUnicast() && a.Is6() {
		return link
	}
	return 0
}

// waiting handles a segment for a connection in TIME_WAIT: a new one may begin in its place, others
// are acknowledged (tcp_timewait_state_process).
func (t *Table) waiting(g *segment) bool {
	t.mu.Lock()
	w := t.waits[pair{g.local, g.remote}]
	if w == nil || !w.net.valid {
		t.unlock()
		return false
	}
	newer := before(w.net.rcvNxt, g.Seq) || w.net.ts && g.HasTS && before(w.net.tsRecent, g.TSVal)
	switch {
	case g.Flags&header.RST != 0:
		if g.Seq == w.net.rcvNxt {
			t.dropLocked(w)
		}
		t.unlock()
		return true
	case g.Flags&header.SYN != 0 && g.Flags&header.ACK == 0 && newer:
		t.dropLocked(w)
		t.unlock()
		return false
	}
	h := header.TCP{Seq: w.net.nxt, Ack: w.net.rcvNxt, Flags: header.ACK, HasTS: w.net.ts, TSVal: uint32(t.Stack.Clock.Now() / 1e6), TSEcr: w.net.tsRecent}
	t.unlock()
	if len(g.data) > 0 || g.Flags&(header.FIN|header.SYN) != 0 {
		t.reply(g, &h)
	}
	return true
}

// Failed is stack.Handler's: an ICMP error about a segment of ours.
func (t *Table) Failed(ip *header.IP, quoted []byte, f stack.Failure) {
	local := netip.AddrPortFrom(ip.Src, binary.BigEndian.Uint16(quoted))
	remote := netip.AddrPortFrom(ip.Dst, binary.BigEndian.Uint16(quoted[2:]))
	seq := binary.BigEndian.Uint32(quoted[4:])
	e := t.get(local, remote)
	if e == nil {
		return
	}
	e.lock()
	defer e.unlock()
	s := e.net
	if s == nil || e.state == Close || before(seq, s.una) || before(s.nxt, seq) {
		return
	}
	switch {
	case f.Errno == linux.EMSGSIZE:
		s.tooBig(e, int(f.Info))
	case e.state == SynSent && f.Errno != 0:
		e.setErr(f.Errno)
		e.finish()
	case f.Errno != 0 && (e.RecvErr4 && ip.Dst.Is4() || e.RecvErr6 && ip.Dst.Is6()): // tcp_v4_err
		e.setErr(f.Errno)
	}
}

// tooBig lowers the MTU of the path (RFC 1191, RFC 8201).
func (s *segments) tooBig(e *Endpoint, mtu int) {
	low := 552
	if e.local.Addr().Is6() {
		low = 1280
	}
	if mtu = max(mtu, low); mtu >= s.path.MTU || !s.synAcked {
		return
	}
	s.path.MTU = mtu
	s.fitMSS(e)
	l := s.fl.live()
	for i := range l { // tcp_simple_retransmit
		if int(l[i].end-s.start(i)) > s.mss {
			s.loses(i)
		}
	}
	if s.fl.lost > 0 && s.rec.state != caLoss {
		s.rec.state, s.rec.high, s.rec.undo = caLoss, s.nxt, false
	}
	s.output(e, false)
}

// input takes a segment of a connection. e is locked.
func (s *segments) input(e *Endpoint, g *segment) {
	now := s.clock.Now()
	s.shown.in++
	s.lastRecv, s.keeps = now, 0
	if e.KeepAlive && s.synAcked {
		s.keepAt = now + int64(e.KeepIdle)*1e9
	}
	if e.state == SynSent {
		s.inputSynSent(e, g)
		return
	}
	if !s.acceptable(e, g, now) {
		return
	}
	if g.Flags&header.ACK == 0 {
		return
	}
	if !s.inputAck(e, g, now) || e.state == Close {
		return
	}
	if g.Flags&header.URG != 0 && g.Urgent != 0 {
		s.inputUrgent(e, g)
	}
	s.inputData(e, g)
	switch {
	case e.state == Close || s.held:
	case g.hold && s.sackOK:
		s.held = true
		e.table.held.add(e)
	default:
		s.output(e, false)
	}
}

// held is endpoints that wait, their output for the end of a batch of packets, or their acknowledgements for answers.
type held struct {
	mu   sync.Mutex
	list []*Endpoint
}

func (h *held) add(e *Endpoint) {
	h.mu.Lock()
	h.list = append(h.list, e)
	h.mu.Unlock()
}

func (h *held) take() []*Endpoint {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := h.list
	h.list = nil
	return list
}

// Flush sends what the packets of a batch have led to.
func (t *Table) Flush() {
	for _, e := range t.held.take() {
		e.lock()
		if s := e.net; s != nil {
			s.held = false
			if e.state != Close {
				s.output(e, false)
			}
		}
		e.unlock()
	}
}

// inputSynSent takes the answer to a SYN.
func (s *segments) inputSynSent(e *Endpoint, g *segment) {
	acks := g.Flags&header.ACK != 0
	if acks && (before(g.Ack, s.iss+1) || before(s.nxt, g.Ack)) {
		if g.Flags&header.RST == 0 {
			h := header.TCP{Seq: g.Ack, Flags: header.RST}
			s.emit(e, &h, 0, 0, 0)
		}
		return
	}
	if g.Flags&header.RST != 0 {
		if acks {
			e.resetBy()
		}
		return
	}
	if g.Flags&header.SYN == 0 {
		return
	}
	e.table.strip(&g.TCP)
	s.heard(e, &g.TCP)
	s.rtoAt = 0
	if !acks { // both have begun
		e.state = SynRecv
		s.sendSYN(e, header.SYN|header.ACK)
		s.rtoAt = s.clock.Now() + 1e9
		e.setTimer()
		return
	}
	if s.tries == 0 {
		s.firstRTT(s.clock.Now() - s.firstTry)
	}
	s.ecn.ok = s.ecn.wanted && g.Flags&ecnSetup == ecnEcho
	s.established(e, g)
	s.heardFast(e, g)
	s.ackNow = true
	s.output(e, false)
}

// established makes the connection be there after the peer has acknowledged the SYN.
func (s *segments) established(e *Endpoint, g *segment) {
	s.una, s.synAcked = s.iss+1, true
	s.nxt = s.una
	s.shown.delivered = 1
	s.wl1, s.wl2 = g.Seq, g.Ack
	s.tries, s.firstTry = 0, 0
	s.spaceAt = s.clock.Now()
	s.rtoAt = 0
	e.establish()
	s.keep(e)
}

// acceptable is the first checks: sequence numbers, PAWS, RST, SYN (RFC 9293 3.10.7.4, RFC 7323 5, RFC 5961).
func (s *segments) acceptable(e *Endpoint, g *segment, now int64) bool {
	if s.ts && g.HasTS && before(g.TSVal, s.tsRecent) && g.Flags&header.RST == 0 && now-s.tsAt < 24*86400e9 {
		s.count.PAWSEstab.Add(1)
		s.challenge(e)
		return false
	}
	wnd := s.adv - s.rcvNxt
	n := g.end() - g.Seq
	first := !before(g.Seq, s.rcvNxt) && before(g.Seq, s.rcvNxt+max(wnd, 1))
	last := n > 0 && before(s.rcvNxt, g.end()) && !before(s.rcvNxt+wnd, g.Seq)
	if wnd == 0 {
		first = g.Seq == s.rcvNxt
	}
	if !first && !last && !(n == 0 && g.Seq == s.rcvNxt+wnd) {
		if g.Flags&header.RST == 0 {
			if (e.state == SynRecv || s.opening != nil) && g.Flags&header.SYN != 0 && g.Seq == s.irs {
				s.sendSYN(e, header.SYN|header.ACK)
				return false
			}
			s.ackNow = true
			s.duplicate(g.Seq, len(g.data))
			s.output(e, false)
		}
		return false
	}
	switch {
	case g.Flags&header.RST != 0:
		if g.Seq == s.rcvNxt {
			e.resetBy()
		} else {
			s.challenge(e)
		}
		return false
	case g.Flags&header.SYN != 0:
		if e.state == SynRecv && g.Flags&header.ACK != 0 {
			break // of one that both have begun
		}
		s.challenge(e)
		return false
	}
	if s.ts && g.HasTS && !before(s.lastAck, g.Seq) {
		s.tsRecent, s.tsAt = g.TSVal, now
	}
	return true
}

// challenge answers what may be from somebody who guesses, not too often.
func (s *segments) challenge(e *Endpoint) {
	if challenges.allow() {
		s.count.ChallengeACK.Add(1)
		s.sendAck(e)
	}
}

// inputAck takes the acknowledgement: false if the segment is to be dropped.
func (s *segments) inputAck(e *Endpoint, g *segment, now int64) bool {
	if e.state == SynRecv {
		if g.Ack != s.iss+1 {
			h := header.TCP{Seq: g.Ack, Flags: header.RST}
			s.emit(e, &h, 0, 0, 0)
			return false
		}
		s.established(e, g)
		s.wnd = uint32(g.Window) << s.sndScale
		s.maxWnd = max(s.maxWnd, s.wnd)
	}
	if before(s.nxt, g.Ack) {
		s.challenge(e)
		return false
	}
	if s.opening != nil && before(s.iss, g.Ack) {
		s.opened()
	}
	if before(g.Ack, s.una) {
		if s.una-g.Ack > s.maxWnd {
			s.challenge(e)
			return false
		}
		return true
	}
	wnd := uint32(g.Window) << s.sndScale
	sameWindow := wnd == s.wnd
	if before(s.wl1, g.Seq) || s.wl1 == g.Seq && !before(g.Ack, s.wl2) {
		if s.wnd == 0 && wnd > 0 {
			s.probeAt, s.tries, s.firstTry = 0, 0, 0
		}
		s.wnd, s.wl1, s.wl2 = wnd, g.Seq, g.Ack
		s.maxWnd = max(s.maxWnd, wnd)
	}
	s.acknowledged(e, g, now, sameWindow)
	return true
}

// acknowledged takes in what is known to have arrived, and what follows from it (tcp_ack).
func (s *segments) acknowledged(e *Endpoint, g *segment, now int64, sameWindow bool) {
	a := s.beginAck(now)
	defer s.endAck()
	a.ece = s.ecn.ok && g.Flags&(header.SYN|ecnEcho) == ecnEcho
	if s.ts && g.HasTS {
		s.echoed = g.TSEcr
	}
	a.dup = g.Ack == s.una && s.nxt != s.una && len(g.data) == 0 && g.Flags&header.FIN == 0 && sameWindow
	if s.sackOK && g.NBlocks > 0 {
		s.takeBlocks(g)
	}
	finAcked := e.finSent && g.Ack == s.nxt
	if g.Ack != s.una {
		s.ackedTo(e, g.Ack, now)
	}
	s.roundTrips(g)
	s.adapt()
	s.measured()
	if s.rack.probing {
		s.probeAcked(g.Ack)
	}
	if s.rec.state != caOpen || s.fl.sacked > 0 || s.fl.lost > 0 || s.rec.dups > 0 || a.dup || a.ece {
		s.alert(e, g.Ack)
	}
	if a.acked > 0 || a.news {
		s.controlled()
	}
	if finAcked {
		s.finAcked(e)
	}
}

// takeBlocks takes what the peer has beyond holes (tcp_sacktag_write_queue).
func (s *segments) takeBlocks(g *segment) {
	blocks := g.Blocks[:g.NBlocks]
	if s.isDuplicate(g) {
		blocks = blocks[1:]
	}
	for _, b := range blocks {
		if before(b.Start, b.End) && !before(b.Start, s.una) && !before(s.nxt, b.End) && before(g.Ack, b.End) {
			s.sack(b.Start, b.End)
		}
	}
	if a := s.ack; a.high && before(a.late, a.fack) {
		s.reordered(a.fack - a.late)
	}
}

// ackedTo takes away what is acknowledged now.
func (s *segments) ackedTo(e *Endpoint, to uint32, now int64) {
	n := int(to - s.una)
	data := min(n, e.snd.n)
	s.ack.acked = n
	s.acknowledge(to)
	e.snd.drop(data)
	s.una = to
	if s.urgent && !before(s.una, s.urgSeq) {
		s.urgent = false
	}
	s.tries, s.firstTry, s.rtoAt, s.tlpAt = 0, 0, 0, 0
	if e.snd.n == 0 {
		s.busy.stop(now)
	}
	if data > 0 && e.writable() {
		e.events |= evOut
	}
}

// roundTrips measures them: by what went only once, or by the time stamp (tcp_ack_update_rtt).
func (s *segments) roundTrips(g *segment) {
	a := s.ack
	rtt := a.rtt
	if rtt == 0 {
		rtt = a.sackRTT
	}
	if last := a.lastRTT; last > 0 {
		s.rtt.shortest(last, a.now)
	} else if a.sackRTT > 0 {
		a.lastRTT = a.sackRTT
		s.rtt.shortest(a.sackRTT, a.now)
	}
	if rtt == 0 && a.acked > 0 && s.ts && g.HasTS && g.TSEcr != 0 {
		if ms := s.tsNow() - g.TSEcr; ms < 1<<20 {
			rtt = max(int64(ms)*1e6, 1e6)
		}
	}
	if rtt > 0 {
		s.rtt.sample(rtt)
	}
}

// firstRTT is that of the SYN.
func (s *segments) firstRTT(rtt int64) {
	s.rtt.sample(rtt)
	s.rtt.shortest(rtt, s.clock.Now())
}

// finAcked is when the peer has our FIN.
func (s *segments) finAcked(e *Endpoint) {
	switch e.state {
	case FinWait1:
		e.state = FinWait2
		e.events |= wait.Internal
		if e.dead {
			e.orphan()
		}
	case Closing:
		e.timeWait()
	case LastAck:
		e.finish()
	}
}

// inputUrgent notes where urgent data is.
func (s *segments) inputUrgent(e *Endpoint, g *segment) {
	at := g.Seq + uint32(g.Urgent) - 1
	if off := int32(at - s.rcvNxt); off >= 0 || e.got >= uint64(-int64(off)) {
		e.gotUrgent(e.got + uint64(int64(off)))
	}
}

// inputData takes data and FIN.
func (s *segments) inputData(e *Endpoint, g *segment) {
	if len(g.data) == 0 && g.Flags&header.FIN == 0 {
		return
	}
	if !e.state.in(Established, FinWait1, FinWait2) {
		s.ackNow = s.ackNow || g.Flags&header.FIN != 0 || len(g.data) > 0
		return
	}
	seq, data, fin := g.Seq, g.data, g.Flags&header.FIN != 0
	s.shown.dataIn++
	s.sampleEcho(g)
	s.marked(g)
	if before(seq, s.rcvNxt) { // some of it is there already
		s.duplicate(seq, len(data))
		skip := s.rcvNxt - seq
		if int(skip) > len(data) {
			s.ackNow = true
			if !fin || int(skip) != len(data) {
				return
			}
		}
		seq, data = s.rcvNxt, data[min(int(skip), len(data)):]
		s.ackNow = s.ackNow || len(data) == 0
	}
	if room := int(s.adv - seq); len(data) > room {
		data, fin = data[:max(room, 0)], false
		s.ackNow = true
	}
	if e.dead && len(data) > 0 { // nobody will read it
		s.sendReset(e)
		e.finish()
		return
	}
	if seq != s.rcvNxt {
		s.keepPiece(seq, data, fin)
		s.ackNow = true
		return
	}
	s.take(e, data, g.kept)
	if len(s.ooo) > 0 {
		fin = s.takePieces(e) || fin && len(s.ooo) == 0
		s.ackNow = true
	}
	s.ackPending++
	if s.quick > 0 || e.got == 0 {
		s.quick--
		s.ackQuick(e, g)
	}
	if s.ackPending >= 2 && len(g.data) >= s.mss/2 || s.ackPending >= 8 {
		s.ackNow = true
	}
	if fin {
		s.rcvNxt++
		s.adv = seqMax(s.adv, s.rcvNxt)
		if s.ackNow = true; e.state == FinWait2 {
			s.sendAck(e) // the connection ends with this: nobody does it later (tcp_fin)
		}
		e.gotFin()
	}
}

// duplicate notes that n bytes came again that were there, which the peer is told (RFC 2883): it learns that it was
// order that was lost, not data.
func (s *segments) duplicate(seq uint32, n int) {
	end := seq + uint32(n)
	if before(s.rcvNxt, end) {
		end = s.rcvNxt
	}
	if s.sackOK && n > 0 && before(seq, end) && s.synAcked && !s.noDSACK {
		s.dup = header.Block{Start: seq, End: end}
		s.ackNow = true
	}
}

// worthKeeping is how much data makes it worth to keep the buffer, of twice that, in which it has come: copying costs more then.
const worthKeeping = 32 << 10

// take appends data to what can be read.
func (s *segments) take(e *Endpoint, data []byte, kept stack.Keeper) {
	switch {
	case len(data) == 0:
		return
	case kept != nil && len(data) >= worthKeeping:
		e.rcv.push(keptChunk(data, kept.Keep()))
	default:
		e.rcv.write(data)
	}
	s.rcvNxt += uint32(len(data))
	e.arrived(len(data))
}

// keepPiece keeps data that came before what it follows. A FIN is not kept: it comes again.
func (s *segments) keepPiece(seq uint32, data []byte, _ bool) {
	if len(data) == 0 || len(s.ooo) >= 4096 || s.oooBytes >= s.room {
		return
	}
	at := len(s.ooo)
	for at > 0 && before(seq, s.ooo[at-1].seq) {
		at--
	}
	if at > 0 {
		if p := s.ooo[at-1]; before(seq, p.seq+uint32(len(p.data))) {
			skip := int(p.seq + uint32(len(p.data)) - seq)
			if skip >= len(data) {
				return
			}
			seq, data = seq+uint32(skip), data[skip:]
		}
	}
	if at < len(s.ooo) {
		if p := s.ooo[at]; before(p.seq, seq+uint32(len(data))) {
			if data = data[:int(p.seq-seq)]; len(data) == 0 {
				return
			}
		}
	}
	s.ooo = append(s.ooo, piece{})
	copy(s.ooo[at+1:], s.ooo[at:])
	s.ooo[at] = piece{seq, append([]byte(nil), data...)}
	s.oooBytes += len(data)
	s.lastOoo = seq
	s.shown.ooo++
}

// takePieces appends what has become in order.
func (s *segments) takePieces(e *Endpoint) bool {
	i := 0
	for i < len(s.ooo) && !before(s.rcvNxt, s.ooo[i].seq) {
		p := s.ooo[i]
		s.oooBytes -= len(p.data)
		if skip := int(s.rcvNxt - p.seq); skip < len(p.data) {
			s.take(e, p.data[skip:], nil)
		}
		i++
	}
	clear(s.ooo[:i])
	if s.ooo = s.ooo[i:]; len(s.ooo) == 0 {
		s.ooo = nil
	}
	return false
}
