package inet

import (
	"encoding/binary"
	"net/netip"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/bpf"
	"github.com/seed-7423c386/runsc/sentry/net/dgram"
	"github.com/seed-7423c386/runsc/sentry/net/header"
	"github.com/seed-7423c386/runsc/sentry/socket"
)

// setProgram attaches or detaches a program that looks at what comes in (sk_attach_filter).
func (s *Dgram) setProgram(c socket.Caller, name int, value []byte) (linux.Errno, bool) {
	switch {
	case name == linux.SO_ATTACH_FILTER:
		p, errno := s.ReadFilter(c, value)
		if errno == 0 {
			cut := func(d *dgram.Datagram) int { return s.cut(p, d) }
			s.ep.Cut.Store(&cut)
		}
		return errno, true
	case name == linux.SO_DETACH_FILTER && len(value) >= 4:
		if s.ep.Cut.Swap(nil) == nil {
			return linux.ENOENT, true
		}
		return 0, true
	}
	return 0, false
}

// setProgram attaches or detaches a program that looks at segments, which those connections take over that are accepted.
func (s *Stream) setProgram(c socket.Caller, name int, value []byte) (linux.Errno, bool) {
	switch {
	case name == linux.SO_ATTACH_FILTER:
		p, errno := s.ReadFilter(c, value)
		if errno == 0 {
			n := s.net
			s.ep.SetFilter(func(b []byte, src, dst netip.Addr, link int32) int { return n.cutSegment(p, b, src, dst, link) })
		}
		return errno, true
	case name == linux.SO_DETACH_FILTER && len(value) >= 4:
		if !s.ep.SetFilter(nil) {
			return linux.ENOENT, true
		}
		return 0, true
	}
	return 0, false
}

// cutSegment runs a program over a segment (tcp_filter): how many of its bytes are taken.
func (n *Net) cutSegment(p bpf.Program, b []byte, src, dst netip.Addr, link int32) int {
	k := bpf.Packet{Data: b, Protocol: header.TypeIPv4, Index: link, Hatype: linux.ARPHRD_ETHER}
	if dst.Is6() {
		k.Protocol = header.TypeIPv6
	}
	if l := n.Stack.Link(link); l != nil {
		k.Hatype = l.Type
	}
	ip := header.IP{Src: src, Dst: dst, Proto: linux.IPPROTO_TCP, TTL: 64}
	k.Net = append(ip.Append(nil, len(b)), b...)
	return int(min(p.RunPacket(&k), uint32(len(b))))
}

// cut runs a program over a datagram (sk_filter_trim_cap): how many of its bytes are taken, -1 for none. UDP shows its
// header, which is always taken, raw sockets of IPv4 that of IP. A checksum of UDP is 0.
func (s *Dgram) cut(p bpf.Program, d *dgram.Datagram) int {
	data, head := d.Data, 0
	if s.ep.Kind.HasPorts() {
		head = header.UDPSize
		u := header.UDP{Src: d.Src.Port(), Dst: d.Dst.Port()}
		data = append(u.Append(make([]byte, 0, head+len(data)), len(data)), data...)
		if d.Lite {
			binary.BigEndian.PutUint16(data[4:], d.Covered)
		}
	}
	k := bpf.Packet{Data: data, Net: data, Protocol: header.TypeIPv4, Index: d.Link, Hatype: linux.ARPHRD_ETHER}
	if d.Dst.Addr().Is6() {
		k.Protocol = header.TypeIPv6
	}
	if l := s.net.Stack.Link(d.Link); l != nil {
		k.Hatype = l.Type
	}
	if s.ep.Kind != dgram.Raw || s.v6 {
		ip := header.IP{Src: d.Src.Addr(), Dst: d.Dst.Addr(), Proto: s.ep.Proto, TTL: d.TTL, TOS: d.TOS}
		k.Net = append(ip.Append(nil, len(data)), data...)
	}
	n := p.RunPacket(&k)
	if n == 0 {
		return -1
	}
	return max(int(min(n, uint32(len(data)))), head) - head
}
