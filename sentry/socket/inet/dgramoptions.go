package inet

import (
	"encoding/binary"
	"net/netip"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/dgram"
	"github.com/seed-7423c386/runsc/sentry/net/header"
	"github.com/seed-7423c386/runsc/sentry/socket"
)

// SetOwn is socket.OwnOptions's.
func (s *Dgram) SetOwn(c socket.Caller, name int, value []byte) (linux.Errno, bool) {
	if name == linux.SO_NO_CHECK && len(value) >= 4 {
		s.ep.NoCheck.Store(binary.LittleEndian.Uint32(value) != 0)
	}
	if errno, known := s.setProgram(c, name, value); known {
		return errno, true
	}
	if name == linux.SO_PEEK_OFF && s.ep.Kind.HasPorts() && len(value) >= 4 {
		s.ep.Reclaim()
		s.PeekOff.Store(int32(binary.LittleEndian.Uint32(value)))
		return 0, true
	}
	return s.setOwn(c, name, value, s.ep)
}

// GetOwn is socket.OwnOptions's.
func (s *Dgram) GetOwn(name int) ([]byte, linux.Errno, bool) {
	if name == linux.SO_PEEK_OFF && s.ep.Kind.HasPorts() {
		return int32Bytes(s.PeekOff.Load()), 0, true
	}
	return s.getOwn(name, s.ep)
}

// SetOption is setsockopt(2) but at SOL_SOCKET.
func (s *Dgram) SetOption(c socket.Caller, level, name int, value []byte) linux.Errno {
	switch {
	case (level == linux.SOL_UDP || level == linux.SOL_UDPLITE) && s.ep.Kind.HasPorts():
		return s.setUDP(name, value)
	case level == linux.SOL_RAW && s.ep.Kind == dgram.Raw && !s.v6:
		return s.setFilter(name, value, linux.IPPROTO_ICMP, 4)
	case level == linux.SOL_ICMPV6 && s.ep.Kind == dgram.Raw && s.v6:
		return s.setFilter(name, value, linux.IPPROTO_ICMPV6, 32)
	case level == linux.SOL_RAW && s.ep.Kind == dgram.Raw && s.v6 && name == linux.IPV6_CHECKSUM && s.ep.Proto == linux.IPPROTO_ICMPV6:
		if len(value) < 4 {
			return linux.EINVAL
		}
		return 0 // it is there anyway (do_rawv6_setsockopt)
	case level == linux.IPPROTO_IP && !(s.v6 && s.ep.Kind == dgram.Raw):
		return s.setDgram4(c, name, value)
	case level == linux.IPPROTO_IPV6 && s.v6:
		return s.setDgram6(c, name, value)
	}
	return linux.ENOPROTOOPT
}

func (s *Dgram) setUDP(name int, value []byte) linux.Errno {
	if len(value) < 4 {
		return linux.EINVAL
	}
	v := int32(binary.LittleEndian.Uint32(value))
	switch name {
	case linux.UDP_CORK:
		s.opt.cork.Store(v != 0)
		if v == 0 {
			return s.uncork()
		}
	case linux.UDP_SEGMENT:
		if v < 0 || v > 65535 {
			return linux.EINVAL
		}
		s.opt.mu.Lock()
		s.opt.segment = v
		s.opt.mu.Unlock()
	case linux.UDP_GRO, linux.UDP_NO_CHECK6_TX, linux.UDP_NO_CHECK6_RX:
		if name == linux.UDP_GRO {
			s.ep.Gro.Store(v != 0)
		}
		s.opt.mu.Lock()
		s.opt.keep(name+keptTCP, truth(v != 0))
		s.opt.mu.Unlock()
	case linux.UDPLITE_SEND_CSCOV, linux.UDPLITE_RECV_CSCOV:
		if s.ep.Kind != dgram.UDPLite {
			return linux.ENOPROTOOPT
		}
		if v != 0 { // RFC 3828, section 3.1: the header is always covered
			v = min(max(v, header.UDPSize), 65535)
		}
		cover := &s.ep.Cover
		if name == linux.UDPLITE_RECV_CSCOV {
			cover = &s.ep.LeastCover
		}
		cover.Store(v)
	default:
		return linux.ENOPROTOOPT
	}
	return 0
}

// setFilter is ICMP_FILTER and its like for IPv6, of n bytes.
func (s *Dgram) setFilter(name int, value []byte, proto uint8, n int) linux.Errno {
	if name != linux.ICMP_FILTER {
		return linux.ENOPROTOOPT
	}
	if s.ep.Proto != proto {
		return linux.EOPNOTSUPP
	}
	var f [8]uint32
	if old := s.ep.Filter.Load(); old != nil {
		f = *old
	}
	value = value[:min(len(value), n)]
	for i := 0; i+4 <= len(value); i += 4 {
		f[i/4] = binary.LittleEndian.Uint32(value[i:])
	}
	s.ep.Filter.Store(&f)
	return 0
}

// setDgram4 is setsockopt(2) at IPPROTO_IP.
func (s *Dgram) setDgram4(c socket.Caller, name int, value []byte) linux.Errno {
	switch name {
	case linux.IP_ADD_MEMBERSHIP, linux.IP_DROP_MEMBERSHIP, linux.IP_MULTICAST_IF:
		return s.membership4(name, value)
	case linux.IP_ADD_SOURCE_MEMBERSHIP, linux.IP_DROP_SOURCE_MEMBERSHIP, linux.IP_BLOCK_SOURCE, linux.IP_UNBLOCK_SOURCE:
		return s.source4(name, value)
	case linux.MCAST_JOIN_GROUP, linux.MCAST_LEAVE_GROUP, linux.MCAST_JOIN_SOURCE_GROUP, linux.MCAST_LEAVE_SOURCE_GROUP,
		linux.MCAST_BLOCK_SOURCE, linux.MCAST_UNBLOCK_SOURCE:
		return s.groupReq(name, value, false)
	case linux.IP_MSFILTER:
		return s.setSources(value)
	}
	errno := s.setIP4(c, name, value)
	if errno == 0 {
		s.opt.mu.Lock()
		s.ep.RecvErr4.Store(s.opt.recv[linux.IP_RECVERR])
		s.ep.Discover4.Store(s.opt.mtu)
		if name == linux.IP_RECVERR && !s.opt.recv[name] {
			s.ep.DropErrors()
		}
		if !s.v6 {
			s.ep.MulticastAll.Store(s.opt.recv[linux.IP_MULTICAST_ALL])
		}
		s.opt.mu.Unlock()
	}
	return errno
}

// linkBy finds the interface that an index or an address names, or else the one that packets to
// the group go out of: ENODEV.
func (s *Dgram) linkBy(index int32, addr, group netip.Addr) (int32, linux.Errno) {
	if index != 0 {
		l, errno := s.net.Stack.Devices.Find(index, "")
		return l.Index, errno
	}
	if addr.IsValid() && !addr.IsUnspecified() {
		if l := s.net.Stack.LinkOf(addr); l != 0 {
			return l, 0
		}
		return 0, linux.ENODEV
	}
	p, errno := s.net.Stack.Path(group, netip.Addr{}, 0)
	if errno != 0 {
		return 0, linux.ENODEV
	}
	return p.Link, 0
}

// membership4 takes a struct ip_mreq or ip_mreqn.
func (s *Dgram) membership4(name int, value []byte) linux.Errno {
	var group, addr netip.Addr
	var index int32
	switch {
	case name == linux.IP_MULTICAST_IF && len(value) >= 4 && len(value) < 8:
		addr = netip.AddrFrom4([4]byte(value[:4]))
	case len(value) >= 8:
		group, addr = netip.AddrFrom4([4]byte(value[:4])), netip.AddrFrom4([4]byte(value[4:8]))
		if len(value) >= 12 {
			index = int32(binary.LittleEndian.Uint32(value[8:]))
		}
	default:
		return linux.EINVAL
	}
	if name == linux.IP_MULTICAST_IF {
		return s.multicastIf(index, addr)
	}
	if !group.IsMulticast() {
		if name == linux.IP_DROP_MEMBERSHIP {
			return linux.EADDRNOTAVAIL
		}
		return linux.EINVAL
	}
	link, errno := s.linkBy(index, addr, group)
	if name == linux.IP_DROP_MEMBERSHIP {
		if errno != 0 {
			return errno
		}
		return s.ep.Leave(group, link)
	}
	if errno != 0 {
		return errno
	}
	return s.ep.Join(dgram.Membership{Group: group, Link: link, Exclude: true})
}

func (s *Dgram) multicastIf(index int32, addr netip.Addr) linux.Errno {
	link := int32(0)
	if index != 0 || !addr.IsUnspecified() {
		var errno linux.Errno
		if link, errno = s.linkBy(index, addr, addr); errno != 0 {
			return linux.EADDRNOTAVAIL
		}
	}
	s.opt.mu.Lock()
	defer s.opt.mu.Unlock()
	s.opt.mcLink, s.opt.mcSrc = link, addr
	if addr.IsUnspecified() {
		s.opt.mcSrc = netip.Addr{}
	}
	return 0
}

// source4 takes a struct ip_mreq_source.
func (s *Dgram) source4(name int, value []byte) linux.Errno {
	if len(value) < 12 {
		return linux.EINVAL
	}
	group, addr, src := netip.AddrFrom4([4]byte(value[:4])), netip.AddrFrom4([4]byte(value[4:8])), netip.AddrFrom4([4]byte(value[8:12]))
	return s.sourceGroup(name, group, src, 0, addr)
}

func (s *Dgram) sourceGroup(name int, group, src netip.Addr, index int32, addr netip.Addr) linux.Errno {
	if !group.IsMulticast() {
		return linux.EINVAL
	}
	link, errno := s.linkBy(index, addr, group)
	if errno != 0 {
		return errno
	}
	switch name {
	case linux.IP_ADD_SOURCE_MEMBERSHIP, linux.MCAST_JOIN_SOURCE_GROUP:
		if errno := s.ep.Join(dgram.Membership{Group: group, Link: link}); errno != 0 && errno != linux.EADDRINUSE {
			return errno
		}
		return s.ep.Source(group, link, src, true, false)
	case linux.IP_DROP_SOURCE_MEMBERSHIP, linux.MCAST_LEAVE_SOURCE_GROUP:
		return s.ep.Source(group, link, src, false, false)
	}
	return s.ep.Source(group, link, src, name == linux.IP_BLOCK_SOURCE || name == linux.MCAST_BLOCK_SOURCE, true)
}

// groupReq takes a struct group_req or group_source_req, of either version.
func (s *Dgram) groupReq(name int, value []byte, v6 bool) linux.Errno {
	const storage = 128
	withSource := name != linux.MCAST_JOIN_GROUP && name != linux.MCAST_LEAVE_GROUP
	if len(value) < 8+storage || withSource && len(value) < 8+2*storage {
		return linux.EINVAL
	}
	index := int32(binary.LittleEndian.Uint32(value))
	ip := func(b []byte) netip.Addr {
		switch {
		case family(b) == linux.AF_INET && !v6:
			return netip.AddrFrom4([4]byte(b[4:8]))
		case family(b) == linux.AF_INET6 && v6:
			return netip.AddrFrom16([16]byte(b[8:24]))
		}
		return netip.Addr{}
	}
	group := ip(value[8:])
	if !group.IsValid() {
		return linux.EADDRNOTAVAIL
	}
	if withSource {
		src := ip(value[8+storage:])
		if !src.IsValid() {
			return linux.EADDRNOTAVAIL
		}
		return s.sourceGroup(name, group, src, index, netip.Addr{})
	}
	return s.joinGroup(name == linux.MCAST_JOIN_GROUP, group, index)
}

func (s *Dgram) joinGroup(join bool, group netip.Addr, index int32) linux.Errno {
	if !group.IsMulticast() {
		return linux.EINVAL
	}
	link, errno := s.linkBy(index, netip.Addr{}, group)
	switch {
	case !join && errno != 0 && s.v6:
		return linux.EADDRNOTAVAIL
	case errno != 0:
		return errno
	case join:
		return s.ep.Join(dgram.Membership{Group: group, Link: link, Exclude: true})
	}
	return s.ep.Leave(group, link)
}

// setDgram6 is setsockopt(2) at IPPROTO_IPV6.
func (s *Dgram) setDgram6(c socket.Caller, name int, value []byte) linux.Errno {
	switch name {
	case linux.IPV6_V6ONLY:
		return s.setOnly(value, s.ep.Bound() || s.ep.Kind == dgram.Raw, s.ep.SetOnly)
	case linux.IPV6_JOIN_GROUP, linux.IPV6_LEAVE_GROUP:
		if len(value) < 20 {
			return linux.EINVAL
		}
		return s.joinGroup(name == linux.IPV6_JOIN_GROUP, netip.AddrFrom16([16]byte(value[:16])), int32(binary.LittleEndian.Uint32(value[16:])))
	case linux.MCAST_JOIN_GROUP, linux.MCAST_LEAVE_GROUP, linux.MCAST_JOIN_SOURCE_GROUP, linux.MCAST_LEAVE_SOURCE_GROUP,
		linux.MCAST_BLOCK_SOURCE, linux.MCAST_UNBLOCK_SOURCE:
		return s.groupReq(name, value, true)
	case linux.IPV6_MULTICAST_IF:
		return s.multicastIf6(value)
	case linux.IPV6_HDRINCL:
		if s.ep.Kind != dgram.Raw {
			return linux.ENOPROTOOPT
		}
		if len(value) < 4 {
			return linux.EINVAL
		}
		s.opt.hdrincl.Store(binary.LittleEndian.Uint32(value) != 0)
		return 0
	case linux.IPV6_CHECKSUM:
		if s.ep.Kind != dgram.Raw {
			return linux.ENOPROTOOPT
		}
		if len(value) < 4 || s.ep.Proto == linux.IPPROTO_ICMPV6 { // RFC 3542, section 3.1
			return linux.EINVAL
		}
		v := int32(binary.LittleEndian.Uint32(value))
		if v > 0 && v&1 != 0 {
			return linux.EINVAL
		}
		s.opt.mu.Lock()
		defer s.opt.mu.Unlock()
		s.opt.checksum = max(v, -1)
		return 0
	}
	errno := s.setIP6(c, name, value)
	if errno == 0 {
		s.opt.mu.Lock()
		s.ep.RecvErr6.Store(s.opt.recv6[linux.IPV6_RECVERR])
		s.ep.Discover6.Store(s.opt.mtu6)
		s.ep.WantsMTU.Store(s.opt.recv6[linux.IPV6_RECVPATHMTU])
		if name == linux.IPV6_RECVERR && !s.opt.recv6[name] {
			s.ep.DropErrors()
		}
		s.ep.MulticastAll.Store(s.opt.recv6[linux.IPV6_MULTICAST_ALL])
		s.opt.mu.Unlock()
	}
	return errno
}

func (s *Dgram) multicastIf6(value []byte) linux.Errno {
	if len(value) < 4 {
		return linux.EINVAL
	}
	v := int32(binary.LittleEndian.Uint32(value))
	if v != 0 {
		if _, errno := s.net.Stack.Devices.Find(v, ""); errno != 0 {
			return errno
		}
		if b := s.ep.BoundLink(); b != 0 && b != v {
			return linux.EINVAL
		}
	}
	s.opt.mu.Lock()
	defer s.opt.mu.Unlock()
	s.opt.mcLink6 = v
	return 0
}

// Option is getsockopt(2) but at SOL_SOCKET.
func (s *Dgram) Option(c socket.Caller, level, name, n int) ([]byte, linux.Errno) {
	switch {
	case (level == linux.SOL_UDP || level == linux.SOL_UDPLITE) && s.ep.Kind.HasPorts():
		return s.getUDP(name, n)
	case level == linux.SOL_RAW && s.ep.Kind == dgram.Raw && name == linux.ICMP_FILTER && !s.v6:
		return s.getFilter(n, linux.IPPROTO_ICMP, 4)
	case level == linux.SOL_ICMPV6 && s.ep.Kind == dgram.Raw && name == linux.ICMPV6_FILTER && s.v6:
		return s.getFilter(n, linux.IPPROTO_ICMPV6, 32)
	case level == linux.IPPROTO_IP && name == linux.IP_MTU, level == linux.IPPROTO_IPV6 && s.v6 && name == linux.IPV6_MTU:
		a, ok := s.ep.Remote()
		if !ok {
			return nil, linux.ENOTCONN
		}
		return s.pathMTU(a.Addr(), 0, n)
	case level == linux.IPPROTO_IPV6 && s.v6 && name == linux.IPV6_HDRINCL && s.ep.Kind == dgram.Raw:
		return int32Bytes(truth(s.opt.hdrincl.Load())), 0
	case level == linux.IPPROTO_IPV6 && s.v6 && name == linux.IPV6_PATHMTU:
		a, ok := s.ep.Remote()
		return s.mtuInfo(a.Addr(), ok, 0, n)
	case level == linux.IPPROTO_IPV6 && s.v6 && name == linux.IPV6_CHECKSUM && s.ep.Kind == dgram.Raw:
		s.opt.mu.Lock()
		defer s.opt.mu.Unlock()
		return int32Bytes(s.opt.checksum), 0
	case level == linux.IPPROTO_IP && !(s.v6 && s.ep.Kind == dgram.Raw):
		return s.getIP4(name, n)
	case level == linux.IPPROTO_IPV6 && s.v6:
		return s.getIP6(name)
	}
	return nil, s.noLevel()
}

func (s *Dgram) getFilter(n int, proto uint8, size int) ([]byte, linux.Errno) {
	if s.ep.Proto != proto {
		return nil, linux.EOPNOTSUPP
	}
	var f [8]uint32
	if old := s.ep.Filter.Load(); old != nil {
		f = *old
	}
	var b []byte
	for _, w := range f {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return b[:min(n, size)], 0
}

func (s *Dgram) getUDP(name, n int) ([]byte, linux.Errno) {
	s.opt.mu.Lock()
	defer s.opt.mu.Unlock()
	v := int32(0)
	switch name {
	case linux.UDP_CORK:
		v = truth(s.opt.cork.Load())
	case linux.UDP_SEGMENT:
		v = s.opt.segment
	case linux.UDP_GRO, linux.UDP_NO_CHECK6_TX, linux.UDP_NO_CHECK6_RX:
		v = s.opt.values[name+keptTCP]
	case linux.UDPLITE_SEND_CSCOV:
		v = max(0, s.ep.Cover.Load())
	case linux.UDPLITE_RECV_CSCOV:
		v = max(0, s.ep.LeastCover.Load())
	default:
		return nil, linux.ENOPROTOOPT
	}
	return int32Bytes(v)[:min(n, 4)], 0
}

// pathMTU is IP_MTU: the largest packet to a.
func (s *common) pathMTU(a netip.Addr, link int32, n int) ([]byte, linux.Errno) {
	p, errno := s.net.Stack.Path(a, netip.Addr{}, link)
	if errno != 0 {
		return nil, linux.ENOTCONN
	}
	s.net.Stack.Narrow(&p, a)
	mtu := p.MTU
	if a.Is4() {
		mtu = min(mtu, 65535)
	}
	return intTo(int32(mtu), n), 0
}

// mtuInfo is IPV6_PATHMTU: a struct ip6_mtuinfo for the way to a, of which only the size is filled in.
func (s *common) mtuInfo(a netip.Addr, connected bool, link int32, n int) ([]byte, linux.Errno) {
	if n < linux.SizeofSockaddrIn6+4 {
		return nil, linux.EINVAL
	}
	if !connected {
		return nil, linux.ENOTCONN
	}
	mtu, errno := s.pathMTU(a, link, 4)
	return append(make([]byte, linux.SizeofSockaddrIn6), mtu...), errno
}
