package netlink

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/device"
	"github.com/seed-7423c386/runsc/sentry/net/header"
	"github.com/seed-7423c386/runsc/sentry/net/link"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// Neighbours (net/core/neighbour.c), and who is behind the ports of bridges (net/bridge/br_fdb.c).

// ethernet is an interface that has neighbours.
type ethernet interface {
	Each(f func(a netip.Addr, mac [6]byte, state uint16))
	SetNeighbour(a netip.Addr, mac [6]byte, state uint16, create, replace bool) linux.Errno
	ForgetNeighbour(a netip.Addr) linux.Errno
}

// neigh is a neighbour to be shown.
type neigh struct {
	link  int32
	addr  netip.Addr
	mac   [6]byte
	state uint16
}

// putNeighs describes the neighbours that a dump is about.
func (s *Socket) putNeighs(r *reply, h linux.Nlmsghdr, q *request, flush func()) {
	var m linux.Ndmsg
	usermem.Decode(q.body, &m)
	family := q.body[0]
	if family == linux.AF_BRIDGE {
		s.putStations(r, h, q, flush)
		return
	}
	only := int32(0)
	if len(q.body) >= 12 {
		if b := attrs(q.body[12:])[linux.NDA_IFINDEX]; len(b) >= 4 {
			only = int32(binary.LittleEndian.Uint32(b))
		}
	}
	var all []neigh
	socket.Stack(s.NS).EachPort(func(index int32, out stack.Port) {
		e, ok := out.(ethernet)
		if !ok || only != 0 && only != index {
			return
		}
		e.Each(func(a netip.Addr, mac [6]byte, state uint16) {
			if family == linux.AF_UNSPEC || family == familyOf(a) {
				all = append(all, neigh{index, a, mac, state})
			}
		})
	})
	slices.SortFunc(all, func(a, b neigh) int {
		return cmp.Or(cmp.Compare(familyOf(a.addr), familyOf(b.addr)), cmp.Compare(a.link, b.link), a.addr.Compare(b.addr))
	})
	for i := range all {
		putNeigh(r, h, &all[i])
		flush()
	}
}

// putNeigh describes one (neigh_fill_info).
func putNeigh(r *reply, h linux.Nlmsghdr, n *neigh) {
	if h.Type == 0 {
		h.Type = linux.RTM_NEWNEIGH
	}
	begin(r, h, &linux.Ndmsg{Family: familyOf(n.addr), Ifindex: n.link, State: n.state, Type: linux.RTN_UNICAST})
	r.attr(linux.NDA_DST, n.addr.AsSlice()...)
	if n.state&(linux.NUD_INCOMPLETE|linux.NUD_FAILED) == 0 {
		r.attr(linux.NDA_LLADDR, n.mac[:]...)
	}
	r.attr32(linux.NDA_PROBES, 0)
	r.attr(linux.NDA_CACHEINFO, make([]byte, 16)...)
	r.end()
}

// changeNeigh adds a neighbour or takes one away (neigh_add, neigh_delete).
func (s *Socket) changeNeigh(q *request) linux.Errno {
	var m linux.Ndmsg
	if !usermem.Decode(q.body, &m) {
		return linux.EINVAL
	}
	at := attrs(q.body[12:])
	d := socket.Devices(s.NS)
	l, errno := d.Find(m.Ifindex, "")
	if m.Ifindex == 0 || errno != 0 {
		return linux.ENODEV
	}
	if d.Fixed() {
		return linux.EPERM
	}
	if m.Family == linux.AF_BRIDGE {
		return changeStation(q, &l, &m, at)
	}
	a, ok := netip.AddrFromSlice(at[linux.NDA_DST])
	if !ok || familyOf(a) != m.Family {
		return linux.EINVAL
	}
	var e ethernet
	socket.Internet(s.NS).EachPort(func(index int32, out stack.Port) {
		if index == m.Ifindex {
			e, _ = out.(ethernet)
		}
	})
	if e == nil {
		return linux.EINVAL
	}
	n := neigh{link: m.Ifindex, addr: a, state: m.State}
	if q.Type == linux.RTM_DELNEIGH {
		if errno := e.ForgetNeighbour(a); errno != 0 {
			return errno
		}
		n.state = linux.NUD_FAILED
	} else {
		mac := at[linux.NDA_LLADDR]
		if len(mac) < 6 {
			return linux.EINVAL
		}
		n.mac = [6]byte(mac)
		if errno := e.SetNeighbour(a, n.mac, m.State, q.Flags&linux.NLM_F_CREATE != 0, q.Flags&linux.NLM_F_EXCL == 0); errno != 0 {
			return errno
		}
	}
	s.ports.tell(linux.RTNLGRP_NEIGH, func(r *reply) { putNeigh(r, linux.Nlmsghdr{Type: q.Type}, &n) })
	return 0
}

// putStations describes who is behind ports of bridges, and to which groups interfaces listen (rtnl_fdb_dump).
func (s *Socket) putStations(r *reply, h linux.Nlmsghdr, q *request, flush func()) {
	h.Type = linux.RTM_NEWNEIGH
	only, master := int32(0), int32(0)
	if len(q.body) >= 12 {
		at := attrs(q.body[12:])
		if len(q.body) >= 16 && q.body[1] == 0 { // a struct ifinfomsg, as bridge(8) sends
			only = int32(binary.LittleEndian.Uint32(q.body[4:]))
			at = attrs(q.body[16:])
		}
		if b := at[linux.IFLA_MASTER]; len(b) >= 4 {
			master = int32(binary.LittleEndian.Uint32(b))
		}
	}
	links := socket.Devices(s.NS).Links()
	for i := range links {
		l := &links[i]
		if only != 0 && only != l.Index || master != 0 && master != l.Index && master != l.Master {
			continue
		}
		putGroups(r, h, socket.Internet(s.NS), l, flush)
		dev := link.Of(l)
		if dev == nil {
			continue
		}
		for _, x := range dev.Stations() {
			state := uint16(linux.NUD_REACHABLE)
			if x.Permanent {
				state = linux.NUD_PERMANENT
				if !x.Local {
					state = linux.NUD_NOARP
				}
			}
			begin(r, h, &linux.Ndmsg{Family: linux.AF_BRIDGE, Ifindex: x.Link, State: state})
			r.attr(linux.NDA_LLADDR, x.MAC[:]...)
			r.attr32(linux.NDA_MASTER, uint32(x.Master))
			r.end()
			flush()
		}
	}
}

// putGroups describes the groups that an Ethernet listens to.
func putGroups(r *reply, h linux.Nlmsghdr, st *stack.Stack, l *device.Link, flush func()) {
	if l.Type != linux.ARPHRD_ETHER {
		return
	}
	seen := map[header.MAC]bool{}
	for _, g := range st.Groups(l) {
		m := header.MulticastMAC(g)
		if seen[m] {
			continue
		}
		seen[m] = true
		begin(r, h, &linux.Ndmsg{Family: linux.AF_BRIDGE, Ifindex: l.Index, State: linux.NUD_PERMANENT, Flags: linux.NTF_SELF})
		r.attr(linux.NDA_LLADDR, m[:]...)
		r.end()
		flush()
	}
}

// changeStation is for a port of a bridge (br_fdb_add, br_fdb_delete).
func changeStation(q *request, l *device.Link, m *linux.Ndmsg, at map[uint16][]byte) linux.Errno {
	mac, dev := at[linux.NDA_LLADDR], link.Of(l)
	switch {
	case len(mac) != 6 || [6]byte(mac) == [6]byte{}:
		return q.because(linux.EINVAL, "invalid address")
	case m.Flags&linux.NTF_SELF != 0 || dev == nil || l.Master == 0 || mac[0]&1 != 0:
		return linux.EOPNOTSUPP
	}
	x := link.Station{Permanent: m.State&(linux.NUD_PERMANENT|linux.NUD_NOARP) != 0, Local: m.State&linux.NUD_PERMANENT != 0}
	return dev.SetStation([6]byte(mac), x, q.Type == linux.RTM_DELNEIGH, q.Flags&linux.NLM_F_EXCL == 0)
}
