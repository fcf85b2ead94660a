package tcp

import (
	"net/netip"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/header"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Connections inside one stack.

// connectTime is how long a connection waits for room in a listener's queue: as long as SYNs are
// repeated with net.ipv4.tcp_syn_retries.
const connectTime = 127e9

// Connect begins a connection to dst: it is there when it returns, or will be, or will have failed,
// when the owner is told. link is the interface of a link-local address.
func (e *Endpoint) Connect(dst netip.AddrPort, link int32) linux.Errno {
	e.lock()
	defer e.unlock()
	return e.connectLocked(dst, link)
}

func (e *Endpoint) connectLocked(dst netip.AddrPort, link int32) linux.Errno {
	if e.state != Close {
		return linux.EISCONN
	}
	if link == 0 {
		link = e.BoundLink()
	}
	src := e.bind.Addr
	if src.IsValid() && src.Is4() != dst.Addr().Is4() {
		return linux.ENETUNREACH
	}
	path, errno := e.table.Stack.Path(dst.Addr(), src, link)
	switch {
	case errno != 0:
		return errno
	case path.Multicast || path.Broadcast:
		return linux.ENETUNREACH
	}
	e.remote, e.link = dst, link
	if errno := e.hash(path.Src); errno != 0 {
		e.remote = netip.AddrPort{}
		return errno
	}
	e.done, e.shut, e.state = false, 0, SynSent
	e.table.Stack.Counters.TCPActiveOpens.Add(1)
	if !path.Local || e.table.Stack.Tapped() { // who watches shall see segments
		return e.connectNet(&path)
	}
	e.connectDirect()
	return 0
}

// hash makes the connection known, with a port if there is none: EADDRNOTAVAIL if there is no
// port, or the same connection exists.
func (e *Endpoint) hash(src netip.Addr) linux.Errno {
	old := e.bind.Addr
	e.table.ports.Update(func() { e.bind.Addr = src })
	errno := linux.Errno(linux.EADDRNOTAVAIL)
	if e.bind.Port != 0 {
		if e.local = netip.AddrPortFrom(src, e.bind.Port); e.table.insert(e) {
			errno = 0
		}
	} else {
		errno = e.table.ports.Choose(&e.bind, func(port uint16) bool {
			e.local = netip.AddrPortFrom(src, port)
			return e.table.insert(e)
		})
	}
	e.table.reap()
	if errno != 0 {
		e.table.ports.Update(func() { e.bind.Addr = old })
		e.local = netip.AddrPortFrom(old, e.bind.Port)
	}
	return errno
}

// connectDirect joins e to a listener of the same stack; if that has no room, as soon as it has.
func (e *Endpoint) connectDirect() {
	e.begins = true
	if e.local == e.remote { // to itself: two SYNs that cross
		e.peer = e
		e.tallyBegin(e)
		e.establish()
		return
	}
	l := e.table.find(e.remote, e.local)
	if l == nil || !l.join(e) {
		e.table.Stack.Counters.TCPOutRsts.Add(1)
		e.countDirect(2, 2, 0) // a SYN and a reset
		e.resetBy()
		e.remote = netip.AddrPort{}
		return
	}
	e.openDirect(l)
	if e.fast != nil {
		e.fast.take(e)
	}
	if e.state == SynSent {
		e.connectUntil = e.table.Stack.Clock.Now() + connectTime
		e.setTimer()
	}
}

// establish makes the connection be there.
func (e *Endpoint) establish() {
	e.state = Established
	e.connectUntil = 0
	e.begun = e.table.Stack.Clock.Now()
	e.ecn = e.peer != nil && e.table.Stack.Settings.ECN.Load() == 1
	e.events |= evOut
	e.table.Stack.Counters.TCPEstab.Add(1)
}

// accepted returns the other end of e, for the queue of l. e is locked, and so is the new one by
// that.
func (l *listener) accepted(e *Endpoint) *Endpoint {
	n := l.child(e.remote, e.local, e.link)
	n.mu = e.mu
	ok := n.table.insert(n)
	n.table.reap()
	if !ok {
		n.table.ports.Release(&n.bind)
		return nil
	}
	n.table.Stack.Counters.TCPPassiveOpens.Add(1)
	n.peer, e.peer = e, n
	n.savedSyn = l.savedDirect(e)
	e.tallyBegin(n)
	n.establish()
	e.establish()
	if e.snd.n > 0 { // which was to go with the SYN
		e.move()
	}
	return n
}

// direct returns the queue that what e sends goes to at once: nil if it must wait behind other
// bytes, or for room.
func (e *Endpoint) direct() *queue {
	p := e.peer
	if p == nil || p.dead || e.hold || e.snd.n > 0 || p.full() || p.picky() || e.MaxPacing != 0 {
		return nil
	}
	return &p.rcv
}

// full reports whether the receive queue has no room.
func (e *Endpoint) full() bool {
	_, limit := e.buffers()
	return e.rcv.n >= limit
}

// move moves what e has to send to the peer, as far as there is room, and then the end. Bytes for
// somebody who has closed come back as a reset.
func (e *Endpoint) move() {
	p := e.peer
	if p == nil {
		return
	}
	if p.dead && e.snd.n > 0 && p != e {
		if p.state != Close {
			p.finish()
		}
		e.resetBy()
		return
	}
	if e.holds() {
		return
	}
	moved := false
	for e.snd.n > 0 && !p.full() && !e.tooFast() && p.passesDirect(header.ACK|header.PSH, e, e.snd.head.data[e.snd.head.off:]) {
		c := e.snd.pop()
		n := c.len()
		p.rcv.push(c)
		e.gave(p, n)
		p.arrived(n)
		e.pacedDirect(n)
		moved = true
	}
	if moved && e.writable() {
		e.events |= evOut
	}
	if e.finWanted && !e.finSent && e.snd.n == 0 && p.passesDirect(header.ACK|header.FIN, e, nil) {
		e.finSent = true
		e.tally.segment(p.tally, 1)
		e.finAcked(p)
	}
}

// holds reports whether what is to be sent waits for more, as it would for a whole segment: 200 ms at most.
func (e *Endpoint) holds() bool {
	if !e.hold || e.snd.n == 0 || e.snd.n >= e.mssLocked() || e.finWanted {
		if e.MaxPacing == 0 {
			e.paceUntil = 0
		}
		return false
	}
	if e.paceUntil == 0 {
		e.paceUntil = e.table.Stack.Clock.Now() + minRTO
		e.setTimer()
	}
	return true
}

// finAcked is what happens when the end of e's stream has come to p, which says so at once: the order
// is that of the segments.
func (e *Endpoint) finAcked(p *Endpoint) {
	switch e.state {
	case FinWait1:
		e.state = FinWait2
		e.events |= wait.Internal
		p.gotFin()
	case Closing:
		p.gotFin()
		e.timeWait()
	case LastAck:
		p.gotFin()
		e.finish()
	}
}

// gotFin notes the end of the peer's stream (tcp_fin).
func (e *Endpoint) gotFin() {
	if e.finRcvd {
		return
	}
	e.finRcvd = true
	e.forbid()
	e.shut |= shutRead
	e.done = true
	e.events |= evIn | evOut | wait.RdHup | wait.Hup // sk_state_change wakes whoever waits for whatever
	if e.parent != nil {
		e.parent.ready(e)
	}
	switch e.state {
	case Established, SynRecv:
		e.state = CloseWait
	case FinWait1:
		e.state = Closing
	case FinWait2:
		e.timeWait()
	}
}
