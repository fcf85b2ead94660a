package netlink

import (
	"encoding/binary"
	"net/netip"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// Rules, which say in which tables a route is looked for (net/core/fib_rules.c). struct fib_rule_hdr is laid out as struct rtmsg.

// putRules describes the rules of a family, or all.
func putRules(r *reply, h linux.Nlmsghdr, st *stack.Stack, family uint8, flush func()) {
	for _, f := range []uint8{linux.AF_INET, linux.AF_INET6} {
		if family != linux.AF_UNSPEC && family != f {
			continue
		}
		for _, v := range st.Rules(f == linux.AF_INET6) {
			putRule(r, h, &v, f)
			flush()
		}
	}
}

// putRule describes one (fib_nl_fill_rule).
func putRule(r *reply, h linux.Nlmsghdr, v *stack.Rule, family uint8) {
	if h.Type == 0 {
		h.Type = linux.RTM_NEWRULE
	}
	m := linux.Rtmsg{Family: family, Type: linux.FR_ACT_TO_TBL, Table: uint8(min(v.Table, 252))}
	if v.Table < 256 {
		m.Table = uint8(v.Table)
	}
	if v.Action != 0 {
		m.Type = v.Action
	}
	if v.Dst.IsValid() {
		m.DstLen = uint8(v.Dst.Bits())
	}
	if v.Src.IsValid() {
		m.SrcLen = uint8(v.Src.Bits())
	}
	begin(r, h, &m)
	r.attr32(linux.RTA_TABLE, v.Table)
	r.attr32(linux.FRA_SUPPRESS_PREFIXLEN, 1<<32-1)
	r.attr(linux.FRA_PROTOCOL, v.Protocol)
	if v.Priority != 0 {
		r.attr32(linux.FRA_PRIORITY, v.Priority)
	}
	if v.In != "" {
		r.str(linux.FRA_IIFNAME, v.In)
	}
	if v.Out != "" {
		r.str(linux.FRA_OIFNAME, v.Out)
	}
	if v.Dst.IsValid() {
		r.attr(linux.FRA_DST, v.Dst.Addr().AsSlice()...)
	}
	if v.Src.IsValid() {
		r.attr(linux.FRA_SRC, v.Src.Addr().AsSlice()...)
	}
	r.end()
}

// parseRule takes a request apart: EINVAL, EOPNOTSUPP for what rules here do not look at.
func parseRule(q *request) (v stack.Rule, v6 bool, errno linux.Errno) {
	var m linux.Rtmsg
	if !usermem.Decode(q.body, &m) {
		return v, false, linux.EINVAL
	}
	at := attrs(q.body[12:])
	bits := 32
	switch m.Family {
	case linux.AF_INET:
	case linux.AF_INET6:
		v6, bits = true, 128
	default:
		return v, false, linux.EOPNOTSUPP
	}
	prefix := func(typ uint16, n uint8) (p netip.Prefix, ok bool) {
		if n == 0 {
			return p, true
		}
		a, ok := netip.AddrFromSlice(at[typ])
		if !ok || a.BitLen() != bits || int(n) > bits {
			return p, false
		}
		return netip.PrefixFrom(a, int(n)).Masked(), true
	}
	var ok1, ok2 bool
	v.Src, ok1 = prefix(linux.FRA_SRC, m.SrcLen)
	v.Dst, ok2 = prefix(linux.FRA_DST, m.DstLen)
	if !ok1 || !ok2 || m.Tos != 0 {
		return v, v6, linux.EINVAL
	}
	v.Table = uint32(m.Table)
	if b := at[linux.RTA_TABLE]; len(b) >= 4 {
		v.Table = binary.LittleEndian.Uint32(b)
	}
	if b := at[linux.FRA_PRIORITY]; len(b) >= 4 {
		v.Priority, v.Given = binary.LittleEndian.Uint32(b), true
	}
	if b := at[linux.FRA_PROTOCOL]; len(b) >= 1 {
		v.Protocol = b[0]
	}
	v.In, v.Out = str(at[linux.FRA_IIFNAME]), str(at[linux.FRA_OIFNAME])
	v.Invert = m.Flags&linux.FIB_RULE_INVERT != 0
	switch m.Type {
	case linux.FR_ACT_TO_TBL, 0:
	case linux.RTN_BLACKHOLE, linux.RTN_UNREACHABLE, linux.RTN_PROHIBIT:
		v.Action = m.Type
	default:
		return v, v6, linux.EOPNOTSUPP
	}
	for _, typ := range []uint16{linux.FRA_FWMARK, linux.FRA_UID_RANGE, linux.FRA_IP_PROTO, linux.FRA_SPORT_RANGE, linux.FRA_DPORT_RANGE} {
		if at[typ] != nil {
			return v, v6, linux.EOPNOTSUPP
		}
	}
	return v, v6, 0
}

// changeRule adds a rule or takes one away (fib_nl_newrule, fib_nl_delrule).
func (s *Socket) changeRule(q *request) linux.Errno {
	v, v6, errno := parseRule(q)
	if errno != 0 {
		return errno
	}
	st := socket.Internet(s.NS)
	if st.Devices.Fixed() {
		return linux.EPERM
	}
	if q.Type == linux.RTM_NEWRULE {
		errno = st.AddRule(&v, v6, q.Flags&linux.NLM_F_EXCL != 0)
	} else {
		errno = st.DelRule(&v, v6)
	}
	if errno != 0 {
		return errno
	}
	group, family := uint(linux.RTNLGRP_IPV4_RULE), uint8(linux.AF_INET)
	if v6 {
		group, family = linux.RTNLGRP_IPV6_RULE, linux.AF_INET6
	}
	s.ports.tell(group, func(r *reply) { putRule(r, linux.Nlmsghdr{Type: q.Type}, &v, family) })
	return 0
}
