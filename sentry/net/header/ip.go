package header

import (
	"encoding/binary"
	"net/netip"
)

// Sizes of headers without options.
const (
	IPv4Size = 20
	IPv6Size = 40
	UDPSize  = 8
	TCPSize  = 20
	ICMPSize = 8
)

// IP is what headers of both versions say.
type IP struct {
	Src, Dst netip.Addr
	Proto    uint8
	TTL, TOS uint8
	ID       uint32 // of the datagram that a fragment is of
	Offset   int    // of the fragment
	More     bool   // fragments follow
	DF       bool
	Options  []byte // of IPv4
	Size     int    // of the headers
}

// ParseIPv4 checks an IPv4 packet and returns its header and payload (RFC 791 3.1).
func ParseIPv4(b []byte) (h IP, payload []byte, ok bool) {
	if len(b) < IPv4Size || b[0]>>4 != 4 {
		return h, nil, false
	}
	size, total := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
	if size < IPv4Size || total < size || len(b) < total || Fold(Sum(b[:size], 0)) != 0xffff {
		return h, nil, false
	}
	frag := binary.BigEndian.Uint16(b[6:])
	h = IP{
		Src: netip.AddrFrom4([4]byte(b[12:16])), Dst: netip.AddrFrom4([4]byte(b[16:20])), Proto: b[9], TTL: b[8], TOS: b[1],
		ID: uint32(binary.BigEndian.Uint16(b[4:])), Offset: int(frag&0x1fff) * 8, More: frag&0x2000 != 0, DF: frag&0x4000 != 0,
		Options: b[IPv4Size:size], Size: size,
	}
	return h, b[size:total], true
}

// AppendIPv4 appends a header for n bytes of payload.
func (h *IP) AppendIPv4(b []byte, n int) []byte {
	at, size := len(b), IPv4Size+(len(h.Options)+3)&^3
	frag := uint16(h.Offset / 8)
	if h.More {
		frag |= 0x2000
	}
	if h.DF {
		frag |= 0x4000
	}
	b = append(b, 0x40|byte(size/4), h.TOS)
	b = binary.BigEndian.AppendUint16(b, uint16(size+n))
	b = binary.BigEndian.AppendUint16(b, uint16(h.ID))
	b = binary.BigEndian.AppendUint16(b, frag)
	b = append(b, h.TTL, h.Proto, 0, 0)
	s, d := h.Src.As4(), h.Dst.As4()
	b = append(append(b, s[:]...), d[:]...)
	b = append(b, h.Options...)
	for len(b) < at+size {
		b = append(b, 0)
	}
	binary.BigEndian.PutUint16(b[at+10:], ^Fold(Sum(b[at:], 0)))
	return b
}

// Extension headers of IPv6 (RFC 8200 4).
const (
	hopByHop    = 0
	routing     = 43
	fragment    = 44
	destOptions = 60
)

// ParseIPv6 checks an IPv6 packet, goes over its extension headers, and returns what follows
// them. ok is false for what must be dropped.
func ParseIPv6(b []byte) (h IP, payload []byte, ok bool) {
	if len(b) < IPv6Size || b[0]>>4 != 6 {
		return h, nil, false
	}
	n := int(binary.BigEndian.Uint16(b[4:]))
	if len(b) < IPv6Size+n {
		return h, nil, false
	}
	h = IP{
		Src: netip.AddrFrom16([16]byte(b[8:24])), Dst: netip.AddrFrom16([16]byte(b[24:40])), Proto: b[6], TTL: b[7],
		TOS: b[0]<<4 | b[1]>>4, DF: true,
	}
	if h.Src.Is4In6() || h.Dst.Is4In6() || h.Src.IsMulticast() {
		return h, nil, false
	}
	rest := b[IPv6Size : IPv6Size+n]
	for range 8 {
		switch h.Proto {
		case hopByHop, routing, destOptions:
			if len(rest) < 8 || len(rest) < 8+int(rest[1])*8 {
				return h, nil, false
			}
			if h.Proto == routing && rest[3] != 0 { // segments left: not for us (RFC 5095)
				return h, nil, false
			}
			h.Proto, rest = rest[0], rest[8+int(rest[1])*8:]
		case fragment:
			if len(rest) < 8 {
				return h, nil, false
			}
			off := binary.BigEndian.Uint16(rest[2:])
			h.Offset, h.More, h.ID, h.DF = int(off&^7), off&1 != 0, binary.BigEndian.Uint32(rest[4:]), false
			h.Proto, rest = rest[0], rest[8:]
			if h.Offset != 0 || h.More {
				h.Size = len(b) - len(rest)
				return h, rest, true
			}
		default:
			h.Size = IPv6Size + n - len(rest)
			return h, rest, true
		}
	}
	return h, nil, false
}

// AppendIPv6 appends a header for n bytes of payload, with a fragment header if it is a fragment.
func (h *IP) AppendIPv6(b []byte, n int) []byte {
	frag := h.Offset != 0 || h.More
	proto := h.Proto
	if frag {
		n += 8
		proto = fragment
	}
	b = append(b, 0x60|h.TOS>>4, h.TOS<<4, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(n))
	b = append(b, proto, h.TTL)
	s, d := h.Src.As16(), h.Dst.As16()
	b = append(append(b, s[:]...), d[:]...)
	if frag {
		off := uint16(h.Offset)
		if h.More {
			off |= 1
		}
		b = append(b, h.Proto, 0)
		b = binary.BigEndian.AppendUint16(b, off)
		b = binary.BigEndian.AppendUint32(b, h.ID)
	}
	return b
}

// Append appends the header of the version that the addresses are of.
func (h *IP) Append(b []byte, n int) []byte {
	if h.Dst.Is4() {
		return h.AppendIPv4(b, n)
	}
	return h.AppendIPv6(b, n)
}

// ParseIP parses a packet of either version.
func ParseIP(b []byte) (h IP, payload []byte, ok bool) {
	if len(b) > 0 && b[0]>>4 == 6 {
		return ParseIPv6(b)
	}
	return ParseIPv4(b)
}

// ParseQuoted parses the start of a packet as an ICMP error quotes it: it may be cut, and its
// checksum is not looked at.
func ParseQuoted(b []byte) (h IP, payload []byte, ok bool) {
	switch {
	case len(b) >= IPv6Size && b[0]>>4 == 6:
		h = IP{Src: netip.AddrFrom16([16]byte(b[8:24])), Dst: netip.AddrFrom16([16]byte(b[24:40])), Proto: b[6], TTL: b[7], Size: IPv6Size}
		return h, b[IPv6Size:], true
	case len(b) >= IPv4Size && b[0]>>4 == 4:
		size := int(b[0]&15) * 4
		if size < IPv4Size || len(b) < size {
			return h, nil, false
		}
		h = IP{Src: netip.AddrFrom4([4]byte(b[12:16])), Dst: netip.AddrFrom4([4]byte(b[16:20])), Proto: b[9], TTL: b[8], TOS: b[1], Size: size}
		return h, b[size:], true
	}
	return h, nil, false
}
