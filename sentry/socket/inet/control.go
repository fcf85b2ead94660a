package inet

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/dgram"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
	"github.com/seed-7423c386/runsc/sentry/socket"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// controlIn takes the control messages of a send (ip_cmsg_send, ip6_datagram_send_ctl): EINVAL for those it
// does not know.
func (s *Dgram) controlIn(m *socket.Message, o *dgram.SendOptions) linux.Errno {
	for _, c := range m.Other {
		errno := linux.Errno(linux.EINVAL)
		v := int32(0)
		if len(c.Data) >= 4 {
			v = int32(binary.LittleEndian.Uint32(c.Data))
		}
		switch {
		case c.Level == linux.SOL_UDP && c.Type == linux.UDP_SEGMENT && s.ep.Kind.HasPorts() && len(c.Data) == 2:
			o.MoreSize, errno = int(binary.LittleEndian.Uint16(c.Data)), 0
		case c.Level == linux.IPPROTO_IP:
			errno = s.controlIn4(c, v, o)
		case c.Level == linux.IPPROTO_IPV6 && s.v6:
			errno = s.controlIn6(c, v, o)
		case c.Level != linux.IPPROTO_IP && c.Level != linux.SOL_UDP:
			errno = 0
		}
		if errno != 0 {
			return errno
		}
	}
	return 0
}

func (s *Dgram) controlIn4(c socket.Cmsg, v int32, o *dgram.SendOptions) linux.Errno {
	switch c.Type {
	case linux.IP_PKTINFO:
		if len(c.Data) != 12 {
			return linux.EINVAL
		}
		if v != 0 {
			if _, errno := s.net.Stack.Devices.Find(v, ""); errno != 0 {
				return errno
			}
			o.Link = v
		}
		return s.source(netip.AddrFrom4([4]byte(c.Data[4:8])), o)
	case linux.IP_TTL:
		if len(c.Data) != 4 || v < 1 || v > 255 {
			return linux.EINVAL
		}
		o.TTL = uint8(v)
	case linux.IP_TOS:
		if len(c.Data) == 1 {
			v = int32(c.Data[0])
		} else if len(c.Data) != 4 || v < 0 || v > 255 {
			return linux.EINVAL
		}
		o.TOS = uint8(v)
	default:
		return linux.EINVAL
	}
	return 0
}

func (s *Dgram) controlIn6(c socket.Cmsg, v int32, o *dgram.SendOptions) linux.Errno {
	switch c.Type {
	case linux.IPV6_PKTINFO, linux.IPV6_2292PKTINFO:
		if len(c.Data) != 20 {
			return linux.EINVAL
		}
		if i := int32(binary.LittleEndian.Uint32(c.Data[16:])); i != 0 {
			if _, errno := s.net.Stack.Devices.Find(i, ""); errno != 0 {
				return errno
			}
			o.Link = i
		}
		return s.source(netip.AddrFrom16([16]byte(c.Data[:16])).Unmap(), o)
	case linux.IPV6_HOPLIMIT, linux.IPV6_2292HOPLIMIT:
		if len(c.Data) != 4 || v < -1 || v > 255 {
			return linux.EINVAL
		}
		if v >= 0 {
			o.TTL = uint8(v)
		}
	case linux.IPV6_TCLASS:
		if len(c.Data) != 4 || v < -1 || v > 255 {
			return linux.EINVAL
		}
		if v >= 0 {
			o.TOS = uint8(v)
		}
	case linux.IPV6_DONTFRAG:
		o.DontFrag6 = v != 0
		o.DontFrag = o.DontFrag6
	default:
		return linux.EINVAL
	}
	return 0
}

// source makes a the address that a message is sent from: EINVAL if it is not ours.
func (s *Dgram) source(a netip.Addr, o *dgram.SendOptions) linux.Errno {
	if a.IsUnspecified() {
		return 0
	}
	switch {
	case a.Is4() && (a.IsMulticast() || s.net.Stack.IsBroadcast(a)): // ip_route_output_key_hash_rcu
		return linux.EINVAL
	case s.net.Stack.Local(a):
	case a.Is4() && !s.transparent():
		return linux.ENETUNREACH
	case a.Is6() && !s.opt.freebind.Load():
		return linux.EINVAL
	}
	o.Src = a
	return 0
}

// transparent is IP_TRANSPARENT.
func (s *Dgram) transparent() bool {
	s.opt.mu.Lock()
	defer s.opt.mu.Unlock()
	return s.opt.recv[linux.IP_TRANSPARENT]
}

// controlOut adds what options ask for about a datagram that came.
func (s *Dgram) controlOut(m *socket.Message, d *dgram.Datagram) {
	add := func(level, typ int32, data []byte) {
		m.Other = append(m.Other, socket.Cmsg{Level: level, Type: typ, Data: data})
	}
	ago := stack.Wall.Now() - d.Time
	at := time.Now().UnixNano() - ago
	if s.Stamped() {
		m.Other = append(m.Other, s.Stamps(at)...)
	}
	if n := s.ep.Drops.Load(); s.Flag(linux.SO_RXQ_OVFL) && n > 0 {
		add(linux.SOL_SOCKET, linux.SO_RXQ_OVFL, binary.LittleEndian.AppendUint32(nil, uint32(n)))
	}
	s.opt.timeSeen.Store(at)
	if d.Segment != 0 {
		add(linux.SOL_UDP, linux.UDP_GRO, int32Bytes(int32(d.Segment)))
	}
	if s.v6 {
		s.controlOut6(d, add)
	}
	if d.Dst.Addr().Is4() {
		s.controlOut4(d, add)
	}
}

func (s *Dgram) controlOut4(d *dgram.Datagram, add func(level, typ int32, data []byte)) {
	s.opt.mu.Lock()
	defer s.opt.mu.Unlock()
	if s.opt.recv[linux.IP_PKTINFO] {
		b := binary.LittleEndian.AppendUint32(nil, uint32(d.Link))
		dst := d.Dst.Addr().As4()
		spec := dst
		if d.Dst.Addr().IsMulticast() || s.net.Stack.IsBroadcast(d.Dst.Addr()) {
			if a := s.net.Stack.FirstAddr(d.Link, false); a.IsValid() {
				spec = a.As4()
			}
		}
		add(linux.IPPROTO_IP, linux.IP_PKTINFO, append(append(b, spec[:]...), dst[:]...))
	}
	if s.opt.recv[linux.IP_RECVTTL] {
		add(linux.IPPROTO_IP, linux.IP_TTL, int32Bytes(int32(d.TTL)))
	}
	if s.opt.recv[linux.IP_RECVTOS] {
		add(linux.IPPROTO_IP, linux.IP_TOS, []byte{d.TOS})
	}
	if s.opt.recv[linux.IP_RECVORIGDSTADDR] {
		b := []byte{linux.AF_INET, 0}
		b = binary.BigEndian.AppendUint16(b, d.Dst.Port())
		dst := d.Dst.Addr().As4()
		add(linux.IPPROTO_IP, linux.IP_RECVORIGDSTADDR, append(append(b, dst[:]...), make([]byte, 8)...))
	}
}

// told is an option, and the message that it asks for.
type told struct {
	asks  int
	tells int32
}

// Those of RFC 3542 and, where it had others, of RFC 2292.
var (
	infoOptions = [...]told{{linux.IPV6_RECVPKTINFO, linux.IPV6_PKTINFO}, {linux.IPV6_2292PKTINFO, linux.IPV6_2292PKTINFO}}
	hopOptions  = [...]told{{linux.IPV6_RECVHOPLIMIT, linux.IPV6_HOPLIMIT}, {linux.IPV6_2292HOPLIMIT, linux.IPV6_2292HOPLIMIT}}
)

func (s *Dgram) controlOut6(d *dgram.Datagram, add func(level, typ int32, data []byte)) {
	s.opt.mu.Lock()
	defer s.opt.mu.Unlock()
	for _, o := range infoOptions {
		if s.opt.recv6[o.asks] {
			dst := d.Dst.Addr().As16()
			add(linux.IPPROTO_IPV6, o.tells, binary.LittleEndian.AppendUint32(dst[:], uint32(d.Link)))
		}
	}
	for _, o := range hopOptions {
		if s.opt.recv6[o.asks] && d.Dst.Addr().Is6() {
			add(linux.IPPROTO_IPV6, o.tells, int32Bytes(int32(d.TTL)))
		}
	}
	if s.opt.recv6[linux.IPV6_RECVTCLASS] && d.Dst.Addr().Is6() {
		add(linux.IPPROTO_IPV6, linux.IPV6_TCLASS, int32Bytes(int32(d.TOS)))
	}
	if s.opt.recv6[linux.IPV6_RECVORIGDSTADDR] {
		add(linux.IPPROTO_IPV6, linux.IPV6_RECVORIGDSTADDR, s.format(d.Dst, d.Link))
	}
}

// recvMTU is a receive that tells how long packets may be (ipv6_recv_rxpmtu).
func (s *Dgram) recvMTU(m *socket.Message, p *dgram.PathMTU) {
	m.Addr = s.format(netip.AddrPortFrom(p.To, 0), p.Link)
	b := append(append([]byte(nil), m.Addr...), int32Bytes(int32(p.MTU))...)
	m.Other = append(m.Other, socket.Cmsg{Level: linux.IPPROTO_IPV6, Type: linux.IPV6_PATHMTU, Data: b})
}

// recvError takes an entry off the error queue (ip_recv_error).
func (s *Dgram) recvError(m *socket.Message) (int, linux.Errno) {
	f := s.ep.NextError()
	if f == nil {
		return s.recvCopied(m)
	}
	if !s.ep.HasErrors() {
		s.TakeError()
	}
	data := f.Data
	if len(data) > m.Data.Len() {
		data = data[:m.Data.Len()]
		m.OutFlags |= linux.MSG_TRUNC
	}
	if _, errno := m.Data.CopyOut(data); errno != 0 {
		return 0, linux.EFAULT
	}
	m.Addr = s.format(f.To, 0)
	m.OutFlags |= linux.MSG_ERRQUEUE
	ee := linux.SockExtendedErr{Errno: uint32(f.Errno), Origin: f.Origin, Type: f.Type, Code: f.Code, Info: f.Info}
	b := append([]byte(nil), usermem.Encode(&ee)...)
	level, typ := int32(linux.IPPROTO_IP), int32(linux.IP_RECVERR)
	if s.v6 {
		level, typ = linux.IPPROTO_IPV6, linux.IPV6_RECVERR
	}
	if f.From.IsValid() {
		b = append(b, s.format(netip.AddrPortFrom(f.From, 0), 0)...)
	} else {
		b = append(b, make([]byte, len(s.format(f.To, 0)))...)
	}
	m.Other = append(m.Other, socket.Cmsg{Level: level, Type: typ, Data: b})
	return len(data), 0
}
