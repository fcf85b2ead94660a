package inet

import (
	"encoding/binary"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/dgram"
	"github.com/seed-7423c386/runsc/sentry/socket"
)

// options are those at IPPROTO_IP and IPPROTO_IPV6.
type options struct {
	v6only, freebind, hdrincl, inq, cork atomic.Bool
	timeSeen                             atomic.Int64

	mu        sync.Mutex
	recv      map[int]bool // on-off options of IPv4, by name
	recv6     map[int]bool
	values    map[int]int32 // others that are only kept
	values6   map[int]int32
	tos       uint8
	ttl       int32 // -1: the default
	mcTTL     uint8
	mcLink    int32
	mcSrc     netip.Addr
	mtu       int32
	class     int32 // traffic class, -1: the default
	hops      int32
	mcHops    int32
	mcLink6   int32
	mtu6      int32
	sticky    netip.Addr
	checksum  int32
	segment   int32
	options4  []byte
	stickyDev int32
	pacing    uint64
}

func (o *options) init(n *Net, v6 bool) {
	o.pacing = 1<<64 - 1
	o.ttl, o.mcTTL, o.hops, o.mcHops, o.class, o.checksum = -1, 1, -1, -1, -1, -1
	o.mtu, o.mtu6 = linux.IP_PMTUDISC_WANT, linux.IP_PMTUDISC_WANT
	o.recv = map[int]bool{linux.IP_MULTICAST_LOOP: true, linux.IP_MULTICAST_ALL: !v6}
	o.recv6 = map[int]bool{linux.IPV6_MULTICAST_LOOP: true, linux.IPV6_MULTICAST_ALL: true, linux.IPV6_AUTOFLOWLABEL: true}
	o.v6only.Store(n.Stack.Settings.BindV6Only.Load())
}

// inherit takes a listener's.
func (o *options) inherit(l *options) {
	l.mu.Lock()
	defer l.mu.Unlock()
	o.v6only.Store(l.v6only.Load())
	o.freebind.Store(l.freebind.Load())
	o.inq.Store(l.inq.Load())
	o.tos, o.ttl, o.hops, o.class = l.tos, l.ttl, l.hops, l.class
	o.mtu, o.mtu6, o.mcTTL, o.mcHops = l.mtu, l.mtu6, l.mcTTL, l.mcHops
	for k, v := range l.recv {
		o.recv[k] = v
	}
	for k, v := range l.recv6 {
		o.recv6[k] = v
	}
	for k, v := range l.values {
		if k < keptTCP {
			o.keep(k, v)
		}
	}
	for k, v := range l.values6 {
		o.keep6(k, v)
	}
}

// noPort is IP_BIND_ADDRESS_NO_PORT.
func (o *options) noPort() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.recv[linux.IP_BIND_ADDRESS_NO_PORT]
}

// multicastLink is where packets to groups go out of if nothing else says so.
func (o *options) multicastLink(a netip.Addr) int32 {
	o.mu.Lock()
	defer o.mu.Unlock()
	if a.Is6() {
		return o.mcLink6
	}
	return o.mcLink
}

// fill is how the options say that a message is to be sent.
func (o *options) fill(s *dgram.SendOptions) {
	o.mu.Lock()
	defer o.mu.Unlock()
	s.Checksum, s.HdrIncl, s.MoreSize = int(o.checksum), o.hdrincl.Load(), int(o.segment)
	ttl := o.ttl
	if s.To.Addr().Is4() {
		s.TOS, s.DontFrag, s.Options = o.tos, whole(o.mtu), o.options4
		s.Whole, s.Probe, s.NoBit = o.mtu == linux.IP_PMTUDISC_WANT, o.mtu >= linux.IP_PMTUDISC_PROBE, o.mtu == linux.IP_PMTUDISC_INTERFACE
		if s.To.Addr().IsMulticast() {
			ttl = int32(o.mcTTL)
			if s.Link == 0 {
				s.Link = o.mcLink
			}
			if o.mcSrc.IsValid() {
				s.Src = o.mcSrc
			}
		}
	} else {
		s.TOS, s.Probe = uint8(max(o.class, 0)), o.mtu6 >= linux.IP_PMTUDISC_PROBE
		s.DontFrag6 = o.recv6[linux.IPV6_DONTFRAG]
		s.DontFrag, s.MTU = s.DontFrag6 || whole(o.mtu6), int(o.values6[linux.IPV6_MTU])
		if ttl = o.hops; s.To.Addr().IsMulticast() {
			if ttl = o.mcHops; ttl < 0 {
				ttl = 1
			}
			if s.Link == 0 {
				s.Link = o.mcLink6
			}
		}
		if o.sticky.IsValid() {
			s.Src = o.sticky
		}
		if s.Link == 0 {
			s.Link = o.stickyDev
		}
	}
	s.TTL = uint8(max(ttl, 0))
}

// whole reports whether IP_MTU_DISCOVER or IPV6_MTU_DISCOVER says that nothing is to be sent that does not fit in one piece.
func whole(discover int32) bool {
	return discover >= linux.IP_PMTUDISC_DO && discover != linux.IP_PMTUDISC_OMIT
}

// intOf reads an option's value as Linux reads those of IPv4: an int, or a byte if it is short.
func intOf(value []byte) (int32, bool) {
	switch {
	case len(value) >= 4:
		return int32(binary.LittleEndian.Uint32(value)), true
	case len(value) >= 1:
		return int32(value[0]), true
	}
	return 0, false
}

// intTo is the counterpart for a buffer of n bytes.
func intTo(v int32, n int) []byte {
	if n < 4 && n > 0 && v >= 0 && v <= 255 {
		return []byte{byte(v)}
	}
	return int32Bytes(v)
}

// switches4 are options of IPv4 that are on or off.
var switches4 = map[int]bool{
	linux.IP_PKTINFO: true, linux.IP_RECVTTL: true, linux.IP_RECVOPTS: true, linux.IP_RECVTOS: true, linux.IP_RETOPTS: true,
	linux.IP_RECVORIGDSTADDR: true, linux.IP_RECVFRAGSIZE: true, linux.IP_CHECKSUM: true, linux.IP_PASSSEC: true,
	linux.IP_MULTICAST_LOOP: true, linux.IP_MULTICAST_ALL: true, linux.IP_NODEFRAG: true, linux.IP_BIND_ADDRESS_NO_PORT: true,
	linux.IP_RECVERR: true, linux.IP_RECVERR_RFC4884: true, linux.IP_FREEBIND: true, linux.IP_TRANSPARENT: true, linux.IP_HDRINCL: true,
	linux.IP_ROUTER_ALERT: true,
}

// emptyIsZero are options of IPv4 that a value of no bytes sets to 0 (do_ip_setsockopt).
var emptyIsZero = map[int]bool{
	linux.IP_PKTINFO: true, linux.IP_RECVTTL: true, linux.IP_RECVOPTS: true, linux.IP_RECVTOS: true, linux.IP_RETOPTS: true,
	linux.IP_RECVORIGDSTADDR: true, linux.IP_RECVERR: true, linux.IP_TOS: true, linux.IP_MTU_DISCOVER: true,
}

// setIP4 is setsockopt(2) at IPPROTO_IP (do_ip_setsockopt).
func (s *common) setIP4(c socket.Caller, name int, value []byte) linux.Errno {
	v, ok := intOf(value)
	if !ok && name != linux.IP_OPTIONS && !emptyIsZero[name] {
		return linux.EINVAL
	}
	if switches4[name] {
		return s.setSwitch4(c, name, v)
	}
	o := &s.opt
	o.mu.Lock()
	defer o.mu.Unlock()
	switch name {
	case linux.IP_TOS:
		if s.Type == linux.SOCK_STREAM {
			v = v&^3 | int32(o.tos)&3
		}
		if o.tos != uint8(v) {
			s.SetPriority([4]int32{0, 2, 6, 4}[v&0x1e>>3]) // ip_tos2prio
		}
		o.tos = uint8(v)
	case linux.IP_TTL:
		if v != -1 && (v < 1 || v > 255) {
			return linux.EINVAL
		}
		o.ttl = v
	case linux.IP_MTU_DISCOVER:
		if v < linux.IP_PMTUDISC_DONT || v > linux.IP_PMTUDISC_OMIT {
			return linux.EINVAL
		}
		o.mtu = v
	case linux.IP_MINTTL:
		if v < 0 || v > 255 {
			return linux.EINVAL
		}
		o.keep(name, v)
	case linux.IP_LOCAL_PORT_RANGE:
		if low, high := uint16(v), uint32(v)>>16; len(value) != 4 || high != 0 && uint32(low) > high {
			return linux.EINVAL
		}
		o.keep(name, v)
		s.Own.(ranger).setRange(uint32(v))
	case linux.IP_MULTICAST_TTL:
		if s.Type == linux.SOCK_STREAM {
			return linux.EINVAL
		}
		if v == -1 {
			v = 1
		}
		if v < 0 || v > 255 {
			return linux.EINVAL
		}
		o.mcTTL = uint8(v)
	case linux.IP_UNICAST_IF:
		if len(value) != 4 {
			return linux.EINVAL
		}
		if !s.hasLink(value) {
			return linux.EADDRNOTAVAIL
		}
		o.keep(name, v)
	case linux.IP_OPTIONS:
		if !wellFormed(value) {
			return linux.EINVAL
		}
		o.options4 = append([]byte(nil), value...)
	default:
		return linux.ENOPROTOOPT
	}
	return 0
}

// ranger is a socket whose port may be chosen.
type ranger interface {
	setRange(uint32)
	port() uint16
}

// wellFormed looks at options of IPv4 (ip_options_compile): a byte, or a type, a length and as much.
func wellFormed(b []byte) bool {
	if len(b) > 40 {
		return false
	}
	for len(b) > 0 {
		n := 1
		switch {
		case b[0] == 0: // the end
			return true
		case b[0] != 1 && (len(b) < 2 || b[1] < 2 || int(b[1]) > len(b)):
			return false
		case b[0] != 1:
			n = int(b[1])
		}
		b = b[n:]
	}
	return true
}

// hasLink reports whether there is the interface that IP_UNICAST_IF and IPV6_UNICAST_IF name, in network order; 0 is none.
func (s *common) hasLink(value []byte) bool {
	index := int32(binary.BigEndian.Uint32(value))
	_, errno := s.net.Stack.Devices.Find(index, "")
	return index == 0 || errno == 0
}

// keep stores a value that only getsockopt(2) shows. o is locked.
func (o *options) keep(name int, v int32) {
	if o.values == nil {
		o.values = map[int]int32{}
	}
	o.values[name] = v
}

func (o *options) keep6(name int, v int32) {
	if o.values6 == nil {
		o.values6 = map[int]int32{}
	}
	o.values6[name] = v
}

func (s *common) setSwitch4(c socket.Caller, name int, v int32) linux.Errno {
	switch name {
	case linux.IP_RECVERR_RFC4884:
		if v != 0 && v != 1 {
			return linux.EINVAL
		}
	case linux.IP_RECVFRAGSIZE:
		if s.Type == linux.SOCK_STREAM {
			return linux.EINVAL
		}
	case linux.IP_HDRINCL:
		if s.Type != linux.SOCK_RAW {
			return linux.ENOPROTOOPT
		}
		s.opt.hdrincl.Store(v != 0)
	case linux.IP_NODEFRAG:
		if s.Type != linux.SOCK_RAW {
			return linux.ENOPROTOOPT
		}
	case linux.IP_MULTICAST_LOOP, linux.IP_MULTICAST_ALL:
		if name == linux.IP_MULTICAST_ALL && v != 0 && v != 1 {
			return linux.EINVAL
		}
	case linux.IP_FREEBIND:
		s.opt.freebind.Store(v != 0)
	case linux.IP_TRANSPARENT:
		if v != 0 && !c.Cred().Has(linux.CAP_NET_RAW) && !c.Cred().Has(linux.CAP_NET_ADMIN) {
			return linux.EPERM
		}
		s.opt.freebind.Store(v != 0)
	case linux.IP_ROUTER_ALERT:
		return linux.EINVAL
	}
	s.opt.mu.Lock()
	defer s.opt.mu.Unlock()
	s.opt.recv[name] = v != 0
	return 0
}

// getIP4 is getsockopt(2) at IPPROTO_IP (do_ip_getsockopt).
func (s *common) getIP4(name, n int) ([]byte, linux.Errno) {
	o := &s.opt
	o.mu.Lock()
	defer o.mu.Unlock()
	v := int32(0)
	switch {
	case switches4[name]:
		if name == linux.IP_HDRINCL {
			o.recv[name] = o.hdrincl.Load()
		}
		if o.recv[name] {
			v = 1
		}
		return intTo(v, n), 0
	}
	switch name {
	case linux.IP_TOS:
		v = int32(o.tos)
	case linux.IP_TTL:
		if v = o.ttl; v < 0 {
			v = s.net.Stack.Settings.TTL.Load()
		}
	case linux.IP_MTU_DISCOVER:
		v = o.mtu
	case linux.IP_MULTICAST_TTL:
		v = int32(o.mcTTL)
	case linux.IP_MINTTL, linux.IP_UNICAST_IF, linux.IP_LOCAL_PORT_RANGE:
		v = o.values[name]
	case linux.IP_PROTOCOL: // inet_num, which of raw sockets is the protocol
		if v = int32(s.Protocol); s.Type != linux.SOCK_RAW {
			v = int32(s.Own.(ranger).port())
		}
	case linux.IP_OPTIONS:
		return append([]byte(nil), o.options4[:min(n, len(o.options4))]...), 0
	case linux.IP_MULTICAST_IF:
		var b [4]byte
		if o.mcSrc.IsValid() {
			b = o.mcSrc.As4()
		}
		return b[:min(4, n)], 0
	default:
		return nil, linux.ENOPROTOOPT
	}
	return intTo(v, n), 0
}

// switches6 are options of IPv6 that are on or off.
var switches6 = map[int]bool{
	linux.IPV6_RECVPKTINFO: true, linux.IPV6_2292PKTINFO: true, linux.IPV6_RECVHOPLIMIT: true, linux.IPV6_2292HOPLIMIT: true,
	linux.IPV6_RECVRTHDR: true, linux.IPV6_RECVHOPOPTS: true, linux.IPV6_RECVDSTOPTS: true, linux.IPV6_RECVTCLASS: true,
	linux.IPV6_RECVPATHMTU: true, linux.IPV6_RECVORIGDSTADDR: true, linux.IPV6_RECVFRAGSIZE: true, linux.IPV6_FLOWINFO: true,
	linux.IPV6_MULTICAST_LOOP: true, linux.IPV6_MULTICAST_ALL: true, linux.IPV6_RECVERR: true, linux.IPV6_DONTFRAG: true,
	linux.IPV6_AUTOFLOWLABEL: true, linux.IPV6_FLOWINFO_SEND: true, linux.IPV6_FREEBIND: true, linux.IPV6_TRANSPARENT: true,
	linux.IPV6_RECVERR_RFC4884: true, linux.IPV6_ROUTER_ALERT_ISO: true,
}

// setIP6 is setsockopt(2) at IPPROTO_IPV6 (do_ipv6_setsockopt), but what it needs the endpoint for.
func (s *common) setIP6(c socket.Caller, name int, value []byte) linux.Errno {
	if name == linux.IPV6_PKTINFO {
		return s.setSticky(value)
	}
	if short := len(value) < 4; short && (name == linux.IPV6_DONTFRAG || name == linux.IPV6_AUTOFLOWLABEL) {
		value = make([]byte, 4)
	} else if short {
		return linux.EINVAL
	}
	v := int32(binary.LittleEndian.Uint32(value))
	o := &s.opt
	o.mu.Lock()
	defer o.mu.Unlock()
	if switches6[name] {
		switch {
		case name == linux.IPV6_FREEBIND:
			o.freebind.Store(v != 0)
		case name == linux.IPV6_TRANSPARENT && v != 0 && !c.Cred().Has(linux.CAP_NET_RAW) && !c.Cred().Has(linux.CAP_NET_ADMIN):
			return linux.EPERM
		case (name == linux.IPV6_MULTICAST_LOOP || name == linux.IPV6_RECVERR_RFC4884) && v != 0 && v != 1:
			return linux.EINVAL
		}
		o.recv6[name] = v != 0
		return 0
	}
	field, low, high := (*int32)(nil), int32(-1), int32(255)
	switch name {
	case linux.IPV6_UNICAST_HOPS:
		field = &o.hops
	case linux.IPV6_MULTICAST_HOPS:
		field = &o.mcHops
		if s.Type == linux.SOCK_STREAM {
			return linux.ENOPROTOOPT
		}
	case linux.IPV6_TCLASS:
		field = &o.class
	case linux.IPV6_MTU_DISCOVER:
		field, low, high = &o.mtu6, 0, linux.IP_PMTUDISC_OMIT
	case linux.IPV6_MTU:
		if v != 0 && v < 1280 {
			return linux.EINVAL
		}
		o.keep6(name, v)
		return 0
	case linux.IPV6_MINHOPCOUNT:
		if v < 0 || v > 255 {
			return linux.EINVAL
		}
		o.keep6(name, v)
		return 0
	case linux.IPV6_ADDR_PREFERENCES, linux.IPV6_UNICAST_IF:
		if name == linux.IPV6_UNICAST_IF && !s.hasLink(value) {
			return linux.EADDRNOTAVAIL
		}
		o.keep6(name, v)
		return 0
	default:
		return linux.ENOPROTOOPT
	}
	if v < low || v > high {
		return linux.EINVAL
	}
	if name == linux.IPV6_TCLASS && s.Type == linux.SOCK_STREAM { // the lowest bits are ECN's
		v = max(v, 0)&^3 | max(o.class, 0)&3
	}
	*field = v
	return 0
}

// setSticky is IPV6_PKTINFO: the address that everything is sent from.
func (s *common) setSticky(value []byte) linux.Errno {
	if len(value) < 20 {
		return linux.EINVAL
	}
	a := netip.AddrFrom16([16]byte(value[:16]))
	if a.IsUnspecified() {
		a = netip.Addr{}
	}
	s.opt.mu.Lock()
	defer s.opt.mu.Unlock()
	s.opt.sticky, s.opt.stickyDev = a, int32(binary.LittleEndian.Uint32(value[16:]))
	return 0
}

// getIP6 is getsockopt(2) at IPPROTO_IPV6.
func (s *common) getIP6(name int) ([]byte, linux.Errno) {
	o := &s.opt
	o.mu.Lock()
	defer o.mu.Unlock()
	v := int32(0)
	switch {
	case switches6[name]:
		if o.recv6[name] {
			v = 1
		}
		return int32Bytes(v), 0
	}
	switch name {
	case linux.IPV6_V6ONLY:
		if o.v6only.Load() {
			v = 1
		}
	case linux.IPV6_UNICAST_HOPS:
		if v = o.hops; v < 0 {
			v = s.net.Stack.Settings.TTL.Load()
		}
	case linux.IPV6_MULTICAST_HOPS:
		if v = o.mcHops; v < 0 {
			v = 1
		}
	case linux.IPV6_MULTICAST_IF:
		v = o.mcLink6
	case linux.IPV6_TCLASS:
		v = max(o.class, 0)
	case linux.IPV6_MTU_DISCOVER:
		v = o.mtu6
	case linux.IPV6_MINHOPCOUNT, linux.IPV6_ADDR_PREFERENCES, linux.IPV6_UNICAST_IF:
		v = o.values6[name]
	default:
		return nil, linux.ENOPROTOOPT
	}
	return int32Bytes(v), 0
}
