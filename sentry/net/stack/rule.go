package stack

import (
	"net/netip"
	"slices"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/device"
)

// Rule says for which packets a route is looked for in a table (net/core/fib_rules.c).
type Rule struct {
	Priority uint32
	Given    bool // Priority was
	Src, Dst netip.Prefix
	In, Out  string // interfaces; what we send comes in by lo
	Invert   bool
	Table    uint32
	Action   uint8 // RTN_ of rules that lead nowhere; 0: look in the table
	Protocol uint8
}

const maxRules = 1024

// plainRules are those that every namespace begins with.
func plainRules(v6 bool) []Rule {
	list := []Rule{
		{Priority: 0, Table: linux.RT_TABLE_LOCAL, Protocol: linux.RTPROT_KERNEL},
		{Priority: 32766, Table: linux.RT_TABLE_MAIN, Protocol: linux.RTPROT_KERNEL},
	}
	if !v6 {
		list = append(list, Rule{Priority: 32767, Table: linux.RT_TABLE_DEFAULT, Protocol: linux.RTPROT_KERNEL})
	}
	return list
}

func version(v6 bool) int {
	if v6 {
		return 1
	}
	return 0
}

// Rules are those of IPv6 or IPv4, in order.
func (s *Stack) Rules(v6 bool) []Rule {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rulesLocked(v6)
}

func (s *Stack) rulesLocked(v6 bool) []Rule {
	if r := s.rules[version(v6)]; r != nil {
		return r
	}
	return plainRules(v6)
}

// AddRule adds a rule, whose priority is chosen if it was not given: EEXIST if there is such a one and it must be new, ENOBUFS.
func (s *Stack) AddRule(r *Rule, v6, exclusive bool) linux.Errno {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.rulesLocked(v6)
	if !r.Given && len(list) > 1 && list[1].Priority > 0 {
		r.Priority = list[1].Priority - 1
	}
	if exclusive && slices.ContainsFunc(list, func(o Rule) bool { return r.same(&o) && o.Priority == r.Priority }) {
		return linux.EEXIST
	}
	if len(list) >= maxRules {
		return linux.ENOBUFS
	}
	at := 0
	for at < len(list) && list[at].Priority <= r.Priority {
		at++
	}
	s.rules[version(v6)] = slices.Insert(slices.Clone(list), at, *r)
	s.fibNow.Store(nil)
	return 0
}

func (r *Rule) same(o *Rule) bool {
	return r.Src == o.Src && r.Dst == o.Dst && r.In == o.In && r.Out == o.Out && r.Invert == o.Invert && r.Table == o.Table && r.Action == o.Action
}

// DelRule takes the first away that is like r in what r says: ENOENT.
func (s *Stack) DelRule(r *Rule, v6 bool) linux.Errno {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.rulesLocked(v6)
	for i, o := range list {
		if r.Given && r.Priority != o.Priority || r.Src.IsValid() && r.Src != o.Src || r.Dst.IsValid() && r.Dst != o.Dst ||
			r.Table != 0 && r.Table != o.Table || r.In != "" && r.In != o.In || r.Out != "" && r.Out != o.Out || r.Action != 0 && r.Action != o.Action {
			continue
		}
		*r = o
		s.rules[version(v6)] = slices.Delete(slices.Clone(list), i, i+1)
		s.fibNow.Store(nil)
		return 0
	}
	return linux.ENOENT
}

// applies reports whether a rule is for a packet.
func (r *Rule) applies(f *fib, dst, src netip.Addr, out, in int32) bool {
	named := func(name string, index int32) bool {
		l := f.links[index]
		return l != nil && l.Name == name
	}
	if in == 0 {
		in = f.loopback
	}
	ok := (!r.Dst.IsValid() || r.Dst.Contains(dst)) && (!r.Src.IsValid() || src.IsValid() && r.Src.Contains(src)) &&
		(r.In == "" || named(r.In, in)) && (r.Out == "" || named(r.Out, out))
	return ok != r.Invert
}

// find finds the route of a packet that does not go to ourselves.
func (f *fib) find(dst, src netip.Addr, link, in int32) (*Route, linux.Errno) {
	rules := f.rules[version(dst.Is6())]
	if rules == nil { // the plain ones
		if r := lookup(f.routes, dst, link); r != nil {
			return r, 0
		}
		if more := f.tables[linux.RT_TABLE_DEFAULT]; more != nil {
			if r := lookup(more, dst, link); r != nil {
				return r, 0
			}
		}
		return nil, linux.ENETUNREACH
	}
	for i := range rules {
		r := &rules[i]
		if r.Table == linux.RT_TABLE_LOCAL && r.Action == 0 || !r.applies(f, dst, src, link, in) {
			continue
		}
		switch r.Action {
		case linux.RTN_BLACKHOLE:
			return nil, linux.EINVAL
		case linux.RTN_UNREACHABLE:
			return nil, linux.ENETUNREACH
		case linux.RTN_PROHIBIT:
			return nil, linux.EACCES
		}
		list := f.tables[r.Table]
		if r.Table == linux.RT_TABLE_MAIN {
			list = f.routes
		}
		if found := lookup(list, dst, link); found != nil && found.Type != linux.RTN_THROW {
			return found, 0
		}
	}
	return nil, linux.ENETUNREACH
}

// lookup finds the most exact route in a table.
func lookup(list []Route, dst netip.Addr, link int32) *Route {
	for i := range list {
		r := &list[i]
		if r.Dst.Contains(dst) && (r.Type != linux.RTN_UNICAST || link == 0 || r.Link == link) {
			return r
		}
	}
	return nil
}

// Groups are those that an interface listens to.
func (s *Stack) Groups(l *device.Link) (out []netip.Addr) {
	if !l.NoIPv6 {
		out = append(out, allNodes)
	}
	if l.Up() {
		out = append(out, allHosts)
	}
	for _, a := range l.Addrs {
		if ip, ok := netip.AddrFromSlice(a.IP); ok && ip.Is6() && l.Flags&(linux.IFF_LOOPBACK|linux.IFF_NOARP) == 0 { // addrconf_join_solict
			out = append(out, Solicited(ip))
		}
	}
	s.groups.mu.RLock()
	defer s.groups.mu.RUnlock()
	at := len(out)
	for k := range s.groups.of {
		if k.link == l.Index {
			out = append(out, k.group)
		}
	}
	slices.SortFunc(out[at:], netip.Addr.Compare)
	return out
}

var (
	allHosts = netip.AddrFrom4([4]byte{224, 0, 0, 1})
	allNodes = netip.AddrFrom16([16]byte{0: 0xff, 1: 2, 15: 1})
)

// Solicited is the group to which questions for an address are sent (RFC 4291 2.7.1).
func Solicited(a netip.Addr) netip.Addr {
	b := a.As16()
	return netip.AddrFrom16([16]byte{0: 0xff, 1: 2, 11: 1, 12: 0xff, 13: b[13], 14: b[14], 15: b[15]})
}
