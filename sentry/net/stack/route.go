package stack

import (
	"maps"
	"net/netip"
	"slices"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/device"
)

// Route is an entry of a routing table.
type Route struct {
	Dst      netip.Prefix
	Gateway  netip.Addr // invalid: on the link
	Src      netip.Addr // preferred; may be invalid
	Link     int32
	Metric   uint32
	MTU      uint32
	Protocol uint8
	Scope    uint8
	Type     uint8 // RTN_
	Table    uint32
	Onlink   bool
}

// Path is how to get a packet to an address.
type Path struct {
	Src       netip.Addr
	Next      netip.Addr // on the link
	Link      int32
	MTU       int
	Local     bool // to ourselves
	Broadcast bool
	Multicast bool
	Offload   bool   // of TCP: checksums, and segments that are too long
	Table     uint32 // where the route was, 0 if that is not one of those that can be changed
}

// fib is what follows from interfaces and routes (net/ipv4/fib_frontend.c). It never changes.
type fib struct {
	view      *[]device.Link
	links     map[int32]*device.Link
	local     map[netip.Addr]int32 // our addresses, and the link of each
	nets      []localNet
	broadcast map[netip.Addr]int32
	routes    []Route // of the main table, more exact ones first
	tables    map[uint32][]Route
	rules     [2][]Rule // nil: the plain ones
	loopback  int32
	addrs     []linkAddr
	tentative []netip.Addr // which are not ours yet
}

type localNet struct {
	prefix netip.Prefix
	src    netip.Addr
	link   int32
}

type linkAddr struct {
	addr   netip.Addr
	prefix netip.Prefix
	link   int32
	scope  uint8
}

var limited = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// fib returns the tables as they are now.
func (s *Stack) fib() *fib {
	if f := s.fibNow.Load(); f != nil && f.view == s.Devices.View() {
		return f
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f := makeFib(s.Devices.View(), s.routes, s.rules)
	s.fibNow.Store(f)
	return f
}

func makeFib(view *[]device.Link, routes []Route, rules [2][]Rule) *fib {
	f := &fib{view: view, rules: rules, links: map[int32]*device.Link{}, local: map[netip.Addr]int32{}, broadcast: map[netip.Addr]int32{}}
	for i := range *view {
		l := &(*view)[i]
		f.links[l.Index] = l
		if l.Up() {
			f.addLink(l)
		}
	}
	for _, r := range routes {
		switch l := f.links[r.Link]; {
		case (l == nil || !l.Up()) && r.Type == linux.RTN_UNICAST:
		case r.Table == linux.RT_TABLE_MAIN:
			f.routes = append(f.routes, r)
		default:
			if f.tables == nil {
				f.tables = map[uint32][]Route{}
			}
			f.tables[r.Table] = append(f.tables[r.Table], r)
		}
	}
	order(f.routes)
	for _, list := range f.tables {
		order(list)
	}
	return f
}

// order puts more exact routes first.
func order(list []Route) {
	slices.SortStableFunc(list, func(a, b Route) int {
		if a.Dst.Bits() != b.Dst.Bits() {
			return b.Dst.Bits() - a.Dst.Bits()
		}
		return int(int64(a.Metric) - int64(b.Metric))
	})
}

// addLink adds what follows from an interface that is up and its addresses.
func (f *fib) addLink(l *device.Link) {
	if l.Loopback() {
		f.loopback = l.Index
	}
	for _, a := range l.Addrs {
		ip, ok := netip.AddrFromSlice(a.IP)
		if !ok {
			continue
		}
		other, _ := netip.AddrFromSlice(a.Network())
		p := netip.PrefixFrom(other, int(a.Prefix)).Masked()
		if a.Tentative {
			f.tentative = append(f.tentative, ip)
		} else {
			f.addrs = append(f.addrs, linkAddr{ip, p, l.Index, a.Scope})
			if _, dup := f.local[ip]; !dup {
				f.local[ip] = l.Index
			}
		}
		if ip.Is4() && a.Prefix < 31 {
			b := p.Addr().As4()
			for i := int(a.Prefix); i < 32; i++ {
				b[i/8] |= 0x80 >> (i % 8)
			}
			f.broadcast[netip.AddrFrom4(b)] = l.Index
		}
		if l.Loopback() && ip.Is4() && p.Bits() < 32 {
			f.nets = append(f.nets, localNet{p, ip, l.Index})
		} else if r, ok := Connected(l, a); ok {
			f.routes = append(f.routes, r)
		}
	}
}

// Connected is the route to the network that an address is in, if there is one.
func Connected(l *device.Link, a device.Addr) (r Route, ok bool) {
	ip, _ := netip.AddrFromSlice(a.IP)
	to, ok := netip.AddrFromSlice(a.Network())
	if !ok || a.NoRoute || int(a.Prefix) == ip.BitLen() && a.Peer == nil || l.Loopback() && ip.Is4() {
		return r, false
	}
	r = Route{Dst: netip.PrefixFrom(to, int(a.Prefix)).Masked(), Link: l.Index, Protocol: linux.RTPROT_KERNEL, Scope: linux.RT_SCOPE_LINK, Type: linux.RTN_UNICAST, Table: linux.RT_TABLE_MAIN}
	if ip.Is4() {
		r.Src = ip
	} else {
		r.Metric, r.Scope = 256, linux.RT_SCOPE_UNIVERSE
	}
	return r, true
}

// isLocal reports whether an address is one of ours, and on which link.
func (f *fib) isLocal(a netip.Addr) (src netip.Addr, link int32, ok bool) {
	if link, ok = f.local[a]; ok {
		return a, link, true
	}
	for i := range f.nets {
		if n := &f.nets[i]; n.prefix.Contains(a) {
			if _, bc := f.broadcast[a]; !bc {
				return n.src, n.link, true
			}
		}
	}
	return a, 0, false
}

// Local reports whether an address is one of ours.
func (s *Stack) Local(a netip.Addr) bool {
	_, _, ok := s.fib().isLocal(a)
	return ok
}

// IsBroadcast reports whether an address is that of everybody on a link.
func (s *Stack) IsBroadcast(a netip.Addr) bool {
	_, ok := s.fib().broadcast[a]
	return ok || a == limited
}

// LinkOf is the interface an address is on, 0 if it is not ours.
func (s *Stack) LinkOf(a netip.Addr) int32 {
	_, link, _ := s.fib().isLocal(a)
	return link
}

// FirstAddr is an address of an interface, of IPv6 or IPv4: invalid if it has none.
func (s *Stack) FirstAddr(link int32, v6 bool) netip.Addr {
	for _, a := range s.fib().addrs {
		if a.link == link && a.addr.Is6() == v6 {
			return a.addr
		}
	}
	return netip.Addr{}
}

// Path finds the way to dst: from src if it is valid, out of link if it is not 0. ENETUNREACH,
// EHOSTUNREACH, EACCES, EINVAL as the route says; EADDRNOTAVAIL without any address of IPv6.
func (s *Stack) Path(dst, src netip.Addr, link int32) (Path, linux.Errno) {
	f := s.fib()
	if from, l, ok := f.isLocal(dst); ok && (link == 0 || link == l || link == f.loopback) {
		p := Path{Src: src, Next: dst, Link: f.loopback, MTU: 65536, Local: true}
		if f.loopback == 0 {
			p.Link = l
		}
		if dev := f.links[f.loopback]; dev != nil {
			p.MTU = int(dev.MTU)
		}
		if !src.IsValid() {
			p.Src = from
		}
		return p, 0
	}
	return f.route(s, dst, src, link, 0)
}

// route is Path for what does not go to ourselves; in is where it came in, if it did.
func (f *fib) route(s *Stack, dst, src netip.Addr, link, in int32) (Path, linux.Errno) {
	switch {
	case dst.IsMulticast() || dst == limited:
		return f.pathMulticast(dst, src, link)
	case dst.Is4():
		if l, ok := f.broadcast[dst]; ok && (link == 0 || link == l) {
			return f.onLink(Path{Src: src, Next: dst, Link: l, Broadcast: true}, dst)
		}
	case dst.IsLinkLocalUnicast():
		if link == 0 {
			return Path{}, linux.EINVAL
		}
	}
	p, errno := f.pathUnicast(dst, src, link, in)
	if o, ok := s.port(p.Link).(Offloader); ok {
		p.Offload = o.Offload()
	}
	return p, errno
}

// SourceFor is the address that a question to a neighbour comes from.
func (s *Stack) SourceFor(a netip.Addr, link int32) netip.Addr {
	return s.fib().source(link, a, a)
}

func (f *fib) pathUnicast(dst, src netip.Addr, link, in int32) (Path, linux.Errno) {
	r, errno := f.find(dst, src, link, in)
	if errno != 0 && errno != linux.ENETUNREACH {
		return Path{}, errno
	}
	if r != nil {
		switch r.Type {
		case linux.RTN_UNREACHABLE:
			return Path{}, linux.EHOSTUNREACH
		case linux.RTN_PROHIBIT:
			return Path{}, linux.EACCES
		case linux.RTN_BLACKHOLE:
			return Path{}, linux.EINVAL
		case linux.RTN_UNICAST:
			p := Path{Src: src, Next: dst, Link: r.Link, MTU: int(r.MTU), Table: r.Table}
			if r.Gateway.IsValid() {
				p.Next = r.Gateway
			}
			if !src.IsValid() {
				p.Src = r.Src
			}
			return f.onLink(p, dst)
		}
	}
	if l := f.links[link]; link != 0 && l != nil && l.Up() && dst.Is4() {
		return f.onLink(Path{Src: src, Next: dst, Link: link}, dst)
	}
	if dst.Is6() && !src.IsValid() && !slices.ContainsFunc(f.addrs, func(a linkAddr) bool { return a.addr.Is6() }) {
		return Path{}, linux.EADDRNOTAVAIL // it is looked for an address first (ip6_route_get_saddr)
	}
	return Path{}, linux.ENETUNREACH
}

// pathMulticast needs a link: given, that of the source, or that of a route.
func (f *fib) pathMulticast(dst, src netip.Addr, link int32) (Path, linux.Errno) {
	p := Path{Src: src, Next: dst, Link: link, Multicast: dst != limited, Broadcast: dst == limited}
	if link == 0 && src.IsValid() {
		_, p.Link, _ = f.isLocal(src)
	}
	if p.Link == 0 {
		r, errno := f.pathUnicast(dst, src, 0, 0)
		if errno != 0 {
			if !dst.Is6() || f.multicast6() == 0 {
				return Path{}, errno
			}
			r = Path{Src: src, Link: f.multicast6()}
		}
		p.Link = r.Link
		if !p.Src.IsValid() {
			p.Src = r.Src
		}
	}
	if l := f.links[p.Link]; dst.Is6() && l != nil && l.Loopback() {
		return p, linux.ENETUNREACH // it has no route for groups
	}
	return f.onLink(p, dst)
}

// multicast6 is the interface that IPv6 sends to groups on if nobody says which: every one that
// is up has a route to ff00::/8.
func (f *fib) multicast6() int32 {
	for i := range *f.view {
		if l := &(*f.view)[i]; l.Up() && !l.Loopback() {
			return l.Index
		}
	}
	return 0
}

// onLink fills in what follows from the link: MTU, and an address of it as the source.
func (f *fib) onLink(p Path, dst netip.Addr) (Path, linux.Errno) {
	l := f.links[p.Link]
	if l == nil {
		return p, linux.ENODEV
	}
	if !l.Up() {
		return p, linux.ENETUNREACH
	}
	if p.MTU == 0 || p.MTU > int(l.MTU) {
		p.MTU = int(l.MTU)
	}
	if !p.Src.IsValid() {
		p.Src = f.source(p.Link, p.Next, dst)
	}
	if !p.Src.IsValid() {
		if dst.Is6() {
			return p, linux.EADDRNOTAVAIL
		}
		p.Src = netip.IPv4Unspecified()
	}
	return p, 0
}

// source chooses an address: on the link, in the same network, of a fitting scope (RFC 6724 in
// short); any other if the link has none.
func (f *fib) source(link int32, next, dst netip.Addr) (best netip.Addr) {
	score := -1
	for _, a := range f.addrs {
		if a.addr.Is6() != dst.Is6() {
			continue
		}
		n := 0
		if a.link == link {
			n += 8
		}
		if a.prefix.Contains(next) {
			n += 4
		}
		if a.addr.IsLinkLocalUnicast() == (dst.IsLinkLocalUnicast() || dst.IsLinkLocalMulticast()) {
			n += 2
		}
		if a.scope == linux.RT_SCOPE_HOST && a.link != link || a.addr.IsLinkLocalUnicast() && a.link != link {
			continue
		}
		if n > score {
			best, score = a.addr, n
		}
	}
	return best
}

// Routes returns all routes: those that follow from addresses, and those that were added.
func (s *Stack) Routes() []Route {
	f := s.fib()
	out := f.routes
	for _, t := range slices.Sorted(maps.Keys(f.tables)) {
		out = append(slices.Clip(out), f.tables[t]...)
	}
	return out
}

// changed drops the routes that an interface, or an address, has taken with it (fib_netdev_event, fib_inetaddr_event).
func (s *Stack) changed(e *device.Event) {
	if ip, ok := netip.AddrFromSlice(e.Addr.IP); ok && ip.Is6() && e.Kind == device.AddrAdded && e.Link.Kind != "" {
		s.changedGroup(report{link: e.Link.Index, group: Solicited(ip), mode: true})
	}
	const running = linux.IFF_UP | linux.IFF_RUNNING
	switch ip, _ := netip.AddrFromSlice(e.Addr.IP); {
	case e.Kind == device.AddrAdded && e.Addr.Tentative:
		s.verify(e.Link.Index, ip)
	case e.Kind == device.Changed && e.Link.Flags&running == running && e.Was&running != running:
		s.verifyAll(&e.Link)
	case e.Kind == device.AddrGone && e.Addr.Tentative:
		s.uncheck(e.Link.Index, ip)
	}
	down := e.Kind == device.Gone || e.Kind == device.Changed && e.Was&^e.Link.Flags&linux.IFF_UP != 0
	if !down && e.Kind != device.AddrGone {
		return
	}
	src, _ := netip.AddrFromSlice(e.Addr.IP)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.routes = slices.DeleteFunc(slices.Clone(s.routes), func(r Route) bool {
		return r.Link == e.Link.Index && down && r.Type == linux.RTN_UNICAST || e.Kind == device.AddrGone && src.IsValid() && r.Src == src
	})
	s.fibNow.Store(nil)
}

// AddRoute adds a route: EEXIST if one is there already, unless it is replaced.
func (s *Stack) AddRoute(r Route, replace bool) linux.Errno {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.Dst = r.Dst.Masked()
	for i, o := range s.routes {
		if o.Dst == r.Dst && o.Metric == r.Metric && o.Table == r.Table {
			if !replace {
				return linux.EEXIST
			}
			s.routes = slices.Delete(slices.Clone(s.routes), i, i+1)
			break
		}
	}
	if len(s.routes) >= maxRoutes {
		return linux.ENOBUFS
	}
	s.routes = append(slices.Clip(s.routes), r)
	s.fibNow.Store(nil)
	return 0
}

const maxRoutes = 4096

// DelRoute takes one away that is like r in what r says: ESRCH.
func (s *Stack) DelRoute(r Route) linux.Errno {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, o := range s.routes {
		if o.Dst == r.Dst.Masked() && o.Table == r.Table && (r.Link == 0 || r.Link == o.Link) && (!r.Gateway.IsValid() || r.Gateway == o.Gateway) && (r.Metric == 0 || r.Metric == o.Metric) &&
			(r.Scope == linux.RT_SCOPE_NOWHERE || r.Scope == o.Scope || o.Dst.Addr().Is6()) && (r.Type == 0 || r.Type == o.Type) && (r.Protocol == 0 || r.Protocol == o.Protocol) {
			s.routes = slices.Delete(slices.Clone(s.routes), i, i+1)
			s.fibNow.Store(nil)
			return 0
		}
	}
	return linux.ESRCH
}
