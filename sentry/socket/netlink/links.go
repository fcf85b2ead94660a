package netlink

import (
	"encoding/binary"
	"strings"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/device"
	"github.com/seed-7423c386/runsc/sentry/net/link"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// Interfaces as they are shown (rtnl_fill_ifinfo).

// str is an attribute that is a text.
func str(b []byte) string {
	s, _, _ := strings.Cut(string(b), "\x00")
	return s
}

// linkOf finds the interface a request is about: by index or by name.
func (s *Socket) linkOf(q *request) (m linux.Ifinfomsg, at map[uint16][]byte, l device.Link, errno linux.Errno) {
	if !usermem.Decode(q.body, &m) {
		return m, nil, l, linux.EINVAL
	}
	at = attrs(q.body[16:])
	name := str(at[linux.IFLA_IFNAME])
	if len(name) >= linux.IFNAMSIZ {
		return m, at, l, linux.ERANGE
	}
	if m.Index < 0 {
		return m, at, l, linux.EINVAL
	}
	if m.Index == 0 && name == "" {
		if at[linux.IFLA_ALT_IFNAME] != nil { // none has another name
			return m, at, l, linux.ENODEV
		}
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
	s.ports.putLink(&r, linux.Nlmsghdr{Seq: q.Seq, PID: s.port}, &l)
	s.put(message{data: r.buf, cred: &socket.Cred{}})
	return 0
}

// wanted is what a dump of interfaces is about: ports of a bridge, a kind.
func wanted(q *request) func(l *device.Link) bool {
	if len(q.body) < 16 {
		return func(*device.Link) bool { return true }
	}
	at := attrs(q.body[16:])
	master, kind := int32(0), str(attrs(at[linux.IFLA_LINKINFO])[linux.IFLA_INFO_KIND])
	if b := at[linux.IFLA_MASTER]; len(b) >= 4 {
		master = int32(binary.LittleEndian.Uint32(b))
	}
	ports := q.body[0] == linux.AF_BRIDGE
	return func(l *device.Link) bool {
		return (master == 0 || l.Master == master) && (kind == "" || l.Kind == kind) && (!ports || l.Master != 0 || l.Kind == "bridge")
	}
}

// putLink describes an interface (rtnl_fill_ifinfo).
func (p *ports) putLink(r *reply, h linux.Nlmsghdr, l *device.Link) {
	if h.Type == 0 {
		h.Type = linux.RTM_NEWLINK
	}
	begin(r, h, &linux.Ifinfomsg{Type: l.Type, Index: l.Index, Flags: l.Flags})
	qdisc := "noop"
	if l.Flags&linux.IFF_UP != 0 || l.Begun {
		if qdisc = "noqueue"; l.Kind == "tun" {
			qdisc = "pfifo_fast"
		}
	}
	carrier := byte(1)
	if l.NoCarrier {
		carrier = 0
	}
	r.str(linux.IFLA_IFNAME, l.Name)
	r.attr32(linux.IFLA_TXQLEN, l.Queue)
	r.attr(linux.IFLA_OPERSTATE, l.OperState())
	r.attr(linux.IFLA_LINKMODE, 0)
	r.attr32(linux.IFLA_MTU, l.MTU)
	if l.Kind != "" {
		r.attr32(linux.IFLA_MIN_MTU, 68)
		r.attr32(linux.IFLA_MAX_MTU, 65535)
	}
	r.attr32(linux.IFLA_GROUP, l.Group)
	r.attr32(linux.IFLA_PROMISCUITY, 0)
	r.attr32(linux.IFLA_NUM_TX_QUEUES, 1)
	r.attr32(linux.IFLA_NUM_RX_QUEUES, 1)
	if l.Peer != 0 {
		r.attr32(linux.IFLA_LINK, uint32(l.Peer))
	}
	if l.Master != 0 {
		r.attr32(linux.IFLA_MASTER, uint32(l.Master))
	}
	r.attr(linux.IFLA_CARRIER, carrier)
	r.str(linux.IFLA_QDISC, qdisc)
	if l.Alias != "" {
		r.str(linux.IFLA_IFALIAS, l.Alias)
	}
	if l.Type != linux.ARPHRD_NONE {
		r.attr(linux.IFLA_ADDRESS, l.MAC[:]...)
		broadcast := make([]byte, 6)
		if l.Flags&linux.IFF_BROADCAST != 0 {
			broadcast = []byte{255, 255, 255, 255, 255, 255}
		}
		r.attr(linux.IFLA_BROADCAST, broadcast...)
	}
	putStats(r, l.Stats)
	if l.Peer != 0 && l.PeerTable != p.devices {
		r.attr32(linux.IFLA_LINK_NETNSID, uint32(p.nsid(l.PeerTable)))
	}
	if l.Kind != "" {
		putInfo(r, l)
	}
	r.end()
}

// putInfo describes of which kind an interface is (rtnl_link_fill).
func putInfo(r *reply, l *device.Link) {
	r.nest(linux.IFLA_LINKINFO, func() {
		r.str(linux.IFLA_INFO_KIND, l.Kind)
		if t := link.TunOf(l); t != nil {
			r.nest(linux.IFLA_INFO_DATA, func() { putTun(r, t) })
		}
		if l.Kind == "bridge" {
			r.nest(linux.IFLA_INFO_DATA, func() {
				r.attr32(linux.IFLA_BR_AGEING_TIME, 30000)
				r.attr32(linux.IFLA_BR_STP_STATE, 0)
			})
		}
		if l.Master != 0 {
			r.str(linux.IFLA_INFO_SLAVE_KIND, "bridge")
			r.nest(linux.IFLA_INFO_SLAVE_DATA, func() { putBrport(r, l) })
		}
	})
}

func putTun(r *reply, t *link.Tun) {
	on := func(b bool) byte {
		if b {
			return 1
		}
		return 0
	}
	r.attr(linux.IFLA_TUN_TYPE, 1+on(t.Tap()))
	uid, gid := t.Owners()
	if uid >= 0 {
		r.attr32(linux.IFLA_TUN_OWNER, uint32(uid))
	}
	if gid >= 0 {
		r.attr32(linux.IFLA_TUN_GROUP, uint32(gid))
	}
	r.attr(linux.IFLA_TUN_PI, on(t.Info()))
	r.attr(linux.IFLA_TUN_VNET_HDR, 0)
	r.attr(linux.IFLA_TUN_PERSIST, on(t.Persist()))
	r.attr(linux.IFLA_TUN_MULTI_QUEUE, on(t.Many()))
}

// putBrport describes a port of a bridge (br_port_fill_attrs).
func putBrport(r *reply, l *device.Link) {
	state := byte(linux.BR_STATE_DISABLED)
	if l.Flags&linux.IFF_RUNNING != 0 {
		state = linux.BR_STATE_FORWARDING
	}
	r.attr(linux.IFLA_BRPORT_STATE, state)
	r.attr(linux.IFLA_BRPORT_PRIORITY, 32, 0)
	r.attr32(linux.IFLA_BRPORT_COST, 2)
	r.attr(linux.IFLA_BRPORT_MODE, 0)
	r.attr(linux.IFLA_BRPORT_GUARD, 0)
	r.attr(linux.IFLA_BRPORT_PROTECT, 0)
	r.attr(linux.IFLA_BRPORT_LEARNING, 1)
	r.attr(linux.IFLA_BRPORT_UNICAST_FLOOD, 1)
}

// putPort describes an interface to the bridge command (br_fill_ifinfo).
func putPort(r *reply, h linux.Nlmsghdr, l *device.Link) {
	h.Type = linux.RTM_NEWLINK
	if l.Master == 0 {
		return
	}
	begin(r, h, &linux.Ifinfomsg{Family: linux.AF_BRIDGE, Type: l.Type, Index: l.Index, Flags: l.Flags})
	r.str(linux.IFLA_IFNAME, l.Name)
	r.attr32(linux.IFLA_MASTER, uint32(l.Master))
	r.attr32(linux.IFLA_MTU, l.MTU)
	r.attr(linux.IFLA_OPERSTATE, l.OperState())
	r.attr(linux.IFLA_ADDRESS, l.MAC[:]...)
	if l.Peer != 0 {
		r.attr32(linux.IFLA_LINK, uint32(l.Peer))
	}
	r.nest(linux.IFLA_PROTINFO|linux.NLA_F_NESTED, func() { putBrport(r, l) })
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
