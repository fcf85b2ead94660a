package stack

import (
	"net/netip"
	"sync"
	"sync/atomic"
)

// How long packets may be on the way to an address where that is less than on our interface (RFC 1191, RFC 8201): routers tell
// those who have sent there, and are believed for ten minutes (struct fib_nh_exception). Connections of TCP know it for themselves.

type pathMTUs struct {
	some atomic.Bool // there may be some
	mu   sync.Mutex
	to   map[netip.Addr]pathMTU
}

type pathMTU struct {
	mtu   int
	split bool // it is less than what is believed: packets are to be split by routers
	until int64
}

const (
	leastMTU    = 552   // net.ipv4.route.min_pmtu
	leastMTU6   = 1280  // IPV6_MIN_MTU
	believeMTU  = 600e9 // net.ipv4.route.mtu_expires
	maxPathMTUs = 1024
)

// LearnMTU notes what a router has said about the way to an address.
func (s *Stack) LearnMTU(to netip.Addr, mtu int) {
	v, now := pathMTU{mtu: mtu}, s.Clock.Now()
	least := leastMTU
	if to.Is6() {
		least = leastMTU6
	}
	if mtu < least {
		v.mtu, v.split = least, to.Is4()
	}
	v.until = now + believeMTU
	m := &s.mtus
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.to == nil {
		m.to = map[netip.Addr]pathMTU{}
	}
	if old, ok := m.to[to]; ok && old.until > now && old.mtu < v.mtu {
		return
	}
	if len(m.to) >= maxPathMTUs {
		for a := range m.to { // any
			delete(m.to, a)
			break
		}
	}
	m.to[to] = v
	m.some.Store(true)
}

// Narrow makes p as narrow as the way to an address is known to be. split says that its packets must not forbid routers to split them.
func (s *Stack) Narrow(p *Path, to netip.Addr) (split bool) {
	m := &s.mtus
	if p.Local || !m.some.Load() {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.to[to]
	switch {
	case !ok:
		return false
	case v.until <= s.Clock.Now():
		delete(m.to, to)
		m.some.Store(len(m.to) > 0)
		return false
	}
	p.MTU = min(p.MTU, v.mtu)
	return v.split
}
