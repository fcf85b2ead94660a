package stack

import (
	"encoding/binary"
	"net/netip"
	"sync"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/header"
)

// ICMP and ICMPv6 (net/ipv4/icmp.c, net/ipv6/icmp.c): answers to echo requests, errors in and out.

// Echo gets replies to echo requests; ping sockets set it.
type Echo interface {
	// Reply takes a message whose identifier is id: whether anybody wanted it.
	Reply(p *Packet, id uint16) bool
}

type icmp4 struct{ s *Stack }

type icmp6 struct{ s *Stack }

// Failed is Handler's: an echo request of a ping socket came to nothing.
func (i icmp4) Failed(h *header.IP, quoted []byte, f Failure) { i.s.pingFailed(h, quoted, f) }

// Failed is Handler's.
func (i icmp6) Failed(h *header.IP, quoted []byte, f Failure) { i.s.pingFailed(h, quoted, f) }

func (s *Stack) pingFailed(h *header.IP, quoted []byte, f Failure) {
	if r, ok := s.raw.(Handler); ok {
		r.Failed(h, quoted, f)
	}
}

// Input is Handler's.
func (i icmp4) Input(p *Packet) bool {
	s := i.s
	h, body, ok := header.ParseICMP(p.Payload)
	if !ok || header.Fold(header.Sum(p.Payload, 0)) != 0xffff {
		s.Counters.ICMP.InErrors.Add(1)
		return true
	}
	s.Counters.ICMP.In[h.Type].Add(1)
	switch h.Type {
	case linux.ICMP_ECHO:
		if !s.Settings.EchoIgnore.Load() && !p.Dst.IsMulticast() && !s.IsBroadcast(p.Dst) {
			s.answer(p, linux.ICMP_ECHOREPLY)
		}
	case linux.ICMP_ECHOREPLY:
		s.pinged(p, h)
	case linux.ICMP_DEST_UNREACH, linux.ICMP_TIME_EXCEEDED, linux.ICMP_PARAMETERPROB:
		f := Failure{Origin: linux.SO_EE_ORIGIN_ICMP, Type: h.Type, Code: h.Code, From: p.Src}
		if h.Type == linux.ICMP_DEST_UNREACH {
			f.Errno, f.Hard = unreachErrno(h.Code)
			if h.Code == linux.ICMP_FRAG_NEEDED {
				f.Info = h.Rest & 0xffff
			}
		} else if f.Errno = linux.EHOSTUNREACH; h.Type == linux.ICMP_PARAMETERPROB {
			f.Errno, f.Hard = linux.EPROTO, true
		}
		s.failed(body, f)
	}
	return true
}

// unreachErrno is icmp_err_convert.
func unreachErrno(code uint8) (e linux.Errno, hard bool) {
	switch code {
	case linux.ICMP_NET_UNREACH, linux.ICMP_NET_UNKNOWN, linux.ICMP_NET_ANO, linux.ICMP_NET_UNR_TOS:
		return linux.ENETUNREACH, code == linux.ICMP_NET_UNKNOWN || code == linux.ICMP_NET_ANO
	case linux.ICMP_PROT_UNREACH:
		return linux.ENOPROTOOPT, true
	case linux.ICMP_PORT_UNREACH:
		return linux.ECONNREFUSED, true
	case linux.ICMP_FRAG_NEEDED:
		return linux.EMSGSIZE, false
	case linux.ICMP_SR_FAILED:
		return linux.EOPNOTSUPP, false
	case linux.ICMP_HOST_UNKNOWN:
		return linux.EHOSTDOWN, true
	case linux.ICMP_HOST_ISOLATED:
		return linux.ENONET, true
	}
	return linux.EHOSTUNREACH, code >= linux.ICMP_HOST_ANO
}

// Input is Handler's.
func (i icmp6) Input(p *Packet) bool {
	s := i.s
	h, body, ok := header.ParseICMP(p.Payload)
	if !ok || header.Fold(header.Sum(p.Payload, header.Pseudo(p.Src, p.Dst, linux.IPPROTO_ICMPV6, len(p.Payload)))) != 0xffff {
		s.Counters.ICMP6.InErrors.Add(1)
		return true
	}
	s.Counters.ICMP6.In[h.Type].Add(1)
	f := Failure{Origin: linux.SO_EE_ORIGIN_ICMP6, Type: h.Type, Code: h.Code, From: p.Src}
	switch h.Type {
	case linux.ICMPV6_ECHO_REQUEST:
		s.answer(p, linux.ICMPV6_ECHO_REPLY)
		return true
	case linux.ICMPV6_ECHO_REPLY:
		s.pinged(p, h)
		return true
	case mldQuery:
		s.mldAsked(p)
		return true
	case linux.NDISC_NEIGH_SOL, linux.NDISC_NEIGH_ADV:
		s.neighbour(p, h, body)
		return true
	case linux.ICMPV6_DEST_UNREACH:
		switch f.Errno = linux.EACCES; h.Code {
		case 0:
			f.Errno = linux.ENETUNREACH
		case 1, 5, 6:
			f.Errno, f.Hard = linux.EACCES, true
		case 2, 3:
			f.Errno = linux.EHOSTUNREACH
		case 4:
			f.Errno, f.Hard = linux.ECONNREFUSED, true
		default:
			f.Errno = linux.EPROTO
		}
	case linux.ICMPV6_PKT_TOOBIG:
		f.Errno, f.Info = linux.EMSGSIZE, h.Rest
	case linux.ICMPV6_TIME_EXCEED:
		f.Errno = linux.EHOSTUNREACH
	case linux.ICMPV6_PARAMPROB:
		f.Errno, f.Hard = linux.EPROTO, true
	default:
		return true
	}
	s.failed(body, f)
	return true
}

// neighbour gives neighbour discovery to the interface.
func (s *Stack) neighbour(p *Packet, h header.ICMP, body []byte) {
	if p.TTL != 255 || h.Code != 0 {
		return
	}
	out := s.port(p.Link)
	if n, ok := header.ParseNeighbour(h, body); ok {
		s.taken(p, h.Type, n)
		if d, ok := out.(interface {
			Neighbour(p *Packet, typ uint8, n header.Neighbour)
		}); ok {
			d.Neighbour(p, h.Type, n)
		}
	}
}

func (s *Stack) pinged(p *Packet, h header.ICMP) {
	if e, ok := s.raw.(Echo); ok {
		e.Reply(p, uint16(h.Rest>>16))
	}
}

// failed gives an error to the protocol of the packet that it quotes, if that was from us.
func (s *Stack) failed(quoted []byte, f Failure) {
	h, rest, ok := header.ParseQuoted(quoted)
	if !ok || len(rest) < 8 || !s.Local(h.Src) {
		return
	}
	if t := s.handlers[h.Proto]; t != nil {
		t.Failed(&h, rest, f)
	}
	if r, ok := s.raw.(Handler); ok && h.Proto != linux.IPPROTO_ICMP && h.Proto != linux.IPPROTO_ICMPV6 {
		r.Failed(&h, rest, f)
	}
}

// answer sends a message back to who sent it, with another type.
func (s *Stack) answer(p *Packet, typ uint8) {
	b := append([]byte(nil), p.Payload...)
	b[0] = typ
	src := p.Dst
	if src.IsMulticast() {
		src = netip.Addr{}
	}
	s.sendICMP(src, p.Src, p.Link, p.TOS, b)
}

// sendICMP sends a message after its checksum is filled in; src may be left to be chosen.
func (s *Stack) sendICMP(src, dst netip.Addr, link int32, tos uint8, b []byte) {
	if !dst.IsLinkLocalUnicast() {
		link = 0
	}
	path, errno := s.Path(dst, src, link)
	if errno != 0 {
		return
	}
	h := header.IP{Src: path.Src, Dst: dst, Proto: linux.IPPROTO_ICMP, TOS: tos}
	if dst.Is6() {
		h.Proto = linux.IPPROTO_ICMPV6
	}
	FillICMP(b, h.Src, dst)
	s.Send(&path, &h, b)
}

// FillICMP fills in the checksum of a message.
func FillICMP(b []byte, src, dst netip.Addr) {
	b[2], b[3] = 0, 0
	sum := uint64(0)
	if dst.Is6() {
		sum = header.Pseudo(src, dst, linux.IPPROTO_ICMPV6, len(b))
	}
	binary.BigEndian.PutUint16(b[2:], ^header.Fold(header.Sum(b, sum)))
}

// Unreachable tells the sender of a packet that nobody is there for it: code is that of ICMP. Not
// for what was sent to many, for errors, and not too often (RFC 1122 3.2.2, RFC 4443 2.4).
func (s *Stack) Unreachable(p *Packet, code uint8) {
	if p.Dst.IsMulticast() || s.IsBroadcast(p.Dst) || !p.Src.IsValid() || p.Src.IsUnspecified() || p.Src.IsMulticast() || s.IsBroadcast(p.Src) {
		return
	}
	if p.Proto == linux.IPPROTO_ICMP && len(p.Payload) > 0 && p.Payload[0] != linux.ICMP_ECHO ||
		p.Proto == linux.IPPROTO_ICMPV6 && len(p.Payload) > 0 && p.Payload[0] < 128 {
		return
	}
	if p.From != Ourselves && !errorLimit.allow() {
		return
	}
	typ, most := uint8(linux.ICMP_DEST_UNREACH), 576-header.IPv4Size-header.ICMPSize
	if p.Dst.Is6() {
		typ, most = linux.ICMPV6_DEST_UNREACH, 1280-header.IPv6Size-header.ICMPSize
		switch code {
		case linux.ICMP_PORT_UNREACH:
			code = 4
		case linux.ICMP_PROT_UNREACH:
			typ, code = linux.ICMPV6_PARAMPROB, 1
		}
	}
	h := header.ICMP{Type: typ, Code: code}
	b := h.Append(nil)
	s.sendICMP(p.Dst, p.Src, p.Link, 0, append(b, p.Raw[:min(len(p.Raw), most)]...))
}

// errorLimit bounds the errors that are sent to the outside (net.ipv4.icmp_msgs_per_sec).
var errorLimit bucket

type bucket struct {
	mu   sync.Mutex
	left int
	last int64
}

func (b *bucket) allow() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := Wall.Now()
	if n := (now - b.last) / 1e6; n > 0 {
		b.left, b.last = int(min(int64(b.left)+n, 50)), now
	}
	if b.left == 0 {
		return false
	}
	b.left--
	return true
}
