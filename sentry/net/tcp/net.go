package tcp

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/header"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
)

// segments is the part of a connection that sends and receives segments (struct tcp_sock). The
// endpoint's lock guards it. Times are those of the clock.
type segments struct {
	path  stack.Path
	clock *stack.Clock
	count *Counters

	// What the peer said in its SYN.
	mss      int // of the data of a segment, without options
	sndScale uint8
	rcvScale uint8
	sackOK   bool
	ts       bool

	noDSACK, noProbes, noFRTO bool // switched off
	synAcked, urgent          bool
	held                      bool // output waits for Table.Flush
	ackNow                    bool
	ackLate                   bool // what came is acknowledged in Table.Rest, if not by then
	sending                   bool // somebody is at it
	askedFast                 bool

	// Sending: the first byte of the endpoint's queue is una, a FIN stands behind the last.
	iss, una, nxt uint32
	wnd           uint32 // the peer's window
	wl1, wl2      uint32 // the segment that it was last told by
	maxWnd        uint32
	urgSeq        uint32 // behind urgent data that is not acknowledged

	// Receiving.
	irs, rcvNxt uint32
	adv         uint32 // the right edge of the window that was told last
	ooo         []piece
	oooBytes    int
	tsRecent    uint32
	tsAt        int64
	dup         header.Block // what came twice, to be told
	lastAck     uint32       // the acknowledgement sent last
	ackPending  int          // segments that are not acknowledged yet
	quick       int          // segments that are acknowledged at once
	room        int          // what the receive queue may hold, which grows
	spaceSeq    uint64
	spaceAt     int64
	echo        int64 // how long it takes until the peer answers an acknowledgement with data, ms

	lastOoo uint32 // where the last piece came in
	echoed  uint32 // the time stamp that was echoed last

	rtt  recoveryTimes
	fl   unacked
	rec  recovery
	rack rack
	rate rate
	ack  *ack // what is looked at now
	cc   congestion
	pace pacing
	ecn  ecn

	// Deadlines, 0 for none.
	rtoAt, ackAt, probeAt, keepAt, tlpAt, reoAt, paceAt int64
	tries                                               int   // of what is sent again
	firstTry                                            int64 // when that was sent first
	keeps                                               int
	lastRecv                                            int64
	lastSent                                            int64 // data
	retrans                                             uint32
	sentBytes                                           uint64
	busy, rwnd                                          stopwatch
	shown                                               shown

	// Fast Open.
	cookie   *fastPeer // to be said in the SYN
	opening  *listener // of a connection whose SYN-ACK is not acknowledged though its data was taken
	synAt    int64     // when that is sent again
	synTries uint8

	out parcels
}

// piece is data that came before what it follows.
type piece struct {
	seq  uint32
	data []byte
}

// shown is what is only counted for TCP_INFO.
type shown struct {
	out, in, dataOut, dataIn, delivered, deliveredCE, ooo uint32
	bytesAgain                                            uint64
}

// stopwatch adds up times.
type stopwatch struct{ since, sum int64 }

func (w *stopwatch) start(now int64) {
	if w.since == 0 {
		w.since = now
	}
}

func (w *stopwatch) stop(now int64) { w.sum, w.since = w.total(now), 0 }

func (w *stopwatch) total(now int64) int64 {
	if w.since == 0 {
		return w.sum
	}
	return w.sum + now - w.since
}

// outbox is what is to be sent without a lock.
type outbox struct {
	path stack.Path
	parcels
}

type parcels struct {
	packets []stack.Out
	lent    []*chunk // that packets have pieces of
}

// send sends everything.
func (o *outbox) send(s *stack.Stack) {
	for i := range o.packets {
		s.SendRaw(&o.path, o.packets[i])
	}
	for _, c := range o.lent {
		c.free()
	}
	clear(o.packets)
	clear(o.lent)
}

// mostReused is how many packets at once a connection keeps room for.
const mostReused = 4

// reuse takes the room of what has been sent for what comes next.
func (p *parcels) reuse(o *parcels) {
	if p.packets == nil && cap(o.packets) <= mostReused && cap(o.lent) <= 2*mostReused {
		p.packets, p.lent = o.packets[:0], o.lent[:0]
	}
}

func (s *segments) takeOut() outbox {
	o := outbox{s.path, s.out}
	s.out = parcels{}
	return o
}

// before compares sequence numbers.
func before(a, b uint32) bool { return int32(a-b) < 0 }

func seqMax(a, b uint32) uint32 {
	if before(a, b) {
		return b
	}
	return a
}

// headers is how long the headers of both layers are, without options of TCP.
func headers(a netip.Addr) int {
	if a.Is4() {
		return header.IPv4Size + header.TCPSize
	}
	return header.IPv6Size + header.TCPSize
}

const (
	firstRoom = 128 << 10
	nearRoom  = 512 << 10 // what keeps a peer busy that answers at once; more would only leave the processor's cache
	mostRoom  = 6 << 20
	ourScale  = 9
	tsSize    = 12
)

// newSegments begins the part of e that goes over path.
func (e *Endpoint) newSegments(path *stack.Path) *segments {
	s := &segments{path: *path, clock: e.table.Stack.Clock, count: &e.table.Counters, mss: 536, quick: 16, room: firstRoom}
	s.iss = newISS(e.local, e.remote)
	s.una, s.nxt = s.iss, s.iss
	s.rtt.rto = 1e9
	s.rack.reordering, s.rack.steps = firstReordering, 1
	off := e.table.Stack.Settings.TCPOff.Load()
	s.noDSACK, s.noProbes, s.noFRTO = off&stack.OffDSACK != 0, off&stack.OffProbes != 0, off&stack.OffFRTO != 0
	s.choose(e.Congestion)
	s.lastRecv = s.clock.Now()
	e.far.Store(true)
	if e.sndLimit == 0 && e.owner == nil {
		e.sndLimit = 1 << 20
	}
	return s
}

// newISS is RFC 6528: a clock, and what nobody outside knows about the addresses.
func newISS(a, b netip.AddrPort) uint32 {
	return uint32(stack.Hash(a, b)) + uint32(stack.Wall.Now()/4096) + rand.Uint32N(1<<16)
}

// connectNet sends the first SYN.
func (e *Endpoint) connectNet(path *stack.Path) linux.Errno {
	s := e.newSegments(path)
	e.net = s
	s.nxt = s.iss + 1
	if e.fast != nil {
		s.askedFast = true
		peer := e.table.cookies.of(e.remote.Addr())
		if s.cookie = &peer; peer.size == 0 && e.fast.data == nil {
			peer.size = header.AskCookie
		}
		e.fast.take(e)
	}
	s.sendSYN(e, header.SYN)
	s.cookie = nil
	s.tries, s.firstTry = 0, s.clock.Now()
	s.rtoAt = s.clock.Now() + s.rtt.rto
	e.setTimer()
	return 0
}

// ourMSS is what the path lets the peer send.
func (s *segments) ourMSS(e *Endpoint) int {
	m := s.path.MTU - headers(e.local.Addr())
	if e.MaxSeg != 0 {
		m = min(m, int(e.MaxSeg))
	}
	return max(m, 88)
}

// sendSYN sends a SYN or SYN-ACK with all options, or those the peer can do.
func (s *segments) sendSYN(e *Endpoint, flags uint8) {
	h := header.TCP{
		Seq: s.iss, Flags: flags, Window: uint16(min(s.room, 65535)), MSS: uint16(min(s.ourMSS(e), 65535)),
		HasTS: true, TSVal: s.tsNow(), TSEcr: s.tsRecent, SackOK: true, HasWScale: true, WScale: ourScale,
	}
	e.table.strip(&h)
	if flags&header.ACK != 0 {
		h.Ack, h.HasTS, h.SackOK, h.HasWScale = s.rcvNxt, s.ts, s.sackOK, s.rcvScale != 0
	}
	switch ecnOn := e.table.Stack.Settings.ECN.Load(); {
	case flags&header.ACK != 0 && s.ecn.ok:
		h.Flags |= ecnEcho
	case flags&header.ACK == 0:
		if s.ecn.wanted = ecnOn == 1 && (s.tries < 2 || e.table.Stack.Settings.TCPOff.Load()&stack.OffFallback != 0); s.ecn.wanted {
			h.Flags |= ecnSetup
		}
	}
	s.fastOption(&h)
	s.adv = s.rcvNxt + uint32(h.Window)
	n := 0
	if flags&header.ACK == 0 && s.cookie != nil { // the first, with Fast Open
		n = e.snd.n
		s.nxt = s.iss + 1 + uint32(n)
	}
	s.emit(e, &h, 0, n, 0)
}

// strip takes the options off a SYN that are switched off.
func (t *Table) strip(h *header.TCP) {
	off := t.Stack.Settings.TCPOff.Load()
	h.SackOK = h.SackOK && off&stack.OffSACK == 0
	h.HasTS = h.HasTS && off&stack.OffTimestamps == 0
	h.HasWScale = h.HasWScale && off&stack.OffScaling == 0
}

// tsNow is the clock of timestamps, in ms.
func (s *segments) tsNow() uint32 { return uint32(s.clock.Now() / 1e6) }

// heard takes what the peer's SYN says.
func (s *segments) heard(e *Endpoint, h *header.TCP) {
	s.irs, s.rcvNxt = h.Seq, h.Seq+1
	s.adv = s.rcvNxt + uint32(min(s.room, 65535)) // what the SYN has told or will tell
	s.mss = int(h.MSS)
	if s.mss == 0 {
		s.mss = 536
	}
	s.ts, s.sackOK = h.HasTS, h.SackOK
	if h.HasWScale {
		s.sndScale, s.rcvScale = h.WScale, ourScale
	}
	if h.HasTS {
		s.tsRecent, s.tsAt = h.TSVal, s.clock.Now()
	}
	s.fitMSS(e)
	s.wnd, s.maxWnd = uint32(h.Window), uint32(h.Window)
	s.wl1 = h.Seq
	s.startWindow()
}

// fitMSS limits segments to the path.
func (s *segments) fitMSS(e *Endpoint) {
	m := s.path.MTU - headers(e.local.Addr())
	if e.MaxSeg != 0 {
		m = min(m, int(e.MaxSeg))
	}
	s.mss = max(min(s.mss, m), 48)
	if s.ts {
		s.mss = max(s.mss-tsSize, 36)
	}
}

// window is what may be told the peer: it never goes back, and grows only by pieces worth it (RFC 9293
// 3.8.6.2.2).
func (s *segments) window(e *Endpoint) uint16 {
	_, limit := e.buffers()
	room := s.room
	if e.owner == nil || limit < room {
		room = limit
	}
	free := max(room-e.rcv.n-s.oooBytes, 0)
	if free < min(room/2, s.mss) {
		free = 0
	}
	edge := s.rcvNxt + uint32(free)>>s.rcvScale<<s.rcvScale
	if before(edge, s.adv) {
		edge = s.adv
	}
	w := (edge - s.rcvNxt) >> s.rcvScale
	if w > 65535 {
		w = 65535
	}
	s.adv = seqMax(s.adv, s.rcvNxt+w<<s.rcvScale) // what was told once stays, though scaling rounds it down
	return uint16(w)
}

// header is that of a segment of an established connection.
func (s *segments) header(e *Endpoint, seq uint32, flags uint8) header.TCP {
	h := header.TCP{Seq: seq, Ack: s.rcvNxt, Flags: flags | header.ACK, Window: s.window(e), HasTS: s.ts}
	if s.ts {
		h.TSVal, h.TSEcr = s.tsNow(), s.tsRecent
	}
	if s.urgent && before(seq, s.urgSeq) {
		h.Flags |= header.URG
		h.Urgent = uint16(min(s.urgSeq-seq, 65535))
	}
	return h
}

// emit makes a packet of a header and n bytes of the queue from offset on, for unlock to send.
func (s *segments) emit(e *Endpoint, h *header.TCP, offset, n int, tos uint8) {
	size := h.Size() + n
	ip := header.IP{Src: e.local.Addr(), Dst: e.remote.Addr(), Proto: linux.IPPROTO_TCP, TTL: e.TTL, TOS: e.TOS&^ecnMask | tos, DF: true}
	if ip.TTL == 0 {
		ip.TTL = uint8(e.table.Stack.Settings.TTL.Load())
	}
	out := stack.Out{Partial: s.path.Offload}
	inline := n
	if s.path.Offload && n > smallWrite {
		var lent []*chunk
		out.Data, lent = e.snd.lend(offset, n)
		s.out.lent = append(s.out.lent, lent...)
		inline = 0
	}
	whole := s.space(stack.Headroom + header.IPv6Size + h.Size() + inline)
	out.Lent = s.path.Offload
	whole = ip.Append(whole, size)
	at := len(whole) - stack.Headroom
	whole = h.Append(whole, e.local.Port(), e.remote.Port())
	if inline > 0 {
		data := len(whole)
		whole = whole[:data+n]
		e.snd.copyTo(whole[data:], offset)
	}
	segs := uint32(1)
	if n > 0 {
		segs = uint32((n + s.mss - 1) / s.mss)
		s.shown.dataOut += segs
		s.sentBytes += uint64(n)
	}
	b := whole[stack.Headroom:]
	if sum := header.Pseudo(ip.Src, ip.Dst, linux.IPPROTO_TCP, size); s.path.Offload {
		binary.BigEndian.PutUint16(b[at+16:], header.Fold(sum))
		if n > s.mss {
			out.Segment = s.mss
		}
	} else {
		binary.BigEndian.PutUint16(b[at+16:], ^header.Fold(header.Sum(b[at:], sum)))
	}
	out.Packet, out.Whole = b, whole
	s.out.packets = append(s.out.packets, out)
	s.shown.out += segs
	e.table.Stack.Counters.TCPOutSegs.Add(uint64(segs))
	if h.Flags&header.ACK != 0 {
		s.lastAck, s.ackNow, s.ackPending, s.ackAt = h.Ack, false, 0, 0
	}
}

// space is what the headers of a packet of n bytes at most are written to, behind the link's. A link to the outside is done with
// it when the packet has been sent.
func (s *segments) space(n int) []byte {
	if !s.path.Offload {
		return make([]byte, stack.Headroom, n)
	}
	c := newChunk(n)
	s.out.lent = append(s.out.lent, c)
	return c.data[:stack.Headroom]
}

// sendAck acknowledges what came.
func (s *segments) sendAck(e *Endpoint) {
	h := s.header(e, s.nxt, 0)
	if s.sackOK && (len(s.ooo) > 0 || s.dup != header.Block{}) {
		s.addBlocks(&h)
	}
	s.emit(e, &h, 0, 0, s.mark(&h, 0, false))
}

// addBlocks tells which pieces have come, the last one first (RFC 2018 4).
func (s *segments) addBlocks(h *header.TCP) {
	most := 4
	if s.ts {
		most = 3
	}
	add := func(b header.Block) {
		for _, o := range h.Blocks[:h.NBlocks] {
			if o == b {
				return
			}
		}
		if int(h.NBlocks) < most {
			h.Blocks[h.NBlocks] = b
			h.NBlocks++
		}
	}
	if s.dup.Start != s.dup.End {
		add(s.dup)
		s.count.DSACKOldSent.Add(1)
		s.dup = header.Block{}
	}
	var ranges []header.Block
	for _, p := range s.ooo {
		end := p.seq + uint32(len(p.data))
		if n := len(ranges); n > 0 && ranges[n-1].End == p.seq {
			ranges[n-1].End = end
		} else {
			ranges = append(ranges, header.Block{Start: p.seq, End: end})
		}
	}
	for _, r := range ranges {
		if !before(s.lastOoo, r.Start) && before(s.lastOoo, r.End) {
			add(r)
		}
	}
	for _, r := range ranges {
		add(r)
	}
}

// sendReset tells the peer that the connection is over.
func (s *segments) sendReset(e *Endpoint) {
	if e.state == SynSent {
		return
	}
	h := header.TCP{Seq: s.nxt, Ack: s.rcvNxt, Flags: header.RST | header.ACK, HasTS: s.ts, TSVal: s.tsNow(), TSEcr: s.tsRecent}
	s.emit(e, &h, 0, 0, 0)
}

// stop ends the timers.
func (s *segments) stop() {
	s.rtoAt, s.ackAt, s.probeAt, s.keepAt, s.tlpAt, s.reoAt, s.paceAt = 0, 0, 0, 0, 0, 0, 0
	s.opened()
	s.fl.reset()
	s.ooo, s.oooBytes = nil, 0
}

// deadline is the first of the times that matter, 0 for none.
func (s *segments) deadline() int64 {
	if s == nil {
		return 0
	}
	at := int64(0)
	for _, t := range [...]int64{s.rtoAt, s.ackAt, s.probeAt, s.keepAt, s.tlpAt, s.reoAt, s.paceAt, s.synAt} {
		if t != 0 && (at == 0 || t < at) {
			at = t
		}
	}
	return at
}

// running is the timer that /proc/net/tcp shows, when it expires, and how often it has.
func (s *segments) running() (timer int, at int64, tries uint8) {
	switch {
	case s == nil:
	case s.rtoAt != 0:
		return 1, s.rtoAt, uint8(min(s.tries, 255))
	case s.probeAt != 0:
		return 4, s.probeAt, uint8(min(s.tries, 255))
	case s.keepAt != 0:
		return 2, s.keepAt, uint8(s.keeps)
	}
	return 0, 0, 0
}

// notSent is how many bytes of the queue were never sent.
func (s *segments) notSent(e *Endpoint) int {
	if !s.synAcked {
		return e.snd.n
	}
	return max(e.snd.n-int(s.nxt-s.una), 0)
}

// readSome is told when the application has read: the window may have opened.
func (s *segments) readSome(e *Endpoint) {
	s.tune(e)
	if e.state == Close || !s.synAcked || s.ackLate && s.ackPending > 0 { // which will tell the window, too
		return
	}
	_, limit := e.buffers()
	room := min(s.room, limit)
	free := uint32(max(room-e.rcv.n-s.oooBytes, 0))
	told := s.adv - s.rcvNxt
	if told < uint32(room/2) && free >= 2*told && free-told >= uint32(min(2*s.mss, room/2)) { // tcp_cleanup_rbuf
		s.sendAck(e)
	}
}

// tune lets the receive queue hold more if the application reads as fast as the peer may send
// (tcp_rcv_space_adjust).
func (s *segments) tune(e *Endpoint) {
	now := s.clock.Now()
	if now-s.spaceAt < max(s.rtt.srtt, s.echo*1e6, 1e6) {
		return
	}
	most := nearRoom
	if s.echo > 1 {
		most = mostRoom
	}
	if read := e.readSeq - s.spaceSeq; int(read)*2 > s.room && s.room < most {
		s.room = min(s.room*2, most)
	}
	s.spaceAt, s.spaceSeq = now, e.readSeq
}

// sampleEcho measures how far away a peer is that sends (tcp_rcv_rtt_measure_ts).
func (s *segments) sampleEcho(g *segment) {
	if !s.ts || !g.HasTS || g.TSEcr == 0 || len(g.data) < s.mss/2 {
		return
	}
	ms := int64(s.tsNow() - g.TSEcr)
	if s.echo == 0 || ms < s.echo {
		s.echo = ms
	} else if ms < 1<<20 {
		s.echo += (ms - s.echo) / 8
	}
}

// urgentSeq marks the last byte of the queue as urgent.
func (s *segments) urgentSeq(e *Endpoint) {
	s.urgent, s.urgSeq = true, s.una+uint32(e.snd.n)
}

// keep begins or ends keepalive, as the options say.
func (s *segments) keep(e *Endpoint) {
	s.keeps = 0
	if !e.KeepAlive || !s.synAcked {
		s.keepAt = 0
		return
	}
	s.keepAt = s.clock.Now() + int64(e.KeepIdle)*1e9
}

// waitState is what must be known in TIME_WAIT.
type waitState struct {
	valid       bool
	ts          bool
	nxt, rcvNxt uint32
	tsRecent    uint32
}

func (s *segments) waitState() waitState {
	return waitState{true, s.ts, s.nxt, s.rcvNxt, s.tsRecent}
}
