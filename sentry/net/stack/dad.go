package stack

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/device"
	"github.com/seed-7423c386/runsc/sentry/net/header"
)

// Whether others on a link have an address that is to be ours is asked before it is used (RFC 4862 5.4): a while after it was given, as
// often as net.ipv6.conf.*.dad_transmits says, and then it is waited for an answer.

// checks are the addresses that are asked for.
type checks struct {
	mu    sync.Mutex
	timer Timer
	list  []check
}

type check struct {
	at   int64
	link int32
	addr netip.Addr
	left int // questions
}

const (
	askDelay = 1e9 // MAX_RTR_SOLICITATION_DELAY: the first question comes within
	askTime  = 1e9 // RETRANS_TIMER

	// maxChecks is how many addresses are asked for at once: more are taken without.
	maxChecks = 1024
)

// verify begins to ask for an address.
func (s *Stack) verify(link int32, a netip.Addr) {
	n := s.Devices.Probes(link, a.AsSlice())
	if n == 0 {
		return
	}
	c := &s.checks
	c.mu.Lock()
	if len(c.list) >= maxChecks {
		c.mu.Unlock()
		s.Devices.Asked(link, a.AsSlice(), false)
		return
	}
	defer c.mu.Unlock()
	if slices.ContainsFunc(c.list, func(o check) bool { return o.link == link && o.addr == a }) {
		return
	}
	if len(c.list) == 0 {
		c.timer.Init(s.checkDue)
	}
	c.list = append(c.list, check{s.Clock.Now() + rand.Int64N(askDelay), link, a, n})
	s.armChecks()
}

// verifyAll is for an interface that can be used from now on.
func (s *Stack) verifyAll(l *device.Link) {
	for _, a := range l.Addrs {
		if ip, ok := netip.AddrFromSlice(a.IP); ok && a.Tentative && !a.Duplicate {
			s.verify(l.Index, ip)
		}
	}
}

// armChecks sets the timer to the first. checks is locked.
func (s *Stack) armChecks() {
	s.Clock.Set(&s.checks.timer, soonest(s.checks.list, func(v *check) int64 { return v.at }))
}

// checkDue asks, and takes the addresses of which nobody has said anything.
func (s *Stack) checkDue() {
	now := s.Clock.Now()
	c := &s.checks
	var ask, done []check
	c.mu.Lock()
	for i := range c.list {
		v := &c.list[i]
		switch {
		case v.at > now:
		case v.left > 0:
			v.left--
			v.at = now + askTime
			ask = append(ask, *v)
		default:
			done = append(done, *v)
			v.left = -1
		}
	}
	c.list = slices.DeleteFunc(c.list, func(v check) bool { return v.left < 0 })
	s.armChecks()
	c.mu.Unlock()
	for _, v := range ask {
		if s.Devices.Probes(v.link, v.addr.AsSlice()) == 0 { // gone meanwhile
			s.uncheck(v.link, v.addr)
			continue
		}
		s.sendCheck(v.link, v.addr)
	}
	for _, v := range done {
		if s.Devices.Probes(v.link, v.addr.AsSlice()) > 0 {
			s.Devices.Asked(v.link, v.addr.AsSlice(), false)
		}
	}
}

// uncheck ends asking for an address: whether there was one.
func (s *Stack) uncheck(link int32, a netip.Addr) bool {
	c := &s.checks
	c.mu.Lock()
	defer c.mu.Unlock()
	had := len(c.list)
	c.list = slices.DeleteFunc(c.list, func(v check) bool { return v.link == link && v.addr == a })
	s.armChecks()
	return len(c.list) < had
}

// sendCheck asks who has an address.
func (s *Stack) sendCheck(link int32, a netip.Addr) {
	src, group := netip.IPv6Unspecified(), Solicited(a)
	p, errno := s.fib().pathMulticast(group, src, link)
	if errno != 0 {
		return
	}
	n := header.Neighbour{Target: a}
	msg := n.AppendNeighbour(nil, linux.NDISC_NEIGH_SOL)
	FillICMP(msg, src, group)
	s.Send(&p, &header.IP{Src: src, Dst: group, Proto: linux.IPPROTO_ICMPV6, TTL: 255, DF: true}, msg)
}

// taken looks whether a message says that somebody else has an address that is asked for, or wants it, too (RFC 4862 5.4.3, 5.4.4).
func (s *Stack) taken(p *Packet, typ uint8, n header.Neighbour) {
	if p.From == Ourselves || typ == linux.NDISC_NEIGH_SOL && !p.Src.IsUnspecified() {
		return
	}
	if s.uncheck(p.Link, n.Target) {
		s.Devices.Asked(p.Link, n.Target.AsSlice(), true)
	}
}
