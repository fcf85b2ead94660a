package netlink

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/device"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// NETLINK_ROUTE (rtnetlink(7), net/core/rtnetlink.c): interfaces, addresses, routes, neighbours and rules. Other
// things are EOPNOTSUPP as in a kernel built without them.

// handle answers a list of requests (netlink_rcv_skb).
func (s *Socket) handle(c socket.Caller, b []byte) {
	for {
		q, rest, ok := next(b)
		if !ok {
			return
		}
		b = rest
		errno, answered := linux.Errno(0), false
		if q.Flags&linux.NLM_F_REQUEST != 0 && q.Type >= linux.NLMSG_MIN_TYPE {
			if s.Protocol == linux.NETLINK_SOCK_DIAG {
				errno, answered = s.diag(c, &q)
			} else {
				errno, answered = s.route(c, &q)
			}
		}
		if answered || errno == 0 && q.Flags&linux.NLM_F_ACK == 0 {
			continue
		}
		var r reply
		if !s.option(linux.NETLINK_EXT_ACK) {
			q.text = ""
		}
		r.ack(&q, errno, s.port, s.option(linux.NETLINK_CAP_ACK))
		s.put(message{data: r.buf, cred: &socket.Cred{}})
	}
}

// route does one request. answered says that a dump was sent, which needs no acknowledgement.
func (s *Socket) route(c socket.Caller, q *request) (errno linux.Errno, answered bool) {
	if q.Type > linux.RTM_MAX {
		return linux.EOPNOTSUPP, false
	}
	get := (q.Type-linux.NLMSG_MIN_TYPE)&3 == 2
	if !get && !socket.Capable(c, s.NS, linux.CAP_NET_ADMIN) {
		return linux.EPERM, false
	}
	if len(q.body) < 1 {
		return 0, false
	}
	if get && q.Flags&linux.NLM_F_DUMP != 0 {
		return s.dump(q)
	}
	switch q.Type {
	case linux.RTM_GETLINK:
		return s.getLink(q), false
	case linux.RTM_NEWLINK, linux.RTM_SETLINK:
		return s.changeLink(c, q), false
	case linux.RTM_DELLINK:
		return s.delLink(q), false
	case linux.RTM_NEWADDR, linux.RTM_DELADDR:
		return s.changeAddr(q), false
	case linux.RTM_NEWNEIGH, linux.RTM_DELNEIGH:
		return s.changeNeigh(q), false
	case linux.RTM_NEWRULE, linux.RTM_DELRULE:
		return s.changeRule(q), false
	case linux.RTM_NEWNSID, linux.RTM_GETNSID:
		return s.netnsID(c, q), false
	case linux.RTM_NEWROUTE, linux.RTM_DELROUTE:
		return s.changeRoute(q), false
	case linux.RTM_GETROUTE:
		return s.getRoute(q), false
	case linux.RTM_GETADDR:
		return s.getAddr(q), false
	case linux.RTM_GETNEIGH:
		return s.getNeigh(q), false
	}
	return linux.EOPNOTSUPP, false
}

// batch is about how much goes into one message of a dump.
const batch = 3072

// dump sends everything of a kind. EBUSY while an earlier one has not been read.
func (s *Socket) dump(q *request) (linux.Errno, bool) {
	s.mu.Lock()
	busy := s.charged > int(s.RcvBuf.Load())/2
	s.mu.Unlock()
	if busy {
		return linux.EBUSY, false
	}
	emit := s.dumper(q)
	if emit == nil {
		return linux.EOPNOTSUPP, false
	}
	var r reply
	if errno := s.strict(q); errno != 0 {
		r.failed(q, s.port, errno)
		s.put(message{data: r.buf, cred: &socket.Cred{}})
		return 0, true
	}
	emit(&r, linux.Nlmsghdr{Flags: linux.NLM_F_MULTI, Seq: q.Seq, PID: s.port}, func() {
		if len(r.buf) > batch {
			s.put(message{data: r.buf, cred: &socket.Cred{}})
			r = reply{}
		}
	})
	if len(r.buf) > 0 {
		s.put(message{data: r.buf, cred: &socket.Cred{}})
		r = reply{}
	}
	r.done(q, s.port)
	s.put(message{data: r.buf, cred: &socket.Cred{}})
	return 0, true
}

// dumper is what describes everything of a kind, nil for kinds that are not there.
func (s *Socket) dumper(q *request) func(r *reply, h linux.Nlmsghdr, flush func()) {
	links, family := socket.Devices(s.NS).Links(), q.body[0]
	switch q.Type {
	case linux.RTM_GETLINK:
		want := wanted(q)
		return func(r *reply, h linux.Nlmsghdr, flush func()) {
			for i := range links {
				if l := &links[i]; !want(l) {
					continue
				} else if family == linux.AF_BRIDGE {
					putPort(r, h, l)
				} else {
					s.ports.putLink(r, h, l)
				}
				flush()
			}
		}
	case linux.RTM_GETADDR:
		return func(r *reply, h linux.Nlmsghdr, flush func()) { putAddrs(r, h, links, family, s.onlyIndex(q), flush) }
	case linux.RTM_GETROUTE:
		return func(r *reply, h linux.Nlmsghdr, flush func()) {
			putMain(r, h, links, socket.Stack(s.NS).Routes(), family, flush)
			putRoutes(r, h, links, family, flush)
		}
	case linux.RTM_GETNEIGH:
		return func(r *reply, h linux.Nlmsghdr, flush func()) { s.putNeighs(r, h, q, flush) }
	case linux.RTM_GETRULE:
		return func(r *reply, h linux.Nlmsghdr, flush func()) { putRules(r, h, socket.Stack(s.NS), family, flush) }
	case linux.RTM_GETNSID:
		return func(*reply, linux.Nlmsghdr, func()) {}
	}
	return nil
}

// onlyIndex is the interface a dump of addresses is about, 0 for all: asked for only by those who
// said that the kernel shall look.
func (s *Socket) onlyIndex(q *request) uint32 {
	var m linux.Ifaddrmsg
	if s.option(linux.NETLINK_GET_STRICT_CHK) && usermem.Decode(q.body, &m) {
		return m.Index
	}
	return 0
}

// local is a route of the table local.
type local struct {
	link   *device.Link
	addr   device.Addr
	dst    []byte
	prefix uint8
	typ    uint8
}

// putRoutes describes what the table local has: routes that interfaces which are up have by their addresses.
func putRoutes(r *reply, h linux.Nlmsghdr, links []device.Link, family uint8, flush func()) {
	h.Type = linux.RTM_NEWROUTE
	var list []local
	for i := range links {
		l := &links[i]
		if l.Flags&linux.IFF_UP == 0 {
			continue
		}
		for _, a := range l.Addrs {
			v4 := a.Family == linux.AF_INET
			if v4 && a.Prefix < 32 && a.IP[0] == 127 {
				list = append(list, local{l, a, masked(a), a.Prefix, linux.RTN_LOCAL})
			}
			if !a.Tentative {
				list = append(list, local{l, a, a.IP, uint8(8 * len(a.IP)), linux.RTN_LOCAL})
			}
			if v4 && a.Prefix < 31 {
				list = append(list, local{l, a, lastOf(a), 32, linux.RTN_BROADCAST})
			}
		}
		if !l.Loopback() && !l.NoIPv6 {
			a := device.Addr{Family: linux.AF_INET6}
			list = append(list, local{l, a, append([]byte{0xff}, make([]byte, 15)...), 8, linux.RTN_MULTICAST})
		}
	}
	slices.SortStableFunc(list, func(a, b local) int { // as the tries have them
		return cmp.Or(cmp.Compare(a.addr.Family, b.addr.Family), bytes.Compare(a.dst, b.dst))
	})
	for i := range list {
		if v := &list[i]; family == linux.AF_UNSPEC || family == v.addr.Family {
			putRoute(r, h, v.link, v.addr, v.dst, v.prefix, v.typ)
			flush()
		}
	}
}

// lastOf is the last address of an address's network, which is everybody's.
func lastOf(a device.Addr) []byte {
	b := masked(a)
	for j := int(a.Prefix); j < 8*len(b); j++ {
		b[j/8] |= 0x80 >> (j % 8)
	}
	return b
}

// masked is the network of an address.
func masked(a device.Addr) []byte {
	out := make([]byte, len(a.IP))
	for i, b := range a.Network() {
		bits := max(0, min(8, int(a.Prefix)-8*i))
		out[i] = b & ^byte(0xff>>bits)
	}
	return out
}

func putRoute(r *reply, h linux.Nlmsghdr, l *device.Link, a device.Addr, dst []byte, prefix, typ uint8) {
	scope, metric := uint8(linux.RT_SCOPE_HOST), uint32(0)
	switch {
	case a.Family == linux.AF_INET6:
		scope = linux.RT_SCOPE_UNIVERSE
		if typ == linux.RTN_MULTICAST {
			metric = 256
		}
	case typ == linux.RTN_BROADCAST:
		scope = linux.RT_SCOPE_LINK
	}
	flags := uint32(0)
	if l.NoCarrier && typ != linux.RTN_LOCAL {
		flags = linux.RTNH_F_LINKDOWN
	}
	begin(r, h, &linux.Rtmsg{Family: a.Family, DstLen: prefix, Table: linux.RT_TABLE_LOCAL, Protocol: linux.RTPROT_KERNEL, Scope: scope, Type: typ, Flags: flags})
	r.attr32(linux.RTA_TABLE, linux.RT_TABLE_LOCAL)
	r.attr(linux.RTA_DST, dst...)
	if a.Family == linux.AF_INET {
		r.attr(linux.RTA_PREFSRC, a.IP...)
	} else {
		r.attr32(linux.RTA_PRIORITY, metric)
	}
	r.attr32(linux.RTA_OIF, uint32(l.Index))
	if a.Family == linux.AF_INET6 {
		r.attr(linux.RTA_PREF, 0)
	}
	r.end()
}
