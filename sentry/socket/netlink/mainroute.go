package netlink

import (
	"encoding/binary"
	"net/netip"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// Routes of the main table (fib_dump_info, rt6_fill_node).

// putMain describes the routes of a family, or all.
func putMain(r *reply, h linux.Nlmsghdr, routes []stack.Route, family uint8, flush func()) {
	for i := range routes {
		if f := familyOf(routes[i].Dst.Addr()); family == linux.AF_UNSPEC || family == f {
			putStackRoute(r, h, &routes[i])
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

func putStackRoute(r *reply, h linux.Nlmsghdr, v *stack.Route) {
	h.Type = linux.RTM_NEWROUTE
	family := familyOf(v.Dst.Addr())
	begin(r, h, &linux.Rtmsg{Family: family, DstLen: uint8(v.Dst.Bits()), Table: linux.RT_TABLE_MAIN, Protocol: v.Protocol, Scope: v.Scope, Type: v.Type})
	r.attr32(linux.RTA_TABLE, linux.RT_TABLE_MAIN)
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
	if b := at[linux.RTA_TABLE]; len(b) >= 4 && binary.LittleEndian.Uint32(b) != linux.RT_TABLE_MAIN || len(b) < 4 && m.Table != linux.RT_TABLE_MAIN && m.Table != 0 {
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
	v = stack.Route{Dst: netip.PrefixFrom(dst, int(m.DstLen)), Gateway: ip(linux.RTA_GATEWAY), Src: ip(linux.RTA_PREFSRC), Protocol: m.Protocol, Scope: m.Scope, Type: m.Type, Table: linux.RT_TABLE_MAIN}
	if b := at[linux.RTA_OIF]; len(b) >= 4 {
		v.Link = int32(binary.LittleEndian.Uint32(b))
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
	if q.Type == linux.RTM_DELROUTE {
		return st.DelRoute(v)
	}
	if v.Type == linux.RTN_UNSPEC {
		v.Type = linux.RTN_UNICAST
	}
	if v.Dst.Addr().Is6() && v.Metric == 0 {
		v.Metric = 1024
	}
	if v.Link == 0 && v.Gateway.IsValid() {
		p, errno := st.Path(v.Gateway, netip.Addr{}, 0)
		if errno != 0 || p.Local {
			return linux.ENETUNREACH
		}
		v.Link = p.Link
	}
	if v.Type == linux.RTN_UNICAST {
		l, errno := socket.Devices(s.NS).Find(v.Link, "")
		switch {
		case v.Link == 0 || errno != 0:
			return linux.ENODEV
		case !l.Up():
			return linux.ENETDOWN
		}
	}
	return st.AddRoute(v, q.Flags&linux.NLM_F_REPLACE != 0)
}

// getRoute says how a packet would go (ip route get).
func (s *Socket) getRoute(q *request) linux.Errno {
	var m linux.Rtmsg
	if !usermem.Decode(q.body, &m) {
		return linux.EINVAL
	}
	at := attrs(q.body[12:])
	dst, ok := netip.AddrFromSlice(at[linux.RTA_DST])
	if !ok || familyOf(dst) != m.Family {
		return linux.EINVAL
	}
	src, _ := netip.AddrFromSlice(at[linux.RTA_SRC])
	link := int32(0)
	if b := at[linux.RTA_OIF]; len(b) >= 4 {
		link = int32(binary.LittleEndian.Uint32(b))
	}
	p, errno := socket.Stack(s.NS).Path(dst, src, link)
	if errno != 0 {
		return errno
	}
	typ := uint8(linux.RTN_UNICAST)
	switch {
	case p.Local:
		typ = linux.RTN_LOCAL
	case p.Multicast:
		typ = linux.RTN_MULTICAST
	case p.Broadcast:
		typ = linux.RTN_BROADCAST
	}
	v := stack.Route{Dst: netip.PrefixFrom(dst, dst.BitLen()), Src: p.Src, Link: p.Link, Type: typ}
	if p.Next != dst {
		v.Gateway = p.Next
	}
	var r reply
	putStackRoute(&r, linux.Nlmsghdr{Seq: q.Seq, PID: s.port}, &v)
	s.put(message{data: r.buf, cred: &socket.Cred{}})
	return 0
}
