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
// (RFC 3810), when a group is joined or left or other sources are wanted, twice, and when they ask. Who asks by an older version gets
// the answer of the newer.

// reports are those that are still to be sent.
type reports struct {
	mu    sync.Mutex
	timer Timer
	due   []report
}

// report is what is to be told: of a change, or as an answer.
type report struct {
	at      int64
	link    int32
	group   netip.Addr // invalid: all of a version
	v6      bool
	change  bool
	mode    bool         // with change: whether sources are those that are wanted or those that are not is new
	sources []netip.Addr // with change: those that are new; without: those that are asked about, nil for all
}

// record is what is told of one group (RFC 3376 4.2.4).
type record struct {
	typ     uint8
	group   netip.Addr
	sources []netip.Addr
}

// Types of records (RFC 3376 4.2.12).
const (
	modeIsInclude   = 1
	modeIsExclude   = 2
	changeToInclude = 3
	changeToExclude = 4
	allowNewSources = 5
	blockOldSources = 6
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

// changedGroup tells of a change, now and once more, with what is still to be said of earlier ones (RFC 3376 5.1).
func (s *Stack) changedGroup(v report) {
	l := s.Link(v.link)
	if l == nil || l.Loopback() || !l.Up() || !told(v.group) {
		return
	}
	v.change, v.v6 = true, v.group.Is6()
	r := &s.reports
	r.mu.Lock()
	r.due = slices.DeleteFunc(r.due, func(o report) bool {
		same := o.link == v.link && o.group == v.group
		if same && o.change {
			v.mode = v.mode || o.mode
			v.sources = union(v.sources, o.sources)
		}
		return same
	})
	r.mu.Unlock()
	s.sendReport(v.link, v.v6, s.records(&v, v.group))
	v.at = s.Clock.Now() + rand.Int64N(repeatTime)
	s.reportAt(v)
}

// maxSources is how many sources are remembered until something is told of them.
const maxSources = 256

// union is the sources of both.
func union(a, b []netip.Addr) []netip.Addr {
	for _, src := range b {
		if !slices.Contains(a, src) && len(a) < maxSources {
			a = append(a, src)
		}
	}
	return a
}

// records is what v says of a group, as it is now.
func (s *Stack) records(v *report, g netip.Addr) (all []record) {
	w := s.groups.wanted(v.link, g)
	if s.solicited(g) {
		w = Wanted{Exclude: true}
	}
	var yes, no []netip.Addr
	for _, src := range v.sources {
		if w.passes(src) {
			yes = append(yes, src)
		} else {
			no = append(no, src)
		}
	}
	add := func(typ uint8, sources []netip.Addr) { all = append(all, record{typ, g, sources}) }
	switch {
	case v.change && v.mode && w.Exclude:
		add(changeToExclude, w.Sources)
	case v.change && v.mode:
		add(changeToInclude, w.Sources)
	case v.change:
		if len(yes) > 0 {
			add(allowNewSources, yes)
		}
		if len(no) > 0 {
			add(blockOldSources, no)
		}
	case v.sources != nil && len(yes) > 0:
		add(modeIsInclude, yes)
	case v.sources != nil:
	case w.Exclude:
		add(modeIsExclude, w.Sources)
	case len(w.Sources) > 0:
		add(modeIsInclude, w.Sources)
	}
	return all
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
	s.Clock.Set(&s.reports.timer, soonest(s.reports.due, func(v *report) int64 { return v.at }))
}

// soonest is the first of the times of a list, 0 if it is empty.
func soonest[T any](list []T, at func(*T) int64) (first int64) {
	for i := range list {
		if t := at(&list[i]); first == 0 || t < first {
			first = t
		}
	}
	return first
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
		var all []record
		for _, g := range groups {
			all = append(all, s.records(&v, g)...)
		}
		s.sendReport(v.link, v.v6, all)
	}
}

// reportRoom is how much of records goes into one report.
const reportRoom = 1200

// sendReport sends what is said of groups, in as many reports as it takes. Of sources that are not wanted those that do not fit are
// left out (RFC 3376 4.2.16).
func (s *Stack) sendReport(link int32, v6 bool, all []record) {
	size := 4
	if v6 {
		size = 16
	}
	most := (reportRoom - 4 - size) / size
	head := []byte{igmpReport, 0, 0, 0, 0, 0, 0, 0}
	b := head
	flush := func() {
		switch {
		case len(b) == len(head):
		case v6:
			s.sendMLD(link, b)
		default:
			s.sendIGMP(link, b)
		}
		b = slices.Clone(head)
	}
	b = slices.Clone(head)
	for _, r := range all {
		for first := true; first || len(r.sources) > 0; first = false {
			n := min(len(r.sources), most)
			if b[7] == recordsEach || len(b)+4+size*(n+1) > reportRoom+len(head) {
				flush()
			}
			b[7]++
			b = append(append(b, r.typ, 0, byte(n>>8), byte(n)), r.group.AsSlice()...)
			for _, src := range r.sources[:n] {
				b = append(b, src.AsSlice()...)
			}
			if r.sources = r.sources[n:]; r.typ == modeIsExclude || r.typ == changeToExclude {
				break
			}
		}
	}
	flush()
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
	i.s.asked(p.Link, g, askedSources(b[8:], 4), max(wait, 1)*1e8)
	return true
}

// Failed is Handler's.
func (igmp) Failed(*header.IP, []byte, Failure) {}

// askedSources are those that a question is about: nil for all (RFC 3376 4.1). b is what follows the group.
func askedSources(b []byte, size int) (sources []netip.Addr) {
	if len(b) < 4 {
		return nil
	}
	n := int(binary.BigEndian.Uint16(b[2:]))
	for b = b[4:]; n > 0 && len(b) >= size && len(sources) < maxSources; n-- {
		src, _ := netip.AddrFromSlice(b[:size])
		sources, b = append(sources, src), b[size:]
	}
	return sources
}

// asked answers a question for a group, or all if it is none, within some time. Several about one group have one answer.
func (s *Stack) asked(link int32, g netip.Addr, sources []netip.Addr, within int64) {
	v := report{link: link, v6: g.Is6()}
	if !g.IsUnspecified() {
		if !g.IsMulticast() || !told(g) || !s.groups.joined(link, g) && !s.solicited(g) {
			return
		}
		v.group, v.sources = g, sources
	}
	r := &s.reports
	r.mu.Lock()
	known := slices.IndexFunc(r.due, func(o report) bool { return !o.change && o.link == link && o.group == v.group && o.v6 == v.v6 })
	if known >= 0 {
		if o := &r.due[known]; v.sources == nil || o.sources == nil {
			o.sources = nil
		} else {
			o.sources = union(o.sources, v.sources)
		}
	}
	r.mu.Unlock()
	if known >= 0 {
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
	s.asked(p.Link, netip.AddrFrom16([16]byte(b[8:24])), askedSources(b[24:], 16), wait*1e6)
}
