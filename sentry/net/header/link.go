package header

import (
	"encoding/binary"
	"net/netip"
)

// EthernetSize is the length of an Ethernet header without tags.
const EthernetSize = 14

// Protocols in Ethernet headers.
const (
	TypeIPv4 = 0x0800
	TypeARP  = 0x0806
	TypeIPv6 = 0x86dd
)

// MAC is a hardware address.
type MAC [6]byte

// BroadcastMAC is everybody's.
var BroadcastMAC = MAC{255, 255, 255, 255, 255, 255}

// Ethernet is the header of a frame.
type Ethernet struct {
	Dst, Src MAC
	Type     uint16
}

// ParseEthernet takes the header off a frame.
func ParseEthernet(b []byte) (h Ethernet, payload []byte, ok bool) {
	if len(b) < EthernetSize {
		return h, nil, false
	}
	return Ethernet{MAC(b[0:6]), MAC(b[6:12]), binary.BigEndian.Uint16(b[12:])}, b[EthernetSize:], true
}

// Append appends the header.
func (h *Ethernet) Append(b []byte) []byte {
	b = append(append(b, h.Dst[:]...), h.Src[:]...)
	return binary.BigEndian.AppendUint16(b, h.Type)
}

// MulticastMAC is where packets to a group are sent (RFC 1112 6.4, RFC 2464 7).
func MulticastMAC(a netip.Addr) MAC {
	if a.Is4() {
		b := a.As4()
		return MAC{1, 0, 0x5e, b[1] & 0x7f, b[2], b[3]}
	}
	b := a.As16()
	return MAC{0x33, 0x33, b[12], b[13], b[14], b[15]}
}

// Operations of ARP.
const (
	ARPRequest = 1
	ARPReply   = 2
)

// ARP is an ARP packet for IPv4 over Ethernet (RFC 826).
type ARP struct {
	Op                 uint16
	SenderMAC          MAC
	SenderIP, TargetIP netip.Addr
	TargetMAC          MAC
}

// ParseARP checks an ARP packet.
func ParseARP(b []byte) (h ARP, ok bool) {
	if len(b) < 28 || binary.BigEndian.Uint64(b)>>16 != 0x000108000604 {
		return h, false
	}
	return ARP{
		Op: binary.BigEndian.Uint16(b[6:]), SenderMAC: MAC(b[8:14]), SenderIP: netip.AddrFrom4([4]byte(b[14:18])),
		TargetMAC: MAC(b[18:24]), TargetIP: netip.AddrFrom4([4]byte(b[24:28])),
	}, true
}

// Append appends the packet.
func (h *ARP) Append(b []byte) []byte {
	b = append(b, 0, 1, 8, 0, 6, 4)
	b = binary.BigEndian.AppendUint16(b, h.Op)
	s, t := h.SenderIP.As4(), h.TargetIP.As4()
	b = append(append(b, h.SenderMAC[:]...), s[:]...)
	return append(append(b, h.TargetMAC[:]...), t[:]...)
}

// ICMP is the header of an ICMP or ICMPv6 message. Rest is its second word.
type ICMP struct {
	Type, Code uint8
	Rest       uint32
}

// ParseICMP checks a message's length and returns what follows the header.
func ParseICMP(b []byte) (h ICMP, payload []byte, ok bool) {
	if len(b) < ICMPSize {
		return h, nil, false
	}
	return ICMP{b[0], b[1], binary.BigEndian.Uint32(b[4:])}, b[ICMPSize:], true
}

// Append appends the header, its checksum empty.
func (h *ICMP) Append(b []byte) []byte {
	return binary.BigEndian.AppendUint32(append(b, h.Type, h.Code, 0, 0), h.Rest)
}

// Neighbour is a neighbour solicitation or advertisement (RFC 4861 4.3, 4.4).
type Neighbour struct {
	Target                        netip.Addr
	Link                          MAC
	HasLink                       bool
	Router, Solicited, Overriding bool
}

// Options of neighbour discovery: addresses on the link of source and target.
const (
	ndSource = 1
	ndTarget = 2
)

// ParseNeighbour checks what follows the ICMPv6 header h.
func ParseNeighbour(h ICMP, b []byte) (n Neighbour, ok bool) {
	if len(b) < 16 {
		return n, false
	}
	n = Neighbour{Target: netip.AddrFrom16([16]byte(b[:16])), Router: h.Rest>>31 != 0, Solicited: h.Rest>>30&1 != 0, Overriding: h.Rest>>29&1 != 0}
	for b = b[16:]; len(b) >= 8; b = b[int(b[1])*8:] {
		if b[1] == 0 || int(b[1])*8 > len(b) {
			return n, false
		}
		if (b[0] == ndSource || b[0] == ndTarget) && b[1] == 1 {
			n.Link, n.HasLink = MAC(b[2:8]), true
		}
	}
	return n, !n.Target.IsMulticast()
}

// AppendNeighbour appends a whole message of type typ, its checksum empty.
func (n *Neighbour) AppendNeighbour(b []byte, typ uint8) []byte {
	h := ICMP{Type: typ}
	opt := byte(ndSource)
	if typ == 136 {
		opt = ndTarget
	}
	for i, on := range []bool{n.Router, n.Solicited, n.Overriding} {
		if on {
			h.Rest |= 1 << (31 - i)
		}
	}
	t := n.Target.As16()
	b = append(h.Append(b), t[:]...)
	if n.HasLink {
		b = append(append(b, opt, 1), n.Link[:]...)
	}
	return b
}
