package stack

import (
	"bytes"
	"encoding/binary"
	"net/netip"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/header"
)

// forward sends on a packet that is for somebody else (ip_forward, ip6_forward): with one hop less, in fragments if
// it must and may. What was put together of several segments on its way in is cut again.
func (s *Stack) forward(p *Packet) {
	switch {
	case p.Dst.IsMulticast() || p.Dst == limited || p.Dst.IsLinkLocalUnicast() || p.Src.IsLinkLocalUnicast() || p.Src.IsUnspecified() || p.Dst.IsUnspecified():
		return
	case p.TTL <= 1:
		s.refuse(p, linux.ICMP_TIME_EXCEEDED, linux.ICMPV6_TIME_EXCEED, 0, 0, 0)
		return
	}
	path, errno := s.fib().route(s, p.Dst, p.Src, 0, p.Link)
	switch {
	case errno == linux.EACCES:
		s.refuse(p, linux.ICMP_DEST_UNREACH, linux.ICMPV6_DEST_UNREACH, linux.ICMP_PKT_FILTERED, 1, 0)
		return
	case errno == linux.EHOSTUNREACH:
		s.refuse(p, linux.ICMP_DEST_UNREACH, linux.ICMPV6_DEST_UNREACH, linux.ICMP_HOST_UNREACH, 3, 0)
		return
	case errno == linux.EINVAL:
		return
	case errno != 0:
		s.Counters.IPOf(p.Dst.Is6()).OutNoRoutes.Add(1)
		s.refuse(p, linux.ICMP_DEST_UNREACH, linux.ICMPV6_DEST_UNREACH, linux.ICMP_NET_UNREACH, 0, 0)
		return
	case path.Broadcast || path.Local:
		return
	}
	s.Counters.IPOf(p.Dst.Is6()).Forwarded.Add(1)
	if len(p.Raw) > path.MTU {
		s.forwardLong(p, &path)
		return
	}
	b := bytes.Clone(p.Raw)
	hop(b)
	if p.From == OutsideChecked { // perhaps it has no checksum
		fillChecksum(p, b[len(b)-len(p.Payload):])
	}
	s.transmit(&path, Out{Packet: b})
}

// hop takes one from the hops that are left.
func hop(b []byte) {
	if b[0]>>4 == 6 {
		b[7]--
		return
	}
	b[8]--
	n := int(b[0]&15) * 4
	b[10], b[11] = 0, 0
	binary.BigEndian.PutUint16(b[10:], ^header.Fold(header.Sum(b[:n], 0)))
}

// fillChecksum makes the checksum of TCP or UDP right.
func fillChecksum(p *Packet, payload []byte) {
	at := 16
	switch {
	case p.Offset != 0 || p.More:
		return
	case p.Proto == linux.IPPROTO_UDP && len(payload) >= 8:
		at = 6
	case p.Proto != linux.IPPROTO_TCP || len(payload) < header.TCPSize:
		return
	}
	payload[at], payload[at+1] = 0, 0
	sum := ^header.Fold(header.Sum(payload, header.Pseudo(p.Src, p.Dst, p.Proto, len(payload))))
	if sum == 0 && at == 6 {
		sum = 0xffff
	}
	binary.BigEndian.PutUint16(payload[at:], sum)
}

// forwardLong sends on what does not fit: segments of TCP that were put together are cut, datagrams that may be split are, of
// others the sender is told.
func (s *Stack) forwardLong(p *Packet, path *Path) {
	h := p.IP
	h.TTL--
	head := len(p.Raw) - len(p.Payload)
	switch {
	case p.From == OutsideChecked && p.Proto == linux.IPPROTO_TCP && p.Offset == 0 && !p.More:
		s.cut(p, path, head)
	case p.Dst.Is4() && !p.DF && p.Offset == 0 && !p.More:
		payload := bytes.Clone(p.Payload)
		if p.From == OutsideChecked {
			fillChecksum(p, payload)
		}
		s.sendFragments(path, &h, payload, head)
	default:
		s.Counters.IPOf(p.Dst.Is6()).FragFails.Add(1)
		s.refuse(p, linux.ICMP_DEST_UNREACH, linux.ICMPV6_PKT_TOOBIG, linux.ICMP_FRAG_NEEDED, 0, uint32(path.MTU))
	}
}

// cut sends a long segment in pieces.
func (s *Stack) cut(p *Packet, path *Path, head int) {
	if len(p.Payload) < header.TCPSize {
		return
	}
	n := int(p.Payload[12]>>4) * 4
	room := path.MTU - head - n
	if n < header.TCPSize || n > len(p.Payload) || room <= 0 {
		return
	}
	data, seq := p.Payload[n:], binary.BigEndian.Uint32(p.Payload[4:])
	for off := 0; off < len(data); off += room {
		piece := data[off:min(off+room, len(data))]
		b := make([]byte, 0, head+n+len(piece))
		b = append(append(append(b, p.Raw[:head]...), p.Payload[:n]...), piece...)
		t := b[head:]
		binary.BigEndian.PutUint32(t[4:], seq+uint32(off))
		if off+len(piece) < len(data) {
			t[13] &^= header.FIN | header.PSH
		}
		if head >= header.IPv6Size && b[0]>>4 == 6 {
			binary.BigEndian.PutUint16(b[4:], uint16(len(b)-header.IPv6Size))
		} else {
			binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
		}
		hop(b)
		fillChecksum(p, t)
		s.transmit(path, Out{Packet: b})
	}
}

// refuse tells the sender of a packet why it does not go on (icmp_send).
func (s *Stack) refuse(p *Packet, typ4, typ6, code4, code6 uint8, rest uint32) {
	if p.Offset != 0 || !p.Src.IsValid() || p.Src.IsMulticast() || s.IsBroadcast(p.Src) || !errorLimit.allow() {
		return
	}
	if p.Proto == linux.IPPROTO_ICMP && len(p.Payload) > 0 && p.Payload[0] != linux.ICMP_ECHO && p.Payload[0] != linux.ICMP_ECHOREPLY ||
		p.Proto == linux.IPPROTO_ICMPV6 && len(p.Payload) > 0 && p.Payload[0] < 128 {
		return
	}
	h, most := header.ICMP{Type: typ4, Code: code4, Rest: rest}, 576-header.IPv4Size-header.ICMPSize
	if p.Src.Is6() {
		h.Type, h.Code, most = typ6, code6, 1280-header.IPv6Size-header.ICMPSize
	}
	s.sendICMP(netip.Addr{}, p.Src, p.Link, 0, append(h.Append(nil), p.Raw[:min(len(p.Raw), most)]...))
}
