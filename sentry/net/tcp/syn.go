package tcp

import (
	"net/netip"
	"sync"

	"github.com/seed-7423c386/runsc/sentry/net/header"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
)

// Connections that come from elsewhere: SYNs that wait for their last acknowledgement, and cookies in
// place of them when there are too many (RFC 4987).

// synQueue is the connections of a listener that have begun. The listener's lock guards it.
type synQueue struct {
	of    map[pair]*synEntry
	timer stack.Timer
	made  bool
	clock *stack.Clock
}

// synEntry is one of them (struct tcp_request_sock).
type synEntry struct {
	g     segment // the SYN, without data
	iss   uint32
	at    int64
	tries int
	ecn   bool    // agreed on
	saved *[]byte // see savesyn.go
}

const (
	maxSyns  = 1024 // net.ipv4.tcp_max_syn_backlog
	maxReply = 5    // net.ipv4.tcp_synack_retries
)

func (q *synQueue) clear() {
	q.of = nil
	if q.made {
		q.clock.Set(&q.timer, 0)
	}
}

// input takes a segment for a listener: false if it is to be refused.
func (l *listener) input(g *segment, p *stack.Packet) bool {
	switch {
	case g.Flags&header.RST != 0:
		l.mu.Lock()
		defer l.mu.Unlock()
		if s := l.syns.of[pair{g.local, g.remote}]; s != nil && g.Seq == s.g.Seq+1 {
			delete(l.syns.of, pair{g.local, g.remote})
		}
		return true
	case g.Flags&header.ACK != 0:
		return l.inputAck(g)
	case g.Flags&header.SYN == 0 || g.Flags&header.FIN != 0:
		return true
	}
	return l.inputSyn(g, p)
}

// inputSyn answers a SYN. It is dropped if nobody accepts.
func (l *listener) inputSyn(g *segment, p *stack.Packet) bool {
	t := l.e.table
	t.strip(&g.TCP)
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return false
	}
	if len(l.queue)+len(l.late) > l.backlog {
		t.Counters.ListenOverflows.Add(1)
		t.Counters.ListenDrops.Add(1)
		l.mu.Unlock()
		return true
	}
	l.mu.Unlock()
	take, give := l.tryFast(g)
	if take && l.openFast(g, p, give) {
		return true
	}
	l.mu.Lock()
	k := pair{g.local, g.remote}
	s := l.syns.of[k]
	switch {
	case s != nil && s.g.Seq != g.Seq:
		delete(l.syns.of, k)
		s = nil
		fallthrough
	case s == nil && len(l.syns.of) < maxSyns:
		s = &synEntry{g: *g, iss: newISS(g.local, g.remote), at: l.e.table.Stack.Clock.Now(), ecn: t.asksECN(g), saved: l.saved(p)}
		s.g.data = nil
		if l.syns.of == nil {
			l.syns.of = map[pair]*synEntry{}
		}
		l.syns.of[k] = s
		l.armLocked()
	case s == nil:
		l.mu.Unlock()
		if t.Stack.Settings.SynCookies.Load() {
			l.cookie(g)
		}
		return true
	}
	l.mu.Unlock()
	l.synAck(s, g.HasTS, give)
	return true
}

// synAck answers a SYN. Without timestamps of a cookie no other option is agreed on.
func (l *listener) synAck(s *synEntry, full bool, cookie []byte) {
	g, iss := &s.g, s.iss
	path, errno := l.e.table.Stack.Path(g.remote.Addr(), g.local.Addr(), linkFor(g.remote.Addr(), g.link))
	if errno != 0 {
		return
	}
	h := header.TCP{Seq: iss, Ack: g.Seq + 1, Flags: header.SYN | header.ACK, Window: 65535, MSS: uint16(min(path.MTU-headers(g.local.Addr()), 65535))}
	if full || g.SackOK || g.HasWScale {
		h.SackOK = g.SackOK
		h.HasTS, h.TSVal, h.TSEcr = g.HasTS, uint32(l.e.table.Stack.Clock.Now()/1e6), g.TSVal
		if g.HasWScale {
			h.HasWScale, h.WScale = true, ourScale
		}
	}
	if s.ecn {
		h.Flags |= ecnEcho
	}
	if len(cookie) > 0 {
		h.FastOpen = uint8(copy(h.Cookie[:], cookie))
	}
	l.e.table.reply(g, &h)
}

// halfOpen is the connections of a listener whose SYN was answered.
func (e *Endpoint) halfOpen() (all []Info) {
	l := e.listener()
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for k, s := range l.syns.of {
		all = append(all, Info{State: SynRecv, Local: k.local, Remote: k.remote, UID: e.bind.UID, Link: e.bind.Link, Timer: 1, Expires: s.at + int64(1e9)<<s.tries, Retrans: uint8(s.tries)})
	}
	return all
}

// armLocked lets the timer look at the entries every second while there are any.
func (l *listener) armLocked() {
	if !l.syns.made {
		l.syns.made, l.syns.clock = true, l.e.table.Stack.Clock
		l.syns.timer.Init(l.resend)
	}
	if len(l.syns.of) == 1 {
		l.e.table.Stack.Clock.Set(&l.syns.timer, l.e.table.Stack.Clock.Now()+1e9)
	}
}

// resend answers SYNs again that were not heard of, and forgets those that are too old.
func (l *listener) resend() {
	l.mu.Lock()
	now := l.e.table.Stack.Clock.Now()
	var again []*synEntry
	for k, s := range l.syns.of {
		if now-s.at < int64(1e9)<<s.tries {
			continue
		}
		if s.tries++; s.tries > maxReply {
			delete(l.syns.of, k)
			continue
		}
		again = append(again, s)
	}
	if len(l.syns.of) > 0 {
		l.e.table.Stack.Clock.Set(&l.syns.timer, now+1e9)
	}
	l.mu.Unlock()
	for _, s := range again {
		l.synAck(s, true, nil)
	}
}

// inputAck takes the last acknowledgement of a connection that has begun: false if there is none such.
func (l *listener) inputAck(g *segment) bool {
	l.mu.Lock()
	k := pair{g.local, g.remote}
	s := l.syns.of[k]
	if s == nil {
		l.mu.Unlock()
		var ok bool
		if s, ok = l.checkCookie(g); !ok {
			return false
		}
		l.mu.Lock()
	}
	if g.Flags&header.SYN != 0 || g.Ack != s.iss+1 || before(g.Seq, s.g.Seq+1) {
		l.mu.Unlock()
		return false
	}
	if l.closed {
		l.mu.Unlock()
		return false
	}
	if len(l.queue)+len(l.late) > l.backlog { // it comes again
		l.mu.Unlock()
		return true
	}
	delete(l.syns.of, k)
	l.mu.Unlock()
	n := l.fromNet(s)
	if n == nil {
		return false
	}
	n.lock()
	defer n.unlock()
	if s.at != 0 && s.tries == 0 {
		n.net.firstRTT(l.e.table.Stack.Clock.Now() - s.at)
	}
	n.net.input(n, g)
	if n.state == Close {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		n.dead = true
		n.resetPeer()
		n.finish()
		return true
	}
	l.addLocked(n)
	return true
}

// fromNet makes the connection of a SYN, which waits for its acknowledgement.
func (l *listener) fromNet(s *synEntry) *Endpoint {
	t := l.e.table
	path, errno := t.Stack.Path(s.g.remote.Addr(), s.g.local.Addr(), linkFor(s.g.remote.Addr(), s.g.link))
	if errno != 0 {
		return nil
	}
	n := l.child(s.g.local, s.g.remote, s.g.link)
	ok := t.insert(n)
	t.reap()
	if !ok {
		t.ports.Release(&n.bind)
		return nil
	}
	n.net = n.newSegments(&path)
	n.net.iss, n.net.una, n.net.nxt = s.iss, s.iss, s.iss+1
	n.net.heard(n, &s.g.TCP)
	n.net.ecn.ok = s.ecn
	n.savedSyn = s.saved
	n.net.adv = n.net.rcvNxt + 65535
	n.net.lastAck = n.net.rcvNxt
	t.Stack.Counters.TCPPassiveOpens.Add(1)
	return n
}

// cookieMSS are the sizes of segments that a cookie can say.
var cookieMSS = [4]uint16{536, 1300, 1440, 1460}

// cookieTime is how long a cookie is good, at least; at most twice as long.
const cookieTime = 64e9

// cookieISS is the sequence number that stands for a SYN: 5 bits of time, 2 of MSS, the rest is a hash.
func cookieISS(g *segment, seq uint32, count int64, mss int) uint32 {
	port := netip.AddrPortFrom(g.remote.Addr(), g.remote.Port()^uint16(count))
	h := uint32(stack.Hash(g.local, port)) ^ uint32(stack.Hash(port, netip.AddrPortFrom(g.local.Addr(), uint16(mss))))
	return seq + (uint32(count&31)<<27 | uint32(mss)<<25 | h&(1<<25-1))
}

func (l *listener) cookie(g *segment) {
	mss := 0
	for i, m := range cookieMSS {
		if m <= g.MSS {
			mss = i
		}
	}
	l.e.table.Counters.SyncookiesSent.Add(1)
	plain := *g
	plain.SackOK, plain.HasWScale, plain.HasTS = false, false, false
	l.synAck(&synEntry{g: plain, iss: cookieISS(g, g.Seq, l.e.table.Stack.Clock.Now()/cookieTime, mss)}, false, nil)
}

// checkCookie returns the SYN that an acknowledgement is of, if we have answered it.
func (l *listener) checkCookie(g *segment) (*synEntry, bool) {
	l.mu.Lock()
	flooded := len(l.syns.of) >= maxSyns/2
	l.mu.Unlock()
	if !flooded || g.Flags&header.SYN != 0 {
		return nil, false
	}
	seq, iss := g.Seq-1, g.Ack-1
	now := l.e.table.Stack.Clock.Now() / cookieTime
	mss := int((iss - seq) >> 25 & 3)
	for count := now; count > now-2; count-- {
		if cookieISS(g, seq, count, mss) == iss {
			l.e.table.Counters.SyncookiesRecv.Add(1)
			s := &synEntry{g: *g, iss: iss}
			s.g.Seq, s.g.data = seq, nil
			s.g.TCP = header.TCP{Seq: seq, MSS: cookieMSS[mss], Window: g.Window}
			return s, true
		}
	}
	l.e.table.Counters.SyncookiesFailed.Add(1)
	return nil, false
}

// challenges limits acknowledgements to those who may be guessing (RFC 5961 10).
var challenges limit

type limit struct {
	mu   sync.Mutex
	left int
	at   int64
}

func (l *limit) allow() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := stack.Wall.Now() / 1e9; now != l.at {
		l.at, l.left = now, 1000
	}
	if l.left == 0 {
		return false
	}
	l.left--
	return true
}
