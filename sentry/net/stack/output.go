package stack

import (
	"net/netip"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/header"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// Port is the way out of an interface that is not the loopback.
type Port interface {
	// Send sends a packet to a neighbour; next is a group or everybody as it may be.
	Send(next netip.Addr, p Out)
}

// Offloader is a Port that may fill in checksums of TCP and cut its segments.
type Offloader interface{ Offload() bool }

// Out is a packet to be sent.
type Out struct {
	Packet []byte
	// Whole, if it is not nil, is Packet with Headroom bytes before it that the link may use. Lent says that it is so until Send
	// returns.
	Whole []byte
	Lent  bool
	// Data follows what is in Packet: pieces that are lent until Send returns. For an Offloader.
	Data [][]byte
	// Partial says that the checksum of TCP is only that of the pseudo header, Segment that the
	// data is to be cut into pieces of that size, if it is not 0. Both are for an Offloader.
	Partial bool
	Segment int
}

// Headroom is what links need before a packet.
const Headroom = 32

// Size is the length of all of a packet.
func (o *Out) Size() int {
	n := len(o.Packet)
	for _, b := range o.Data {
		n += len(b)
	}
	return n
}

// Flat is the packet in one piece.
func (o *Out) Flat() []byte {
	if o.Data == nil {
		return o.Packet
	}
	b := make([]byte, o.Size())
	n := copy(b, o.Packet)
	for _, d := range o.Data {
		usermem.CopyFile(b[n:], d) // which may be a file's
		n += len(d)
	}
	return b
}

// maxPacket is the longest IP packet there is, without the header of IPv6.
const maxPacket = 65535

// Send sends a packet along a path. What goes to ourselves has come in when it returns. EMSGSIZE
// if it does not fit and must not be split.
func (s *Stack) Send(p *Path, h *header.IP, payload []byte) linux.Errno {
	s.Counters.IPOf(h.Dst.Is6()).OutRequests.Add(1)
	s.Counters.ICMPOut(h.Proto, payload)
	if h.TTL == 0 {
		h.TTL = uint8(s.Settings.TTL.Load())
	}
	if len(payload) > maxPacket-header.IPv4Size-len(h.Options) && (h.Dst.Is4() || len(payload) > maxPacket) {
		return linux.EMSGSIZE
	}
	if h.ID == 0 && !h.DF {
		h.ID = s.NextID()
	}
	size := header.IPv6Size
	if h.Dst.Is4() {
		size = header.IPv4Size + (len(h.Options)+3)&^3
	}
	if size+len(payload) > p.MTU {
		return s.sendFragments(p, h, payload, size)
	}
	b := make([]byte, 0, size+len(payload))
	b = append(h.Append(b, len(payload)), payload...)
	s.transmit(p, Out{Packet: b})
	return 0
}

// SendRaw sends a packet whose header is there already.
func (s *Stack) SendRaw(p *Path, o Out) linux.Errno {
	if o.Segment == 0 && o.Size() > p.MTU {
		return linux.EMSGSIZE
	}
	s.Counters.IPOf(o.Packet[0]>>4 == 6).OutRequests.Add(1)
	s.transmit(p, o)
	return 0
}

// NextID is an identification for a packet, of which 16 bits are not 0.
func (s *Stack) NextID() uint32 {
	id := s.ids.Add(1)
	if id&0xffff == 0 {
		id = s.ids.Add(1)
	}
	return id
}

// sendFragments splits a packet (RFC 791 3.2, RFC 8200 4.5).
func (s *Stack) sendFragments(p *Path, h *header.IP, payload []byte, size int) linux.Errno {
	if h.Dst.Is4() && h.DF {
		s.Counters.IPOf(h.Dst.Is6()).FragFails.Add(1)
		return linux.EMSGSIZE
	}
	if h.Dst.Is6() {
		size += 8
		h.ID = s.NextID()
	}
	room := (p.MTU - size) &^ 7
	if room <= 0 {
		return linux.EMSGSIZE
	}
	for off := 0; off < len(payload); off += room {
		part := payload[off:min(off+room, len(payload))]
		f := *h
		f.Offset, f.More, f.DF = off, off+room < len(payload), false
		b := make([]byte, 0, size+len(part))
		s.transmit(p, Out{Packet: append(f.Append(b, len(part)), part...)})
		s.Counters.IPOf(h.Dst.Is6()).FragCreates.Add(1)
	}
	s.Counters.IPOf(h.Dst.Is6()).FragOKs.Add(1)
	return 0
}

// transmit sends a finished packet.
func (s *Stack) transmit(p *Path, o Out) {
	l := s.fib().links[p.Link]
	if l == nil {
		return
	}
	n := o.Size()
	l.Stats.Tx(n)
	count := s.Counters.IPOf(o.Packet[0]>>4 == 6)
	count.OutTransmits.Add(1)
	count.OutOctets.Add(uint64(n))
	if p.Multicast {
		count.OutMcastPkts.Add(1)
		count.OutMcastOctets.Add(uint64(n))
	}
	if p.Local || l.Loopback() {
		l.Stats.Rx(n)
		if s.Tapped() {
			s.tellLoop(l, o.Flat())
		}
		s.Input(o.Flat(), p.Link, Ourselves)
		return
	}
	if p.Multicast || p.Broadcast { // and to those here who listen
		s.Input(append([]byte(nil), o.Flat()...), p.Link, Ourselves)
	}
	if out := s.port(p.Link); out != nil {
		out.Send(p.Next, o)
	}
}

func (s *Stack) port(link int32) Port {
	s.portMu.RLock()
	defer s.portMu.RUnlock()
	return s.ports[link]
}

// Attach makes out the way out of an interface.
func (s *Stack) Attach(link int32, out Port) {
	s.portMu.Lock()
	s.ports[link] = out
	s.portMu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fibNow.Store(nil)
}

// Detach takes the way out of an interface away.
func (s *Stack) Detach(link int32) {
	s.portMu.Lock()
	defer s.portMu.Unlock()
	delete(s.ports, link)
}

// EachPort calls f for the ways out there are.
func (s *Stack) EachPort(f func(link int32, out Port)) {
	s.portMu.RLock()
	defer s.portMu.RUnlock()
	for i, p := range s.ports {
		f(i, p)
	}
}

// HostUnreachable tells ourselves that a packet of ours did not find its neighbour.
func (s *Stack) HostUnreachable(packet []byte) {
	h, rest, ok := header.ParseQuoted(packet)
	if !ok || len(rest) < 8 {
		return
	}
	if !s.Local(h.Src) { // it was forwarded
		if p, payload, ok := header.ParseIP(packet); ok {
			from := Packet{IP: p, Payload: payload, Raw: packet}
			s.refuse(&from, linux.ICMP_DEST_UNREACH, linux.ICMPV6_DEST_UNREACH, linux.ICMP_HOST_UNREACH, 3, 0)
		}
		return
	}
	f := Failure{Errno: linux.EHOSTUNREACH, Origin: linux.SO_EE_ORIGIN_ICMP, Type: linux.ICMP_DEST_UNREACH, Code: linux.ICMP_HOST_UNREACH, From: h.Src}
	if h.Src.Is6() {
		f.Origin, f.Type, f.Code = linux.SO_EE_ORIGIN_ICMP6, linux.ICMPV6_DEST_UNREACH, 3
	}
	s.failed(packet, f)
}
