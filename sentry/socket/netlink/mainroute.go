package netlink

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/device"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// Routes of the main table (fib_dump_info, rt6_fill_node).

// putMain describes the routes of a family, or all.
func putMain(r *reply, h linux.Nlmsghdr, links []device.Link, routes []stack.Route, family uint8, flush func()) {
	down := map[int32]bool{}
	for i := range links {
		down[links[i].Index] = links[i].NoCarrier
	}
	routes = slices.Clone(routes)
	slices.SortStableFunc(routes, func(a, b stack.Route) int { // as the trie has them (fib_table_dump)
		if a.Dst.Addr().Is6() || b.Dst.Addr().Is6() || a.Table != b.Table {
			return cmp.Or(cmp.Compare(familyOf(a.Dst.Addr()), familyOf(b.Dst.Addr())), -cmp.Compare(a.Table, b.Table))
		}
		return cmp.Or(a.Dst.Addr().Compare(b.Dst.Addr()), cmp.Compare(b.Dst.Bits(), a.Dst.Bits()), cmp.Compare(a.Metric, b.Metric))
	})
	for i := range routes {
		if f := familyOf(routes[i].Dst.Addr()); family == linux.AF_UNSPEC || family == f {
			putStackRoute(r, h, &routes[i], down[routes[i].Link])
			flush()
		}
	}
}

func familyOf(a netip.Addr) uint8 {
	if a.Is4() {
		return linux.AF_INET
	}
	return linux.AF_INET6
}

// putStackRoute describes a route; down says that its interface has no carrier.
func putStackRoute(r *reply, h linux.Nlmsghdr, v *stack.Route, down bool) {
	if h.Type == 0 {
		h.Type = linux.RTM_NEWROUTE
	}
	family := familyOf(v.Dst.Addr())
	m := linux.Rtmsg{Family: family, DstLen: uint8(v.Dst.Bits()), Table: uint8(v.Table), Protocol: v.Protocol, Scope: v.Scope, Type: v.Type}
	if v.Table > 255 {
		m.Table = 252 // RT_TABLE_COMPAT
	}
	if down {
		m.Flags |= linux.RTNH_F_LINKDOWN
	}
	if v.Onlink {
		m.Flags |= linux.RTNH_F_ONLINK
	}
	begin(r, h, &m)
	r.attr32(linux.RTA_TABLE, v.Table)
	if v.Dst.Bits() > 0 {
		r.attr(linux.RTA_DST, v.Dst.Addr().AsSlice()...)
	}
	if v.Metric != 0 || family == linux.AF_INET6 {
		r.attr32(linux.RTA_PRIORITY, v.Metric)
	}
	if v.Gateway.IsValid() {
		r.attr(linux.RTA_GATEWAY, v.Gateway.AsSlice()...)
	}
	if v.Src.IsValid() {
		r.attr(linux.RTA_PREFSRC, v.Src.AsSlice()...)
	}
	if v.Link != 0 {
		r.attr32(linux.RTA_OIF, uint32(v.Link))
	}
	if v.MTU != 0 {
		r.nest(linux.RTA_METRICS, func() { r.attr32(linux.RTAX_MTU, v.MTU) })
	}
	if family == linux.AF_INET6 {
		r.attr(linux.RTA_PREF, 0)
	}
	r.end()
}

// parseRoute takes a request about a route apart (rtm_to_fib_config): EINVAL, EOPNOTSUPP for another table.
func parseRoute(q *request) (v stack.Route, errno linux.Errno) {
	var m linux.Rtmsg
	if !usermem.Decode(q.body, &m) {
		return v, linux.EINVAL
	}
	at := attrs(q.body[12:])
	dst, bits := netip.IPv4Unspecified(), 32
	switch m.Family {
	case linux.AF_INET:
	case linux.AF_INET6:
		dst, bits = netip.IPv6Unspecified(), 128
	default:
		return v, linux.EOPNOTSUPP
	}
	if int(m.DstLen) > bits {
		return v, linux.EINVAL
	}
	table := uint32(m.Table)
	if b := at[linux.RTA_TABLE]; len(b) >= 4 {
		table = binary.LittleEndian.Uint32(b)
	}
	switch table {
	case 0:
		table = linux.RT_TABLE_MAIN
	case linux.RT_TABLE_LOCAL: // what is in it follows from addresses
		return v, linux.EOPNOTSUPP
	}
	ip := func(typ uint16) (a netip.Addr) {
		if b := at[typ]; len(b)*8 == bits {
			a, _ = netip.AddrFromSlice(b)
		}
		return a
	}
	if a := ip(linux.RTA_DST); a.IsValid() {
		dst = a
	}
	v = stack.Route{Dst: netip.PrefixFrom(dst, int(m.DstLen)), Gateway: ip(linux.RTA_GATEWAY), Src: ip(linux.RTA_PREFSRC), Protocol: m.Protocol, Scope: m.Scope, Type: m.Type, Table: table, Onlink: m.Flags&linux.RTNH_F_ONLINK != 0}
	if b := at[linux.RTA_OIF]; len(b) >= 4 {
		v.Link = int32(binary.LittleEndian.Uint32(b))
	}
	if b := attrs(at[linux.RTA_METRICS])[linux.RTAX_MTU]; len(b) >= 4 {
		v.MTU = binary.LittleEndian.Uint32(b)
	}
	if b := at[linux.RTA_PRIORITY]; len(b) >= 4 {
		v.Metric = binary.LittleEndian.Uint32(b)
	}
	return v, 0
}

// changeRoute adds or removes a route: ENETUNREACH if its gateway is not on a link, ENODEV.
func (s *Socket) changeRoute(q *request) linux.Errno {
	v, errno := parseRoute(q)
	if errno != 0 {
		return errno
	}
	st := socket.Stack(s.NS)
	if st.Devices.Fixed() {
		return linux.EPERM
	}
	group := uint(linux.RTNLGRP_IPV4_ROUTE)
	if v.Dst.Addr().Is6() {
		group = linux.RTNLGRP_IPV6_ROUTE
	}
	if q.Type == linux.RTM_DELROUTE {
		if errno := st.DelRoute(v); errno != 0 {
			return errno
		}
	} else if errno := s.addRoute(q, st, &v); errno != 0 {
		return errno
	}
	s.ports.tell(group, func(r *reply) { putStackRoute(r, linux.Nlmsghdr{Type: q.Type}, &v, false) })
	return 0
}

// addRoute adds a route once it is complete.
func (s *Socket) addRoute(q *request, st *stack.Stack, v *stack.Route) linux.Errno {
	if v.Type == linux.RTN_UNSPEC {
		v.Type = linux.RTN_UNICAST
	}
	if v.Dst.Addr().Is6() && v.Metric == 0 {
		v.Metric = 1024
	}
	if v.Dst != v.Dst.Masked() && v.Dst.Addr().Is4() {
		return q.because(linux.EINVAL, "Invalid prefix for given prefix length")
	}
	if v.Gateway.IsValid() && !v.Onlink && v.Type == linux.RTN_UNICAST {
		p, errno := st.Path(v.Gateway, netip.Addr{}, v.Link)
		if errno != 0 || p.Local || p.Next != v.Gateway {
			return q.because(linux.ENETUNREACH, "Nexthop has invalid gateway")
		}
		v.Link = p.Link
	}
	if v.Src.IsValid() && !st.Local(v.Src) {
		return q.because(linux.EINVAL, "Invalid prefsrc address")
	}
	if v.Type == linux.RTN_UNICAST {
		l, errno := socket.Devices(s.NS).Find(v.Link, "")
		switch {
		case v.Link == 0 || errno != 0:
			return linux.ENODEV
		case !l.Up():
			return q.because(linux.ENETDOWN, "Device for nexthop is not up")
		}
	}
	return st.AddRoute(*v, q.Flags&linux.NLM_F_REPLACE != 0)
}

// getRoute says how a packet would go (ip route get).
func (s *Socket) getRoute(q *request) linux.Errno {
	var m linux.Rtmsg
	if !usermem.Decode(q.body, &m) {
		return linux.EINVAL
	}
	at := attrs(q.body[12:])
	if errno := s.strictRoute(&m, at); errno != 0 {
		return errno
	}
	dst, ok := netip.AddrFromSlice(at[linux.RTA_DST])
	if at[linux.RTA_DST] == nil && m.Family == linux.AF_INET {
		dst, ok = netip.IPv4Unspecified(), true
	}
	if !ok || familyOf(dst) != m.Family {
		return linux.EINVAL
	}
	src, _ := netip.AddrFromSlice(at[linux.RTA_SRC])
	link := int32(0)
	if b := at[linux.RTA_OIF]; len(b) >= 4 {
		link = int32(binary.LittleEndian.Uint32(b))
	}
	to := dst
	if dst.Is4() && dst.IsUnspecified() { // ourselves (ip_route_output_key_hash_rcu)
		to = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	p, errno := socket.Stack(s.NS).Path(to, src, link)
	if errno != 0 {
		return errno
	}
	m = linux.Rtmsg{Family: m.Family, DstLen: uint8(dst.BitLen()), Table: linux.RT_TABLE_MAIN, Type: linux.RTN_UNICAST, Flags: linux.RTM_F_CLONED}
	switch {
	case p.Local:
		m.Type, m.Flags = linux.RTN_LOCAL, m.Flags|1<<31 // RTCF_LOCAL
	case p.Multicast:
		m.Type, m.Flags = linux.RTN_MULTICAST, m.Flags|1<<29
	case p.Broadcast:
		m.Type, m.Flags = linux.RTN_BROADCAST, m.Flags|1<<28
	}
	table := uint32(linux.RT_TABLE_MAIN)
	if p.Table != 0 {
		table = p.Table
		m.Table = uint8(min(table, 252))
		if table < 256 {
			m.Table = uint8(table)
		}
	}
	var r reply
	begin(&r, linux.Nlmsghdr{Type: linux.RTM_NEWROUTE, Seq: q.Seq, PID: s.port}, &m)
	r.attr32(linux.RTA_TABLE, table)
	r.attr(linux.RTA_DST, dst.AsSlice()...)
	if p.Link != 0 {
		r.attr32(linux.RTA_OIF, uint32(p.Link))
	}
	if src.IsValid() {
		r.buf[r.start+sizeofHdr+2] = uint8(src.BitLen())
		r.attr(linux.RTA_SRC, src.AsSlice()...)
	} else if p.Src.IsValid() {
		r.attr(linux.RTA_PREFSRC, p.Src.AsSlice()...)
	}
	if p.Next != to {
		r.attr(linux.RTA_GATEWAY, p.Next.AsSlice()...)
	}
	if dst.Is4() {
		r.attr32(linux.RTA_UID, 0)
	} else {
		r.attr(linux.RTA_PREF, 0)
	}
	r.attr(linux.RTA_CACHEINFO, make([]byte, 32)...)
	r.end()
	s.put(message{data: r.buf, cred: &socket.Cred{}})
	return 0
}
