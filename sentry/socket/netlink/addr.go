package netlink

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strings"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/device"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// Addresses of interfaces (net/ipv4/devinet.c, net/ipv6/addrconf.c).

// parseAddr takes a request about an address apart.
func parseAddr(q *request) (index int32, a device.Addr, errno linux.Errno) {
	var m linux.Ifaddrmsg
	if len(q.body) > 0 && q.body[0] != linux.AF_INET && q.body[0] != linux.AF_INET6 { // rtnetlink_rcv_msg: by family first
		return 0, a, linux.EOPNOTSUPP
	}
	if !usermem.Decode(q.body, &m) {
		return 0, a, linux.EINVAL
	}
	at := attrs(q.body[8:])
	ip, peer := at[linux.IFA_LOCAL], at[linux.IFA_ADDRESS]
	if ip == nil {
		ip = peer
	}
	size := 4
	switch m.Family {
	case linux.AF_INET:
	case linux.AF_INET6:
		size = 16
	default:
		return 0, a, linux.EOPNOTSUPP
	}
	if len(ip) != size || int(m.Prefixlen) > 8*size {
		return 0, a, linux.EINVAL
	}
	a = device.Addr{Family: m.Family, IP: append([]byte(nil), ip...), Prefix: m.Prefixlen, Scope: m.Scope}
	if len(peer) == size && string(peer) != string(ip) {
		a.Peer = append([]byte(nil), peer...)
	}
	if b := at[linux.IFA_BROADCAST]; len(b) == 4 && size == 4 {
		a.Broadcast = append([]byte(nil), b...)
	}
	if b := at[linux.IFA_LABEL]; size == 4 && len(b) <= linux.IFNAMSIZ {
		a.Label, _, _ = strings.Cut(string(b), "\x00")
	}
	if b := at[linux.IFA_CACHEINFO]; len(b) >= 8 { // preferred, valid; they are not kept
		if preferred, valid := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:]); valid == 0 || preferred > valid {
			return 0, a, linux.EINVAL
		}
	}
	if b := at[linux.IFA_FLAGS]; len(b) >= 4 {
		v := binary.LittleEndian.Uint32(b)
		a.NoRoute, a.NoDAD = v&linux.IFA_F_NOPREFIXROUTE != 0, v&linux.IFA_F_NODAD != 0
	} else {
		a.NoDAD = m.Flags&linux.IFA_F_NODAD != 0
	}
	if size == 16 { // of IPv6 the address tells (ipv6_addr_scope)
		switch n := netip.AddrFrom16([16]byte(a.IP)); {
		case n.IsMulticast(), n.IsUnspecified():
			return 0, a, linux.EADDRNOTAVAIL
		case n.IsLoopback():
			a.Scope = linux.RT_SCOPE_HOST
		case n.IsLinkLocalUnicast():
			a.Scope = linux.RT_SCOPE_LINK
		default:
			a.Scope = linux.RT_SCOPE_UNIVERSE
		}
	}
	return int32(m.Index), a, 0
}

// changeAddr adds or removes an address.
func (s *Socket) changeAddr(q *request) linux.Errno {
	index, a, errno := parseAddr(q)
	if errno != 0 {
		return errno
	}
	d, family := socket.Devices(s.NS), "ipv4"
	if a.Family == linux.AF_INET6 {
		family = "ipv6"
	}
	if index == 0 {
		return linux.ENODEV
	}
	if q.Type == linux.RTM_DELADDR {
		if errno = d.DelAddr(index, a); errno == linux.EADDRNOTAVAIL {
			return q.because(errno, "%s", map[string]string{"ipv4": "ipv4: Address not found", "ipv6": "ipv6: address not found"}[family])
		}
		return errno
	}
	errno = d.AddAddr(index, a)
	if errno == linux.EEXIST {
		if q.Flags&linux.NLM_F_REPLACE != 0 {
			return 0
		}
		return q.because(errno, "%s", map[string]string{"ipv4": "ipv4: Address already assigned", "ipv6": "ipv6: address already assigned"}[family])
	}
	return errno
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

// secondary reports whether an address of IPv4 is in the network of one that was there before.
func secondary(l *device.Link, a device.Addr) bool {
	for _, b := range l.Addrs {
		if b.Same(a) || b.Family != linux.AF_INET {
			return false
		}
		if b.Prefix == a.Prefix && string(masked(b)) == string(masked(a)) {
			return true
		}
	}
	return false
}

// putAddr describes one (inet_fill_ifaddr, inet6_fill_ifaddr).
func putAddr(r *reply, h linux.Nlmsghdr, l *device.Link, a device.Addr) {
	flags := uint32(linux.IFA_F_PERMANENT)
	if a.Family == linux.AF_INET && secondary(l, a) {
		flags |= linux.IFA_F_SECONDARY
	}
	if a.NoRoute {
		flags |= linux.IFA_F_NOPREFIXROUTE
	}
	if a.NoDAD && a.Family == linux.AF_INET6 {
		flags |= linux.IFA_F_NODAD
	}
	if a.Tentative {
		flags |= linux.IFA_F_TENTATIVE
	}
	if a.Duplicate {
		flags |= linux.IFA_F_DADFAILED
	}
	begin(r, h, &linux.Ifaddrmsg{Family: a.Family, Prefixlen: a.Prefix, Flags: uint8(flags), Scope: a.Scope, Index: uint32(l.Index)})
	r.attr(linux.IFA_ADDRESS, a.Network()...)
	if a.Family == linux.AF_INET || a.Peer != nil {
		r.attr(linux.IFA_LOCAL, a.IP...)
	}
	if a.Family == linux.AF_INET {
		if a.Broadcast != nil {
			r.attr(linux.IFA_BROADCAST, a.Broadcast...)
		}
		label := a.Label
		if label == "" {
			label = l.Name
		}
		r.str(linux.IFA_LABEL, label)
	}
	forever := append(bytes.Repeat([]byte{255}, 8), make([]byte, 8)...)
	if a.Family == linux.AF_INET6 {
		r.attr(linux.IFA_CACHEINFO, forever...)
		r.attr32(linux.IFA_FLAGS, flags)
	} else {
		r.attr32(linux.IFA_FLAGS, flags)
		r.attr(linux.IFA_CACHEINFO, forever...)
	}
	r.end()
}
