package netlink

import (
	"encoding/binary"
	"strings"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/device"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// NETLINK_ROUTE (rtnetlink(7), net/core/rtnetlink.c): interfaces, addresses and the routes that
// follow from them. Other things cannot be changed, and are EOPNOTSUPP as in a kernel built
// without them.

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
	if !get && !c.Cred().Has(linux.CAP_NET_ADMIN) {
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
		return s.setLink(q), false
	case linux.RTM_NEWADDR, linux.RTM_DELADDR:
		return s.changeAddr(q), false
	case linux.RTM_NEWROUTE, linux.RTM_DELROUTE:
		return s.changeRoute(q), false
	case linux.RTM_GETROUTE:
		return s.getRoute(q), false
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
	var emit func(r *reply, h linux.Nlmsghdr, flush func())
	links, family := socket.Devices(s.NS).Links(), q.body[0]
	switch q.Type {
	case linux.RTM_GETLINK:
		emit = func(r *reply, h linux.Nlmsghdr, flush func()) {
			for i := range links {
				putLink(r, h, &links[i])
				flush()
			}
		}
	case linux.RTM_GETADDR:
		emit = func(r *reply, h linux.Nlmsghdr, flush func()) { putAddrs(r, h, links, family, s.onlyIndex(q), flush) }
	case linux.RTM_GETROUTE:
		emit = func(r *reply, h linux.Nlmsghdr, flush func()) {
			putMain(r, h, socket.Stack(s.NS).Routes(), family, flush)
			putRoutes(r, h, links, family, flush)
		}
	case linux.RTM_GETNEIGH:
		emit = func(*reply, linux.Nlmsghdr, func()) {}
	default:
		return linux.EOPNOTSUPP, false
	}
	var r reply
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

// onlyIndex is the interface a dump of addresses is about, 0 for all: asked for only by those who
// said that the kernel shall look.
func (s *Socket) onlyIndex(q *request) uint32 {
	var m linux.Ifaddrmsg
	if s.option(linux.NETLINK_GET_STRICT_CHK) && usermem.Decode(q.body, &m) {
		return m.Index
	}
	return 0
}

// linkOf finds the interface a request is about: by index or by name.
func (s *Socket) linkOf(q *request) (m linux.Ifinfomsg, at map[uint16][]byte, l device.Link, errno linux.Errno) {
	if !usermem.Decode(q.body, &m) {
		return m, nil, l, linux.EINVAL
	}
	at = attrs(q.body[16:])
	name, _, _ := strings.Cut(string(at[linux.IFLA_IFNAME]), "\x00")
	if m.Index < 0 || m.Index == 0 && name == "" {
		return m, at, l, linux.EINVAL
	}
	l, errno = socket.Devices(s.NS).Find(m.Index, name)
	return m, at, l, errno
}

func (s *Socket) getLink(q *request) linux.Errno {
	_, _, l, errno := s.linkOf(q)
	if errno != 0 {
		return errno
	}
	var r reply
	putLink(&r, linux.Nlmsghdr{Seq: q.Seq, PID: s.port}, &l)
	s.put(message{data: r.buf, cred: &socket.Cred{}})
	return 0
}

// setLink changes flags and MTU of an interface; new ones cannot be made.
func (s *Socket) setLink(q *request) linux.Errno {
	m, at, l, errno := s.linkOf(q)
	switch {
	case errno == linux.ENODEV && q.Type == linux.RTM_NEWLINK && q.Flags&linux.NLM_F_CREATE != 0:
		return linux.EOPNOTSUPP
	case errno != 0:
		return errno
	case q.Type == linux.RTM_NEWLINK && q.Flags&linux.NLM_F_EXCL != 0:
		return linux.EEXIST
	}
	d := socket.Devices(s.NS)
	for typ, v := range at {
		switch {
		case typ == linux.IFLA_IFNAME:
			if name, _, _ := strings.Cut(string(v), "\x00"); name != l.Name {
				return linux.EOPNOTSUPP
			}
		case typ == linux.IFLA_MTU && len(v) >= 4:
			if errno := d.SetMTU(l.Index, binary.LittleEndian.Uint32(v)); errno != 0 {
				return errno
			}
		case typ == linux.IFLA_ADDRESS, typ == linux.IFLA_BROADCAST:
			return linux.EOPNOTSUPP
		}
	}
	if m.Flags != 0 || m.Change != 0 {
		mask := m.Change
		if mask == 0 {
			mask = ^uint32(0)
		}
		if errno := d.SetFlags(l.Index, m.Flags, mask); errno != 0 {
			return errno
		}
	}
	Changed(s.NS, l.Index)
	return 0
}

// Changed tells those who listen that an interface is not what it was.
func Changed(ns socket.Namespace, index int32) {
	l, errno := socket.Devices(ns).Find(index, "")
	p, ok := ns.Get("netlink", newPorts).(*ports)
	if errno != 0 || !ok {
		return
	}
	var r reply
	putLink(&r, linux.Nlmsghdr{}, &l)
	p.broadcast(linux.NETLINK_ROUTE, linux.RTNLGRP_LINK, r.buf)
}

// changeAddr adds or removes an address.
func (s *Socket) changeAddr(q *request) linux.Errno {
	var m linux.Ifaddrmsg
	if !usermem.Decode(q.body, &m) {
		return linux.EINVAL
	}
	at := attrs(q.body[8:])
	ip := at[linux.IFA_LOCAL]
	if ip == nil {
		ip = at[linux.IFA_ADDRESS]
	}
	size, group := 4, uint(linux.RTNLGRP_IPV4_IFADDR)
	switch m.Family {
	case linux.AF_INET:
	case linux.AF_INET6:
		size, group = 16, linux.RTNLGRP_IPV6_IFADDR
	default:
		return linux.EOPNOTSUPP
	}
	if len(ip) != size || int(m.Prefixlen) > 8*size {
		return linux.EINVAL
	}
	d := socket.Devices(s.NS)
	a := device.Addr{Family: m.Family, IP: append([]byte(nil), ip...), Prefix: m.Prefixlen, Scope: m.Scope}
	errno := linux.Errno(0)
	if q.Type == linux.RTM_NEWADDR {
		errno = d.AddAddr(int32(m.Index), a)
	} else {
		errno = d.DelAddr(int32(m.Index), a)
	}
	if errno != 0 {
		return errno
	}
	l, _ := d.Find(int32(m.Index), "")
	var r reply
	putAddr(&r, linux.Nlmsghdr{Type: q.Type}, &l, a)
	s.ports.broadcast(linux.NETLINK_ROUTE, group, r.buf)
	return 0
}

// putLink describes an interface (rtnl_fill_ifinfo).
func putLink(r *reply, h linux.Nlmsghdr, l *device.Link) {
	h.Type = linux.RTM_NEWLINK
	begin(r, h, &linux.Ifinfomsg{Type: l.Type, Index: l.Index, Flags: l.Flags})
	up := l.Flags&linux.IFF_UP != 0
	operstate, qdisc := byte(2), "noop" // IF_OPER_DOWN
	if up {
		operstate, qdisc = 0, "noqueue" // IF_OPER_UNKNOWN, as of the loopback
	}
	r.str(linux.IFLA_IFNAME, l.Name)
	r.attr32(linux.IFLA_TXQLEN, 1000)
	r.attr(linux.IFLA_OPERSTATE, operstate)
	r.attr(linux.IFLA_LINKMODE, 0)
	r.attr32(linux.IFLA_MTU, l.MTU)
	r.attr32(linux.IFLA_GROUP, 0)
	r.attr32(linux.IFLA_PROMISCUITY, 0)
	r.attr32(linux.IFLA_NUM_TX_QUEUES, 1)
	r.attr32(linux.IFLA_NUM_RX_QUEUES, 1)
	r.attr(linux.IFLA_CARRIER, 1)
	r.str(linux.IFLA_QDISC, qdisc)
	r.attr(linux.IFLA_ADDRESS, l.MAC[:]...)
	broadcast := make([]byte, 6)
	if l.Flags&linux.IFF_BROADCAST != 0 {
		broadcast = []byte{255, 255, 255, 255, 255, 255}
	}
	r.attr(linux.IFLA_BROADCAST, broadcast...)
	putStats(r, l.Stats)
	r.end()
}

// putStats tells what went through an interface (struct rtnl_link_stats64, rtnl_link_stats).
func putStats(r *reply, s *device.Stats) {
	v := [25]uint64{}
	if s != nil {
		v = [25]uint64{s.RxPackets.Load(), s.TxPackets.Load(), s.RxBytes.Load(), s.TxBytes.Load(), s.RxErrors.Load(), 0, s.RxDropped.Load(), s.TxDropped.Load(), s.Multicast.Load()}
	}
	var wide, narrow []byte
	for i, n := range v {
		wide = binary.LittleEndian.AppendUint64(wide, n)
		if i < 24 {
			narrow = binary.LittleEndian.AppendUint32(narrow, uint32(n))
		}
	}
	r.attr(linux.IFLA_STATS64, wide...)
	r.attr(linux.IFLA_STATS, narrow...)
}

// putAddrs describes the addresses of a family, or all; of IPv4 first.
func putAddrs(r *reply, h linux.Nlmsghdr, links []device.Link, family uint8, index uint32, flush func()) {
	h.Type = linux.RTM_NEWADDR
	for _, fam := range []uint8{linux.AF_INET, linux.AF_INET6} {
		if family != linux.AF_UNSPEC && family != fam {
			continue
		}
		for i := range links {
			for _, a := range links[i].Addrs {
				if a.Family == fam && (index == 0 || index == uint32(links[i].Index)) {
					putAddr(r, h, &links[i], a)
					flush()
				}
			}
		}
	}
}

// putAddr describes one (inet_fill_ifaddr, inet6_fill_ifaddr).
func putAddr(r *reply, h linux.Nlmsghdr, l *device.Link, a device.Addr) {
	begin(r, h, &linux.Ifaddrmsg{Family: a.Family, Prefixlen: a.Prefix, Flags: linux.IFA_F_PERMANENT, Scope: a.Scope, Index: uint32(l.Index)})
	r.attr(linux.IFA_ADDRESS, a.IP...)
	if a.Family == linux.AF_INET {
		r.attr(linux.IFA_LOCAL, a.IP...)
		r.str(linux.IFA_LABEL, l.Name)
	}
	r.attr32(linux.IFA_FLAGS, linux.IFA_F_PERMANENT)
	forever := []byte{255, 255, 255, 255, 255, 255, 255, 255}
	r.attr(linux.IFA_CACHEINFO, append(forever, make([]byte, 8)...)...)
	r.end()
}

// putRoutes describes the routes that interfaces which are up have by their addresses.
func putRoutes(r *reply, h linux.Nlmsghdr, links []device.Link, family uint8, flush func()) {
	h.Type = linux.RTM_NEWROUTE
	for i := range links {
		l := &links[i]
		for _, a := range l.Addrs {
			if l.Flags&linux.IFF_UP == 0 || family != linux.AF_UNSPEC && family != a.Family {
				continue
			}
			if a.Family == linux.AF_INET && a.Prefix < 32 && a.IP[0] == 127 {
				putRoute(r, h, l, a, masked(a), a.Prefix, linux.RTN_LOCAL)
			}
			putRoute(r, h, l, a, a.IP, uint8(8*len(a.IP)), linux.RTN_LOCAL)
			flush()
		}
	}
}

// masked is the network of an address.
func masked(a device.Addr) []byte {
	out := make([]byte, len(a.IP))
	for i := range out {
		bits := max(0, min(8, int(a.Prefix)-8*i))
		out[i] = a.IP[i] & ^byte(0xff>>bits)
	}
	return out
}

func putRoute(r *reply, h linux.Nlmsghdr, l *device.Link, a device.Addr, dst []byte, prefix, typ uint8) {
	scope := uint8(linux.RT_SCOPE_HOST)
	if a.Family == linux.AF_INET6 {
		scope = linux.RT_SCOPE_UNIVERSE
	}
	begin(r, h, &linux.Rtmsg{Family: a.Family, DstLen: prefix, Table: linux.RT_TABLE_LOCAL, Protocol: linux.RTPROT_KERNEL, Scope: scope, Type: typ})
	r.attr32(linux.RTA_TABLE, linux.RT_TABLE_LOCAL)
	r.attr(linux.RTA_DST, dst...)
	if a.Family == linux.AF_INET {
		r.attr(linux.RTA_PREFSRC, a.IP...)
	} else {
		r.attr32(linux.RTA_PRIORITY, 0)
	}
	r.attr32(linux.RTA_OIF, uint32(l.Index))
	r.end()
}
