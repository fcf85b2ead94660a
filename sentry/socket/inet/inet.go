// Package inet is sockets of the families AF_INET and AF_INET6 (ip(7), ipv6(7), tcp(7), udp(7),
// raw(7), icmp(7); net/ipv4/af_inet.c, net/ipv6/af_inet6.c). It joins the stack of a network
// namespace to the socket layer: addresses, options and control messages in Linux's form,
// waiting, and copying to and from the application.
package inet

import (
	"encoding/binary"
	"net/netip"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/dgram"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
	"github.com/seed-7423c386/runsc/sentry/net/tcp"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/vfs"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Register makes the families known.
func Register() {
	registerProc()
	socket.RegisterInternet(func(ns socket.Namespace) { Of(ns) })
	socket.Register(linux.AF_INET, newSocket(false))
	socket.Register(linux.AF_INET6, newSocket(true))
	socket.RegisterDiag(linux.AF_INET, diag)
	socket.RegisterDiag(linux.AF_INET6, diag)
}

// Net is the Internet of a network namespace.
type Net struct {
	Stack *stack.Stack
	UDP   *dgram.Table
	TCP   *tcp.Table
}

// Of returns the Internet of a namespace.
func Of(ns socket.Namespace) *Net {
	s, tunables := socket.Stack(ns), socket.TunablesOf(ns)
	return ns.Get("inet", func() any {
		n := &Net{s, dgram.NewTable(s), tcp.NewTable(s)}
		tunables.Watch(n.watch, n.shown)
		return n
	}).(*Net)
}

// common is what sockets of all kinds have.
type common struct {
	socket.Base
	net   *Net
	v6    bool
	queue wait.Queue
	opt   options
	zc    zerocopy
}

// Notify is stack.Owner's.
func (s *common) Notify(e wait.Event) { s.queue.Notify(e) }

// newSocket makes sockets (inet_create, inet6_create).
func newSocket(v6 bool) socket.Maker {
	return func(c socket.Caller, ns socket.Namespace, typ, protocol int) (socket.Socket, linux.Errno) {
		if protocol < 0 || protocol >= linux.IPPROTO_MAX {
			return nil, linux.EINVAL
		}
		n := Of(ns)
		family := linux.AF_INET
		icmp := linux.IPPROTO_ICMP
		if v6 {
			family, icmp = linux.AF_INET6, linux.IPPROTO_ICMPV6
		}
		switch {
		case typ == linux.SOCK_STREAM && (protocol == 0 || protocol == linux.IPPROTO_TCP):
			return newStream(c, ns, n, v6), 0
		case typ == linux.SOCK_DGRAM && (protocol == 0 || protocol == linux.IPPROTO_UDP):
			return newDgram(c, ns, n, family, typ, linux.IPPROTO_UDP, dgram.UDP), 0
		case typ == linux.SOCK_DGRAM && protocol == linux.IPPROTO_UDPLITE:
			return newDgram(c, ns, n, family, typ, protocol, dgram.UDPLite), 0
		case typ == linux.SOCK_DGRAM && protocol == icmp:
			if !n.mayPing(c) {
				return nil, linux.EACCES
			}
			return newDgram(c, ns, n, family, typ, protocol, dgram.Ping), 0
		case typ == linux.SOCK_RAW:
			if protocol == 0 || protocol > linux.IPPROTO_RAW {
				return nil, linux.EPROTONOSUPPORT
			}
			if !socket.MayRaw(c, ns) {
				return nil, linux.EPERM
			}
			return newDgram(c, ns, n, family, typ, protocol, dgram.Raw), 0
		case typ == linux.SOCK_STREAM || typ == linux.SOCK_DGRAM:
			return nil, linux.EPROTONOSUPPORT
		}
		return nil, linux.ESOCKTNOSUPPORT
	}
}

// mayPing reports whether a group of the caller's is in net.ipv4.ping_group_range.
func (n *Net) mayPing(c socket.Caller) bool {
	r := n.Stack.Settings.PingGroups.Load()
	low, high := uint32(r>>32), uint32(r)
	in := func(g uint32) bool { return low <= g && g <= high }
	k := c.Cred()
	if in(k.NS.FromKernelGID(k.Egid)) {
		return true
	}
	for _, g := range k.Groups {
		if in(k.NS.FromKernelGID(g)) {
			return true
		}
	}
	return false
}

// address is a parsed struct sockaddr. The IP is invalid if it is any; one of IPv4 in IPv6's form
// is of IPv4.
type address struct {
	netip.AddrPort
	link   int32
	mapped bool // of IPv4 in the form of IPv6
}

// parse4 parses a struct sockaddr_in.
func parse4(b []byte) address {
	return address{AddrPort: addrPort(netip.AddrFrom4([4]byte(b[4:8])), b)}
}

func addrPort(ip netip.Addr, b []byte) netip.AddrPort {
	if ip.IsUnspecified() {
		ip = netip.Addr{}
	}
	return netip.AddrPortFrom(ip, binary.BigEndian.Uint16(b[2:]))
}

// parse6 parses a struct sockaddr_in6, whose last field may be missing (RFC 2133).
func parse6(b []byte) address {
	ip := netip.AddrFrom16([16]byte(b[8:24]))
	a := address{}
	if ip.Is4In6() {
		ip, a.mapped = ip.Unmap(), true
	}
	a.AddrPort = addrPort(ip, b)
	if len(b) >= linux.SizeofSockaddrIn6 && (ip.IsLinkLocalUnicast() || ip.IsLinkLocalMulticast() || ip.IsInterfaceLocalMulticast()) && ip.Is6() {
		a.link = int32(binary.LittleEndian.Uint32(b[24:]))
	}
	return a
}

func family(b []byte) int { return int(binary.LittleEndian.Uint16(b)) }

// parse parses where something is to be sent or connected to: EINVAL if it is too short,
// EAFNOSUPPORT. Sockets of IPv6 send datagrams to addresses of IPv4, too.
func (s *common) parse(b []byte, connection bool) (a address, errno linux.Errno) {
	if len(b) < 2 {
		return a, linux.EINVAL
	}
	f := family(b)
	if !s.v6 || f == linux.AF_INET && !connection {
		switch {
		case len(b) < linux.SizeofSockaddrIn:
			return a, linux.EINVAL
		case s.v6 && s.opt.v6only.Load():
			return a, linux.EAFNOSUPPORT
		case f != linux.AF_INET && !(f == linux.AF_UNSPEC && !connection):
			return a, linux.EAFNOSUPPORT
		}
		a = parse4(b)
		a.mapped = s.v6
		return a, 0
	}
	switch {
	case len(b) < linux.SizeofSockaddrIn6-4:
		return a, linux.EINVAL
	case f != linux.AF_INET6:
		return a, linux.EAFNOSUPPORT
	}
	a = parse6(b)
	if a.mapped && s.opt.v6only.Load() {
		return a, linux.ENETUNREACH
	}
	return a, 0
}

// target is parse with any address being ourselves.
func (s *common) target(b []byte, connection bool) (address, linux.Errno) {
	a, errno := s.parse(b, connection)
	if errno == 0 && !a.Addr().IsValid() {
		ip := netip.IPv6Loopback()
		if !s.v6 || a.mapped {
			ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
		}
		a.AddrPort = netip.AddrPortFrom(ip, a.Port())
	}
	return a, errno
}

// parseBind parses and checks what bind(2) is given (__inet_bind, __inet6_bind).
func (s *common) parseBind(c socket.Caller, b []byte, link int32) (a address, errno linux.Errno) {
	size, want := linux.SizeofSockaddrIn, linux.AF_INET
	if s.v6 {
		size, want = linux.SizeofSockaddrIn6-4, linux.AF_INET6
	}
	if len(b) < size {
		return a, linux.EINVAL
	}
	if f := family(b); f != want && !(f == linux.AF_UNSPEC && !s.v6 && [4]byte(b[4:8]) == [4]byte{}) {
		return a, linux.EAFNOSUPPORT
	}
	if a = parse4(b); s.v6 {
		a = parse6(b)
		if a.mapped && s.opt.v6only.Load() {
			return a, linux.EINVAL
		}
		if a.Addr().IsMulticast() && s.Type == linux.SOCK_STREAM {
			return a, linux.EINVAL
		}
		if a.mapped && !a.Addr().IsValid() {
			a.AddrPort = netip.AddrPortFrom(netip.IPv4Unspecified(), a.Port())
		}
	}
	if a.Addr().IsLinkLocalUnicast() && a.Addr().Is6() && a.link == 0 && link == 0 {
		return a, linux.EINVAL
	}
	if !s.bindable(a.Addr()) {
		return a, linux.EADDRNOTAVAIL
	}
	if p := a.Port(); p != 0 && int32(p) < s.net.Stack.Settings.Unprivileged.Load() && s.Type != linux.SOCK_RAW && !c.Cred().Has(linux.CAP_NET_BIND_SERVICE) {
		return a, linux.EACCES
	}
	return a, 0
}

// bindable reports whether an address may be bound to: it is ours, or may become so.
func (s *common) bindable(ip netip.Addr) bool {
	return !ip.IsValid() || ip.IsUnspecified() || s.opt.freebind.Load() || s.net.Stack.Settings.NonlocalBind.Load() ||
		s.net.Stack.Local(ip) || ip.IsMulticast() || ip.Is4() && s.net.Stack.IsBroadcast(ip)
}

// format is an address as the socket's family has it.
func (s *common) format(a netip.AddrPort, link int32) []byte {
	if !s.v6 {
		b := make([]byte, linux.SizeofSockaddrIn)
		b[0] = linux.AF_INET
		binary.BigEndian.PutUint16(b[2:], a.Port())
		if a.Addr().IsValid() {
			ip := a.Addr().As4()
			copy(b[4:], ip[:])
		}
		return b
	}
	b := make([]byte, linux.SizeofSockaddrIn6)
	b[0] = linux.AF_INET6
	binary.BigEndian.PutUint16(b[2:], a.Port())
	if a.Addr().IsValid() {
		ip := a.Addr().As16()
		copy(b[8:], ip[:])
		if a.Addr().Is6() && (a.Addr().IsLinkLocalUnicast() || a.Addr().IsLinkLocalMulticast()) {
			binary.LittleEndian.PutUint32(b[24:], uint32(link))
		}
	}
	return b
}

// Stream marks it as without a position.
func (s *common) Stream() {}

// Waits marks it as doing its own waiting.
func (s *common) Waits() {}

// Queue is vfs.Poller's.
func (s *common) Queue(*vfs.File) *wait.Queue { return &s.queue }
