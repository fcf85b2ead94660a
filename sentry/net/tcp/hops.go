package tcp

import "net/netip"

// IP_MINTTL and IPV6_MINHOPCOUNT: what has come over more hops than a neighbour is away is not taken (RFC 5082). The loopback
// is no hop, so of a direct connection it is what the other end sends with; what is not taken stays in the sender's queue, as
// with filters, and comes when it may.

// SetMinHops sets the least of IPv4 and of IPv6, and looks what comes now, with the TTL that e sends with, too.
func (e *Endpoint) SetMinHops(v4, v6 uint8) {
	e.minHops.Store(uint32(v4) | uint32(v6)<<8)
	e.retry()
}

// takesHops reports whether e takes what came from a with so much of its way left.
func (e *Endpoint) takesHops(a netip.Addr, left uint8) bool {
	v := e.minHops.Load()
	if !a.Is4() {
		v >>= 8
	}
	return v == 0 || left >= uint8(v)
}

// takesDirect is takesHops of what the other end of a direct connection sends.
func (e *Endpoint) takesDirect(from *Endpoint, a netip.Addr) bool {
	if e.minHops.Load() == 0 {
		return true
	}
	ttl := from.TTL
	if ttl == 0 {
		ttl = uint8(e.table.Stack.Settings.TTL.Load())
	}
	return e.takesHops(a, ttl)
}

// picky reports whether e does not take everything.
func (e *Endpoint) picky() bool { return e.filter.Load() != nil || e.minHops.Load() != 0 }

// retry lets what e has not taken of direct connections come if it may now.
func (e *Endpoint) retry() {
	if l := e.listener(); l != nil {
		l.retry()
		return
	}
	e.Reclaim()
	e.lock()
	if o := e.peer; o != nil && o != e && o.snd.n+truth(o.finWanted && !o.finSent) > 0 {
		o.move()
	}
	opening, remote, local := e.state == SynSent && e.net == nil, e.remote, e.local
	e.unlock()
	if opening {
		if l := e.table.find(remote, local); l != nil {
			l.retry()
		}
	}
}

// retry lets connections come that have not been taken.
func (l *listener) retry() {
	l.mu.Lock()
	l.waiting = append(l.waiting, l.filtered...)
	l.filtered = nil
	l.mu.Unlock()
	l.admit()
}
