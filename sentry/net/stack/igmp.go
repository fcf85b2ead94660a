package stack

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/header"
)

// Routers and bridges on an Ethernet are told which groups we listen to: by IGMP version 3 (RFC 3376) and MLD version 2
// (RFC 3810), when a group is joined or left, twice, and when they ask. Sources are not told apart; who asks by an older version gets the answer of
// the newer.

// reports are those that are still to be sent.
type reports struct {
	mu    sync.Mutex
	timer Timer
	due   []report
}

type report struct {
	at    int64
	link  int32
	group netip.Addr // invalid: all of a version
	v6    bool
	typ   uint8
}

// Types of records (RFC 3376 4.2.12).
const (
	modeIsExclude   = 2
	changeToInclude = 3
	changeToExclude = 4
)

const (
	igmpQuery   = 0x11
	igmpReport  = 0x22
	mldQuery    = 130
	mldReport   = 143
	repeatTime  = 1e9 // the second report follows within
	maxReports  = 4096
	recordsEach = 64
)

var (
	igmpRouters = netip.AddrFrom4([4]byte{224, 0, 0, 22})
	mldRouters  = netip.AddrFrom16([16]byte{0: 0xff, 1: 2, 15: 0x16})
)

// told reports whether others are told of a group: not of those that everybody is in, and those of ourselves.
func told(g netip.Addr) bool {
	return g != allHosts && g != allNodes && !g.IsInterfaceLocalMulticast()
}

// changedGroup tells that a group was joined or left on an interface.
func (s *Stack) changedGroup(link int32, g netip.Addr, typ uint8) {
	l := s.Link(link)
	if l == nil || l.Loopback() || !l.Up() || !told(g) {
		return
	}
	s.sendReport(link, g.Is6(), typ, []netip.Addr{g})
	now := s.Clock.Now()
	r := &s.reports
	r.mu.Lock()
	r.due = slices.DeleteFunc(r.due, func(o report) bool { return o.link == link && o.group == g })
	r.mu.Unlock()
	s.reportAt(report{at: now + rand.Int64N(repeatTime), link: link, group: g, v6: g.Is6(), typ: typ})
}

// reportAt sends a report later.
func (s *Stack) reportAt(v report) {
	r := &s.reports
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.due) >= maxReports {
		return
	}
	if len(r.due) == 0 {
		r.timer.Init(s.reportDue)
	}
	r.due = append(r.due, v)
	s.armReports()
}

// armReports sets the timer to the first report. reports is locked.
func (s *Stack) armReports() {
	first := int64(0)
	for _, v := range s.reports.due {
		if first == 0 || v.at < first {
			first = v.at
		}
	}
	s.Clock.Set(&s.reports.timer, first)
}

// reportDue sends what is due.
func (s *Stack) reportDue() {
	now := s.Clock.Now()
	r := &s.reports
	r.mu.Lock()
	var send []report
	r.due = slices.DeleteFunc(r.due, func(v report) bool {
		if v.at <= now {
			send = append(send, v)
		}
		return v.at <= now
	})
	s.armReports()
	r.mu.Unlock()
	for _, v := range send {
		groups := []netip.Addr{v.group}
		if l := s.Link(v.link); !v.group.IsValid() && l != nil {
			groups = slices.DeleteFunc(s.Groups(l), func(g netip.Addr) bool { return g.Is6() != v.v6 || !told(g) })
		}
		s.sendReport(v.link, v.v6, v.typ, groups)
	}
}

// sendReport sends what is said of groups.
func (s *Stack) sendReport(link int32, v6 bool, typ uint8, groups []netip.Addr) {
	for part := range slices.Chunk(groups, recordsEach) {
		b := []byte{igmpReport, 0, 0, 0, 0, 0, 0, uint8(len(part))}
		for _, g := range part {
			b = append(append(b, typ, 0, 0, 0), g.AsSlice()...)
		}
		if v6 {
			s.sendMLD(link, b)
		} else {
			s.sendIGMP(link, b)
		}
	}
}

func (s *Stack) sendIGMP(link int32, b []byte) {
	p, errno := s.fib().pathMulticast(igmpRouters, netip.Addr{}, link)
	if errno != 0 {
		return
	}
	binary.BigEndian.PutUint16(b[2:], ^header.Fold(header.Sum(b, 0)))
	alert := []byte{0x94, 4, 0, 0} // RFC 2113
	s.Send(&p, &header.IP{Src: p.Src, Dst: igmpRouters, Proto: linux.IPPROTO_IGMP, TTL: 1, TOS: 0xc0, DF: true, Options: alert}, b)
}

func (s *Stack) sendMLD(link int32, b []byte) {
	src := netip.IPv6Unspecified()
	for _, a := range s.fib().addrs {
		if a.link == link && a.addr.Is6() && a.addr.IsLinkLocalUnicast() {
			src = a.addr
		}
	}
	p, errno := s.fib().pathMulticast(mldRouters, src, link)
	if errno != 0 {
		return
	}
	b[0] = mldReport
	FillICMP(b, src, mldRouters)
	hops := []byte{linux.IPPROTO_ICMPV6, 0, 5, 2, 0, 0, 1, 0} // RFC 2711
	s.Send(&p, &header.IP{Src: src, Dst: mldRouters, Proto: linux.IPPROTO_HOPOPTS, TTL: 1, DF: true}, append(hops, b...))
}

// igmp is the Handler of IGMP.
type igmp struct{ s *Stack }

// Input is Handler's.
func (i igmp) Input(p *Packet) bool {
	b := p.Payload
	if len(b) < 8 || b[0] != igmpQuery || header.Fold(header.Sum(b, 0)) != 0xffff || p.From == Ourselves {
		return true
	}
	g := netip.AddrFrom4([4]byte(b[4:8]))
	wait := int64(b[1]) // tenths of a second
	if wait >= 128 {
		wait = (wait&15 | 16) << (wait>>4&7 + 3)
	}
	i.s.asked(p.Link, g, max(wait, 1)*1e8)
	return true
}

// Failed is Handler's.
func (igmp) Failed(*header.IP, []byte, Failure) {}

// asked answers a question for a group, or all if it is none, within some time.
func (s *Stack) asked(link int32, g netip.Addr, within int64) {
	v := report{link: link, v6: g.Is6(), typ: modeIsExclude}
	if !g.IsUnspecified() {
		if !g.IsMulticast() || !told(g) || !s.groups.joined(link, g) {
			return
		}
		v.group = g
	}
	r := &s.reports
	r.mu.Lock()
	known := slices.ContainsFunc(r.due, func(o report) bool { return o.link == link && o.group == v.group && o.v6 == v.v6 })
	r.mu.Unlock()
	if known {
		return
	}
	v.at = s.Clock.Now() + rand.Int64N(max(min(within, 60e9), 1))
	s.reportAt(v)
}

// mldAsked is a question of MLD.
func (s *Stack) mldAsked(p *Packet) {
	b := p.Payload
	if len(b) < 24 || p.From == Ourselves || !p.Src.IsLinkLocalUnicast() {
		return
	}
	wait := int64(binary.BigEndian.Uint16(b[4:])) // milliseconds
	if wait >= 0x8000 {
		wait = (wait&0xfff | 0x1000) << (wait>>12&7 + 3)
	}
	s.asked(p.Link, netip.AddrFrom16([16]byte(b[8:24])), wait*1e6)
}
