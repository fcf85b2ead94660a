package netlink

import (
	"encoding/binary"
	"strconv"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/device"
	"github.com/seed-7423c386/runsc/sentry/net/link"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// Interfaces that are made, changed and removed (rtnl_newlink, do_setlink, rtnl_dellink).

// change is what a request says of an interface.
type change struct {
	linux.Ifinfomsg
	name    string
	ns      socket.Namespace // where it is to be; nil: where it is
	mac     []byte
	mtu     *uint32
	queue   *uint32
	group   *uint32
	master  *uint32
	alias   *string
	genMode *uint8
	kind    string
	data    map[uint16][]byte
	port    bool // options of a port
}

// parseChange takes a request, or the part of it about the other end of a veth, apart: EINVAL, ERANGE, and what the namespace says.
func (s *Socket) parseChange(c socket.Caller, q *request, body []byte) (v change, errno linux.Errno) {
	if !usermem.Decode(body, &v.Ifinfomsg) {
		return v, linux.EINVAL
	}
	at := attrs(body[16:])
	word := func(typ uint16) *uint32 {
		if b := at[typ]; len(b) >= 4 {
			n := binary.LittleEndian.Uint32(b)
			return &n
		}
		return nil
	}
	if b, ok := at[linux.IFLA_IFNAME]; ok {
		if v.name = str(b); len(v.name) >= linux.IFNAMSIZ || len(b) > linux.IFNAMSIZ {
			return v, q.because(linux.ERANGE, "Attribute failed policy validation")
		}
	}
	v.mac, v.mtu, v.queue, v.group, v.master = at[linux.IFLA_ADDRESS], word(linux.IFLA_MTU), word(linux.IFLA_TXQLEN), word(linux.IFLA_GROUP), word(linux.IFLA_MASTER)
	if b, ok := at[linux.IFLA_IFALIAS]; ok {
		if len(b) >= 256 {
			return v, linux.EINVAL
		}
		text := str(b)
		v.alias = &text
	}
	info := attrs(at[linux.IFLA_LINKINFO])
	v.kind, v.data = str(info[linux.IFLA_INFO_KIND]), attrs(info[linux.IFLA_INFO_DATA])
	v.port = info[linux.IFLA_INFO_SLAVE_DATA] != nil
	if b := attrs(attrs(at[linux.IFLA_AF_SPEC])[linux.AF_INET6])[linux.IFLA_INET6_ADDR_GEN_MODE]; len(b) == 1 {
		v.genMode = &b[0]
	}
	lookup, _ := c.(socket.Namespaces)
	if n := word(linux.IFLA_NET_NS_FD); n != nil && lookup != nil {
		v.ns, errno = lookup.NetOfFD(int32(*n))
	} else if n := word(linux.IFLA_NET_NS_PID); n != nil && lookup != nil {
		v.ns, errno = lookup.NetOfPID(int32(*n))
	} else if n := word(linux.IFLA_TARGET_NETNSID); n != nil {
		return v, linux.EOPNOTSUPP
	}
	if errno == 0 && v.ns != nil && !socket.Capable(c, v.ns, linux.CAP_NET_ADMIN) {
		errno = linux.EPERM
	}
	return v, errno
}

// changeLink makes an interface or changes one.
func (s *Socket) changeLink(c socket.Caller, q *request) linux.Errno {
	v, errno := s.parseChange(c, q, q.body)
	if errno != 0 {
		return errno
	}
	d := socket.Devices(s.NS)
	l, errno := device.Link{}, linux.Errno(linux.ENODEV)
	switch {
	case v.Index < 0:
		return linux.EINVAL
	case v.Index > 0 || v.name != "":
		l, errno = d.Find(v.Index, v.name)
	case q.Type == linux.RTM_SETLINK:
		return linux.EINVAL
	}
	if errno == 0 && q.Type == linux.RTM_NEWLINK {
		switch {
		case q.Flags&linux.NLM_F_EXCL != 0:
			return linux.EEXIST
		case q.Flags&linux.NLM_F_REPLACE != 0:
			return linux.EOPNOTSUPP
		}
	}
	switch {
	case errno == 0:
		return s.setLink(q, &l, &v)
	case q.Type == linux.RTM_SETLINK || q.Flags&linux.NLM_F_CREATE == 0:
		return linux.ENODEV
	}
	return s.newLink(c, q, &v)
}

// place is the stack and the interfaces of a namespace.
func place(ns socket.Namespace) link.Place {
	return link.Place{Table: socket.Devices(ns), Stack: socket.Internet(ns)}
}

// spec is what an interface is to be that a request makes.
func (s *Socket) spec(q *request, v *change, kind string) (*link.Spec, linux.Errno) {
	ns := s.NS
	if v.ns != nil {
		ns = v.ns
	}
	if v.name == "" {
		v.name = kind + "%d"
	}
	p := place(ns)
	var errno linux.Errno
	if v.name, errno = p.Table.FreeName(v.name); errno != 0 {
		return nil, errno
	}
	out := &link.Spec{Place: p, Link: device.Link{Index: v.Index, Name: v.name, Kind: kind}}
	if kind == "bridge" || kind == "veth" {
		out.NoCarrier = true
	}
	if v.mac != nil {
		if errno := checkMAC(v.mac); errno != 0 {
			return nil, errno
		}
		out.MAC = [6]byte(v.mac)
	}
	if v.mtu != nil {
		if errno := checkMTU(q, *v.mtu); errno != 0 {
			return nil, errno
		}
		out.MTU = *v.mtu
	}
	if v.queue != nil {
		out.Queue = *v.queue
	}
	if v.group != nil {
		out.Group = *v.group
	}
	if v.genMode != nil {
		out.GenMode = *v.genMode
	}
	return out, 0
}

func checkMAC(b []byte) linux.Errno {
	switch {
	case len(b) < 6:
		return linux.EINVAL
	case b[0]&1 != 0 || [6]byte(b) == [6]byte{}:
		return linux.EADDRNOTAVAIL
	}
	return 0
}

func checkMTU(q *request, mtu uint32) linux.Errno {
	switch {
	case mtu < 68:
		return q.because(linux.EINVAL, "mtu less than device minimum")
	case mtu > 65535:
		return q.because(linux.EINVAL, "mtu greater than device maximum")
	}
	return 0
}

// newLink makes an interface (rtnl_newlink_create).
func (s *Socket) newLink(c socket.Caller, q *request, v *change) linux.Errno {
	switch v.kind {
	case "":
		return linux.EOPNOTSUPP
	case "veth", "bridge", "dummy":
	case "tun":
		return linux.EOPNOTSUPP
	default:
		return q.because(linux.EOPNOTSUPP, "Unknown device type")
	}
	if socket.Devices(s.NS).Fixed() {
		return linux.EPERM
	}
	var errno linux.Errno
	var other *link.Spec
	if v.kind == "veth" {
		peer := change{ns: v.ns}
		if b := v.data[linux.VETH_INFO_PEER]; b != nil {
			if peer, errno = s.parseChange(c, q, b); errno != 0 {
				return errno
			}
			if peer.ns == nil {
				peer.ns = s.NS
			}
		}
		if peer.name != "" && peer.name == v.name && (v.ns == nil || v.ns == s.NS) && peer.ns == s.NS {
			return linux.EEXIST
		}
		if other, errno = s.spec(q, &peer, "veth"); errno != 0 {
			return errno
		}
		if v.name == "" && other.Table == socket.Devices(s.NS) { // the other end takes the first of the names
			v.name = after(other.Table, other.Name)
		}
	}
	own, errno := s.spec(q, v, v.kind)
	if errno != 0 {
		return errno
	}
	if other != nil {
		errno = link.MakePair(own, other)
	} else {
		_, errno = link.Make(own)
	}
	if errno != 0 {
		return errno
	}
	l, errno := own.Table.Find(0, own.Name)
	if errno != 0 {
		return 0
	}
	if v.master != nil {
		if errno := enslave(q, own.Table, &l, *v.master); errno != 0 {
			link.Of(&l).Destroy()
			return errno
		}
	}
	if mask := v.Change; v.Flags != 0 || mask != 0 {
		if mask == 0 {
			mask = ^uint32(0)
		}
		own.Table.SetFlags(l.Index, v.Flags, mask)
	}
	return 0
}

// after is the next name of the form that the other end of a veth has been given.
func after(t *device.Table, taken string) string {
	for i := range 4096 {
		name := "veth" + strconv.Itoa(i)
		if _, errno := t.Find(0, name); errno != 0 && name != taken {
			return name
		}
	}
	return ""
}

// setLink changes an interface (do_setlink).
func (s *Socket) setLink(q *request, l *device.Link, v *change) linux.Errno {
	d := socket.Devices(s.NS)
	if v.ns != nil && v.ns != s.NS {
		dev := link.Of(l)
		if dev == nil || l.Kind == "bridge" {
			return q.because(linux.EINVAL, "The interface netns is immutable")
		}
		name := ""
		if v.name != "" && v.name != l.Name {
			name = v.name
		}
		if errno := dev.Move(place(v.ns), name); errno != 0 {
			return errno
		}
		d = socket.Devices(v.ns)
		_, index := dev.Where()
		now, errno := d.Find(index, "")
		if errno != 0 {
			return errno
		}
		l, v.name = &now, ""
	}
	if errno := setNumbers(q, d, l, v); errno != 0 {
		return errno
	}
	if v.name != "" && v.name != l.Name {
		name, errno := d.FreeName(v.name)
		if errno == 0 {
			errno = d.Rename(l.Index, name)
		}
		if errno != 0 {
			return errno
		}
	}
	if v.master != nil {
		if errno := enslave(q, d, l, *v.master); errno != 0 {
			return errno
		}
	}
	if v.Flags != 0 || v.Change != 0 {
		mask := v.Change
		if mask == 0 {
			mask = ^uint32(0)
		}
		return d.SetFlags(l.Index, v.Flags, mask)
	}
	return 0
}

// setNumbers changes address, MTU and what is only shown.
func setNumbers(q *request, d *device.Table, l *device.Link, v *change) linux.Errno {
	if v.mac != nil {
		if link.Of(l) == nil || l.Type != linux.ARPHRD_ETHER {
			return linux.EOPNOTSUPP
		}
		if errno := checkMAC(v.mac); errno != 0 {
			return errno
		}
		link.Of(l).FixMAC()
	}
	if v.mtu != nil {
		if l.Kind != "" {
			if errno := checkMTU(q, *v.mtu); errno != 0 {
				return errno
			}
		}
		if errno := d.SetMTU(l.Index, *v.mtu); errno != 0 {
			return errno
		}
	}
	if v.mac == nil && v.queue == nil && v.group == nil && v.alias == nil && v.genMode == nil {
		return 0
	}
	return d.Update(l.Index, func(l *device.Link) linux.Errno {
		if v.mac != nil {
			l.MAC = [6]byte(v.mac)
		}
		if v.queue != nil {
			l.Queue = *v.queue
		}
		if v.group != nil {
			l.Group = *v.group
		}
		if v.alias != nil {
			l.Alias = *v.alias
		}
		if v.genMode != nil {
			l.GenMode = *v.genMode
		}
		return 0
	})
}

// enslave makes an interface a port of the bridge of an index, or of none.
func enslave(q *request, d *device.Table, l *device.Link, master uint32) linux.Errno {
	dev := link.Of(l)
	if master == 0 {
		if dev != nil {
			return dev.Enslave(nil)
		}
		return 0
	}
	m, errno := d.Find(int32(master), "")
	if errno != 0 {
		return linux.EINVAL
	}
	bridge := link.Of(&m)
	switch {
	case bridge == nil || m.Kind != "bridge":
		return linux.EOPNOTSUPP
	case l.Loopback():
		return linux.EINVAL
	case dev == nil: // one to the outside answers for its own address only
		return linux.EOPNOTSUPP
	}
	errno = dev.Enslave(bridge)
	if errno == linux.ELOOP {
		return q.because(errno, "Can not enslave a bridge to a bridge")
	}
	return errno
}

// delLink removes an interface (rtnl_dellink).
func (s *Socket) delLink(q *request) linux.Errno {
	_, _, l, errno := s.linkOf(q)
	if errno != 0 {
		return errno
	}
	dev := link.Of(&l)
	if dev == nil {
		return linux.EOPNOTSUPP
	}
	dev.Destroy()
	return 0
}
