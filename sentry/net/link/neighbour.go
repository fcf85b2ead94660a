package link

import (
	"net/netip"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/header"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
)

// neighbour is what is known of an address on the link (struct neighbour).
type neighbour struct {
	mac       header.MAC
	known     bool
	permanent bool
	fresh     int64 // until when it needs no question
	asked     int64 // when the last question was sent
	tries     int
	waiting   []frame // frames to be sent when it is known
}

const (
	maxNeighbours = 1024
	maxWaiting    = 64
	freshTime     = 30e9
	askTime       = 1e9
	maxAsks       = 3
)

// resolve sends a frame to an address, as soon as it is known where that is.
func (l *Link) resolve(next netip.Addr, f frame) {
	now := l.stack.Clock.Now()
	l.mu.Lock()
	n := l.neighs[next]
	if n == nil {
		if l.closed {
			l.mu.Unlock()
			return
		}
		l.makeRoomLocked()
		n = &neighbour{}
		l.neighs[next] = n
	}
	ask := false
	if !n.known || !n.permanent && now > n.fresh {
		if ask = now-n.asked >= askTime; ask {
			n.asked = now
			n.tries++
		}
	}
	if !n.known {
		if len(n.waiting) < maxWaiting {
			n.waiting = append(n.waiting, f.keep())
		} else {
			l.stats.TxDropped.Add(1)
		}
		l.armLocked(now)
	}
	known, mac := n.known, n.mac
	l.mu.Unlock()
	if ask {
		l.ask(next)
	}
	if known {
		l.write(f, mac)
	}
}

// makeRoomLocked forgets somebody if there are too many.
func (l *Link) makeRoomLocked() {
	if len(l.neighs) < maxNeighbours {
		return
	}
	for a, n := range l.neighs {
		if !n.permanent && len(n.waiting) == 0 {
			delete(l.neighs, a)
			return
		}
	}
	for a, n := range l.neighs {
		if !n.permanent {
			delete(l.neighs, a)
			return
		}
	}
}

func (l *Link) armLocked(now int64) {
	if !l.armed {
		l.armed = true
		l.stack.Clock.Set(&l.timer, now+askTime)
	}
}

// expire asks again for those that are waited for, and gives up those that do not answer.
func (l *Link) expire() {
	now := l.stack.Clock.Now()
	var again []netip.Addr
	var lost []frame
	l.mu.Lock()
	l.armed = false
	for a, n := range l.neighs {
		switch {
		case n.known || len(n.waiting) == 0:
		case n.tries >= maxAsks:
			lost = append(lost, n.waiting...)
			delete(l.neighs, a)
		default:
			n.asked = now
			n.tries++
			again = append(again, a)
			l.armLocked(now)
		}
	}
	l.mu.Unlock()
	for _, a := range again {
		l.ask(a)
	}
	for _, f := range lost {
		l.stack.HostUnreachable(f.head[vnetSize+header.EthernetSize:])
	}
}

// ask sends the question where an address is.
func (l *Link) ask(a netip.Addr) {
	src := l.stack.SourceFor(a, l.index)
	if !src.IsValid() {
		return
	}
	if a.Is4() {
		h := header.ARP{Op: header.ARPRequest, SenderMAC: l.own(), SenderIP: src, TargetIP: a}
		l.sendARP(&h, header.BroadcastMAC)
		return
	}
	n := header.Neighbour{Target: a, Link: l.own(), HasLink: true}
	b := a.As16()
	group := netip.AddrFrom16([16]byte{0: 0xff, 1: 2, 11: 1, 12: 0xff, 13: b[13], 14: b[14], 15: b[15]})
	l.sendND(&n, linux.NDISC_NEIGH_SOL, src, group, header.MulticastMAC(group))
}

func (l *Link) sendARP(h *header.ARP, to header.MAC) {
	b := make([]byte, vnetSize, 64)
	e := header.Ethernet{Src: l.own(), Type: header.TypeARP}
	l.write(frame{head: h.Append(e.Append(b))}, to)
}

func (l *Link) sendND(n *header.Neighbour, typ uint8, src, dst netip.Addr, to header.MAC) {
	msg := n.AppendNeighbour(nil, typ)
	stack.FillICMP(msg, src, dst)
	l.stack.Counters.ICMPOut(linux.IPPROTO_ICMPV6, msg)
	h := header.IP{Src: src, Dst: dst, Proto: linux.IPPROTO_ICMPV6, TTL: 255, DF: true}
	l.write(l.frame(stack.Out{Packet: append(h.Append(nil, len(msg)), msg...)}), to)
}

// inputARP answers questions for our addresses and learns from what is for us.
func (l *Link) inputARP(b []byte) {
	h, ok := header.ParseARP(b)
	if !ok || h.SenderMAC[0]&1 != 0 || l.stack.LinkOf(h.TargetIP) != l.index {
		return
	}
	if !h.SenderIP.IsUnspecified() && !h.SenderIP.IsMulticast() && !l.stack.Local(h.SenderIP) {
		l.learn(h.SenderIP, h.SenderMAC, h.Op == header.ARPRequest, true)
	}
	if h.Op == header.ARPRequest {
		r := header.ARP{Op: header.ARPReply, SenderMAC: l.own(), SenderIP: h.TargetIP, TargetMAC: h.SenderMAC, TargetIP: h.SenderIP}
		l.sendARP(&r, h.SenderMAC)
	}
}

// Neighbour takes a message of neighbour discovery; the stack calls it.
func (l *Link) Neighbour(p *stack.Packet, typ uint8, n header.Neighbour) {
	if typ == linux.NDISC_NEIGH_ADV {
		if n.HasLink {
			l.learn(n.Target, n.Link, false, n.Overriding)
		}
		return
	}
	if l.stack.LinkOf(n.Target) != l.index {
		return
	}
	r := header.Neighbour{Target: n.Target, Link: l.own(), HasLink: true, Solicited: true, Overriding: true}
	if p.Src.IsUnspecified() { // somebody looks whether the address is taken
		all := netip.AddrFrom16([16]byte{0: 0xff, 1: 2, 15: 1})
		r.Solicited = false
		l.sendND(&r, linux.NDISC_NEIGH_ADV, n.Target, all, header.MulticastMAC(all))
		return
	}
	if !n.HasLink {
		return
	}
	l.learn(p.Src, n.Link, true, true)
	l.sendND(&r, linux.NDISC_NEIGH_ADV, n.Target, p.Src, n.Link)
}

// learn notes where an address is, and sends what waits for it. Only a question makes somebody known who
// was not asked for.
func (l *Link) learn(a netip.Addr, mac header.MAC, create, override bool) {
	if mac[0]&1 != 0 || mac == (header.MAC{}) {
		return
	}
	l.mu.Lock()
	n := l.neighs[a]
	if n == nil && create {
		l.makeRoomLocked()
		n = &neighbour{}
		l.neighs[a] = n
	}
	if n == nil || n.permanent {
		l.mu.Unlock()
		return
	}
	var waiting []frame
	if !n.known || override || n.mac == mac {
		n.mac, n.known, n.tries = mac, true, 0
		n.fresh = l.stack.Clock.Now() + freshTime
		waiting, n.waiting = n.waiting, nil
	}
	l.mu.Unlock()
	for _, f := range waiting {
		l.write(f, mac)
	}
}

// State is what is known of a neighbour, as NUD_ has it.
func (n *neighbour) state(now int64) uint16 {
	switch {
	case n.permanent:
		return linux.NUD_PERMANENT
	case !n.known && n.tries >= maxAsks:
		return linux.NUD_FAILED
	case !n.known:
		return linux.NUD_INCOMPLETE
	case now > n.fresh:
		return linux.NUD_STALE
	}
	return linux.NUD_REACHABLE
}

// Fix makes a neighbour known for ever.
func (l *Link) Fix(a netip.Addr, mac [6]byte) {
	l.SetNeighbour(a, mac, linux.NUD_PERMANENT, true, true)
}

// SetNeighbour says where an address is, permanently or until it is found elsewhere: EEXIST if it is known and not to be replaced, ENOENT
// if it is not known and not to be made, ENOBUFS.
func (l *Link) SetNeighbour(a netip.Addr, mac [6]byte, state uint16, create, replace bool) linux.Errno {
	l.mu.Lock()
	old := l.neighs[a]
	switch {
	case l.closed:
		l.mu.Unlock()
		return linux.ENODEV
	case old != nil && !replace:
		l.mu.Unlock()
		return linux.EEXIST
	case old == nil && !create:
		l.mu.Unlock()
		return linux.ENOENT
	case old == nil && len(l.neighs) >= maxNeighbours:
		if l.makeRoomLocked(); len(l.neighs) >= maxNeighbours {
			l.mu.Unlock()
			return linux.ENOBUFS
		}
	}
	n := &neighbour{mac: mac, known: true, permanent: state&(linux.NUD_PERMANENT|linux.NUD_NOARP) != 0}
	if state&linux.NUD_REACHABLE != 0 {
		n.fresh = l.stack.Clock.Now() + freshTime
	}
	l.neighs[a] = n
	l.mu.Unlock()
	if old != nil {
		for _, f := range old.waiting {
			l.write(f, mac)
		}
	}
	return 0
}

// ForgetNeighbour takes one away: ENOENT.
func (l *Link) ForgetNeighbour(a netip.Addr) linux.Errno {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.neighs[a] == nil {
		return linux.ENOENT
	}
	delete(l.neighs, a)
	return 0
}

// Each calls f for every neighbour, with its state.
func (l *Link) Each(f func(a netip.Addr, mac [6]byte, state uint16)) {
	now := l.stack.Clock.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for a, n := range l.neighs {
		f(a, n.mac, n.state(now))
	}
}
