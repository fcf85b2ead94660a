package header

import "encoding/binary"

// Flags of TCP segments (RFC 9293 3.1).
const (
	FIN = 1 << iota
	SYN
	RST
	PSH
	ACK
	URG
	ECE
	CWR
)

// Block is a range of sequence numbers that arrived (RFC 2018 3).
type Block struct{ Start, End uint32 }

// TCP is a segment's header.
type TCP struct {
	Seq, Ack     uint32
	TSVal, TSEcr uint32
	Blocks       [4]Block
	Window       uint16
	Urgent       uint16
	MSS          uint16 // 0: none
	Flags        uint8
	WScale       uint8 // with HasWScale
	NBlocks      uint8
	FastOpen     uint8 // 0: nothing, AskCookie, or the length of the cookie
	Cookie       [16]byte
	HasWScale    bool
	SackOK       bool
	HasTS        bool
}

// AskCookie as FastOpen asks for a cookie (RFC 7413 4.1.1); cookies have at least LeastCookie bytes.
const (
	AskCookie   = 1
	LeastCookie = 4
)

// Kinds of options.
const (
	optFast   = 34
	optEnd    = 0
	optNop    = 1
	optMSS    = 2
	optWScale = 3
	optSackOK = 4
	optSack   = 5
	optTS     = 8
)

// ParseTCP checks a segment and returns ports, header and payload. The checksum is the caller's.
func ParseTCP(b []byte) (src, dst uint16, h TCP, payload []byte, ok bool) {
	if len(b) < TCPSize {
		return 0, 0, h, nil, false
	}
	size := int(b[12]>>4) * 4
	if size < TCPSize || size > len(b) {
		return 0, 0, h, nil, false
	}
	h = TCP{
		Seq: binary.BigEndian.Uint32(b[4:]), Ack: binary.BigEndian.Uint32(b[8:]), Flags: b[13],
		Window: binary.BigEndian.Uint16(b[14:]), Urgent: binary.BigEndian.Uint16(b[18:]),
	}
	h.parseOptions(b[TCPSize:size])
	return binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:]), h, b[size:], true
}

// parseOptions takes what is understood; malformed options end the list (tcp_parse_options).
func (h *TCP) parseOptions(b []byte) {
	for len(b) > 0 {
		if b[0] == optEnd {
			return
		}
		if b[0] == optNop {
			b = b[1:]
			continue
		}
		if len(b) < 2 || b[1] < 2 || int(b[1]) > len(b) {
			return
		}
		n, v := int(b[1]), b[2:b[1]]
		switch {
		case b[0] == optMSS && n == 4 && h.Flags&SYN != 0:
			h.MSS = binary.BigEndian.Uint16(v)
		case b[0] == optWScale && n == 3 && h.Flags&SYN != 0:
			h.HasWScale, h.WScale = true, min(v[0], 14)
		case b[0] == optSackOK && n == 2 && h.Flags&SYN != 0:
			h.SackOK = true
		case b[0] == optFast && n == 2 && h.Flags&SYN != 0:
			h.FastOpen = AskCookie
		case b[0] == optFast && len(v) >= LeastCookie && len(v) <= len(h.Cookie) && n&1 == 0 && h.Flags&SYN != 0:
			h.FastOpen = uint8(copy(h.Cookie[:], v))
		case b[0] == optTS && n == 10:
			h.HasTS, h.TSVal, h.TSEcr = true, binary.BigEndian.Uint32(v), binary.BigEndian.Uint32(v[4:])
		case b[0] == optSack && n >= 10 && (n-2)%8 == 0:
			for ; len(v) >= 8 && int(h.NBlocks) < len(h.Blocks); v = v[8:] {
				h.Blocks[h.NBlocks] = Block{binary.BigEndian.Uint32(v), binary.BigEndian.Uint32(v[4:])}
				h.NBlocks++
			}
		}
		b = b[n:]
	}
}

// Size is how long the header is with its options.
func (h *TCP) Size() int {
	n := TCPSize
	if h.MSS != 0 {
		n += 4
	}
	if h.HasWScale {
		n += 4
	}
	if h.HasTS {
		n += 12
	} else if h.SackOK {
		n += 4
	}
	if h.NBlocks > 0 {
		n += 4 + 8*int(h.NBlocks)
	}
	if h.FastOpen != 0 {
		n += (2 + len(h.cookie()) + 3) &^ 3
	}
	return n
}

// cookie is that of Fast Open.
func (h *TCP) cookie() []byte {
	if h.FastOpen < LeastCookie {
		return nil
	}
	return h.Cookie[:min(int(h.FastOpen), len(h.Cookie))]
}

// Append appends the header, its checksum empty; options in the order in which Linux has them.
func (h *TCP) Append(b []byte, src, dst uint16) []byte {
	b = binary.BigEndian.AppendUint16(b, src)
	b = binary.BigEndian.AppendUint16(b, dst)
	b = binary.BigEndian.AppendUint32(b, h.Seq)
	b = binary.BigEndian.AppendUint32(b, h.Ack)
	b = append(b, byte(h.Size()/4)<<4, h.Flags)
	b = binary.BigEndian.AppendUint16(b, h.Window)
	b = append(b, 0, 0)
	b = binary.BigEndian.AppendUint16(b, h.Urgent)
	if h.MSS != 0 {
		b = append(b, optMSS, 4)
		b = binary.BigEndian.AppendUint16(b, h.MSS)
	}
	if h.HasTS {
		if h.SackOK {
			b = append(b, optSackOK, 2, optTS, 10)
		} else {
			b = append(b, optNop, optNop, optTS, 10)
		}
		b = binary.BigEndian.AppendUint32(b, h.TSVal)
		b = binary.BigEndian.AppendUint32(b, h.TSEcr)
	} else if h.SackOK {
		b = append(b, optNop, optNop, optSackOK, 2)
	}
	if h.HasWScale {
		b = append(b, optNop, optWScale, 3, h.WScale)
	}
	if h.NBlocks > 0 {
		b = append(b, optNop, optNop, optSack, 2+8*h.NBlocks)
		for _, k := range h.Blocks[:h.NBlocks] {
			b = binary.BigEndian.AppendUint32(b, k.Start)
			b = binary.BigEndian.AppendUint32(b, k.End)
		}
	}
	if c := h.cookie(); h.FastOpen != 0 {
		b = append(append(b, optFast, byte(2+len(c))), c...)
		for n := 2 + len(c); n&3 != 0; n++ {
			b = append(b, optNop)
		}
	}
	return b
}

// UDP is a datagram's header (RFC 768). Covered is of UDP-Lite: how many bytes from the header on Sum is of, 0 for
// all.
type UDP struct {
	Src, Dst uint16
	Sum      uint16
	Covered  uint16
}

// ParseUDP checks a datagram and returns its payload. The checksum is the caller's.
func ParseUDP(b []byte) (h UDP, payload []byte, ok bool) {
	if len(b) < UDPSize {
		return h, nil, false
	}
	n := int(binary.BigEndian.Uint16(b[4:]))
	if n < UDPSize || n > len(b) {
		return h, nil, false
	}
	return UDP{Src: binary.BigEndian.Uint16(b), Dst: binary.BigEndian.Uint16(b[2:]), Sum: binary.BigEndian.Uint16(b[6:])}, b[UDPSize:n], true
}

// ParseUDPLite is ParseUDP for UDP-Lite (RFC 3828), where all that the packet has behind the header is payload.
func ParseUDPLite(b []byte) (h UDP, payload []byte, ok bool) {
	if len(b) < UDPSize {
		return h, nil, false
	}
	n := int(binary.BigEndian.Uint16(b[4:]))
	if n != 0 && n < UDPSize || n > len(b) {
		return h, nil, false
	}
	if n == len(b) {
		n = 0
	}
	return UDP{binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:]), binary.BigEndian.Uint16(b[6:]), uint16(n)}, b[UDPSize:], true
}

// Append appends the header of a datagram with n bytes of payload.
func (h *UDP) Append(b []byte, n int) []byte {
	b = binary.BigEndian.AppendUint16(b, h.Src)
	b = binary.BigEndian.AppendUint16(b, h.Dst)
	b = binary.BigEndian.AppendUint16(b, uint16(UDPSize+n))
	return binary.BigEndian.AppendUint16(b, h.Sum)
}
