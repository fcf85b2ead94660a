package stack

import (
	"slices"

	"github.com/seed-7423c386/runsc/sentry/net/device"
	"github.com/seed-7423c386/runsc/sentry/net/header"
)

// Frame is a packet as those see it who watch interfaces: with the header of its link. The bytes are lent.
type Frame struct {
	Link    *device.Link
	Whole   []byte // from the link's header on
	Head    int    // how long that is
	Type    uint16 // of the packet, as in an Ethernet header
	Kind    uint8  // PACKET_HOST and so on
	Partial bool   // the checksum of what is in it is not filled in
	From    any    // who has sent it, if it was a tap
	Early   bool   // it is not for the interface itself: those who want one protocol do not see it
}

// Kinds of frames (packet(7), sll_pkttype).
const (
	FrameHost = iota
	FrameBroadcast
	FrameMulticast
	FrameOther
	FrameOutgoing
)

// Tap is told of all frames.
type Tap interface{ Tap(f *Frame) }

// AddTap lets t see all frames from now on.
func (s *Stack) AddTap(t Tap) {
	s.tapMu.Lock()
	defer s.tapMu.Unlock()
	list := append(slices.Clone(s.tapList()), t)
	s.taps.Store(&list)
}

// RemoveTap undoes AddTap.
func (s *Stack) RemoveTap(t Tap) {
	s.tapMu.Lock()
	defer s.tapMu.Unlock()
	list := slices.DeleteFunc(slices.Clone(s.tapList()), func(o Tap) bool { return o == t })
	s.taps.Store(&list)
}

func (s *Stack) tapList() []Tap {
	if p := s.taps.Load(); p != nil {
		return *p
	}
	return nil
}

// Tapped reports whether anybody watches.
func (s *Stack) Tapped() bool { return len(s.tapList()) > 0 }

// Tell tells who watches of a frame.
func (s *Stack) Tell(f *Frame) {
	for _, t := range s.tapList() {
		t.Tap(f)
	}
}

// Link returns the interface of an index, nil if there is none.
func (s *Stack) Link(index int32) *device.Link { return s.fib().links[index] }

// Loopback is the interface of that name, nil before it is there.
func (s *Stack) Loopback() *device.Link {
	f := s.fib()
	return f.links[f.loopback]
}

// tellLoop tells of a packet that goes over the loopback: it goes out, and comes in.
func (s *Stack) tellLoop(l *device.Link, packet []byte) {
	e := header.Ethernet{Type: header.TypeIPv4}
	if packet[0]>>4 == 6 {
		e.Type = header.TypeIPv6
	}
	f := Frame{Link: l, Whole: append(e.Append(make([]byte, 0, header.EthernetSize+len(packet))), packet...), Head: header.EthernetSize, Type: e.Type, Kind: FrameOutgoing}
	s.Tell(&f)
	f.Kind = FrameHost
	s.Tell(&f)
}

// Framer is a Port that sends frames as they are.
type Framer interface{ SendFrame(frame []byte) bool }

// SendFrame sends a frame out of an interface: false if it cannot be. One for the loopback comes back in.
func (s *Stack) SendFrame(l *device.Link, frame []byte, from any) bool {
	if len(frame) < header.EthernetSize {
		return false
	}
	e, packet, _ := header.ParseEthernet(frame)
	f := Frame{Link: l, Whole: frame, Head: header.EthernetSize, Type: e.Type, Kind: FrameOutgoing, From: from}
	s.Tell(&f)
	l.Stats.Tx(len(frame))
	if l.Loopback() {
		l.Stats.Rx(len(frame))
		f.Kind, f.From = FrameHost, nil
		s.Tell(&f)
		if (e.Type == header.TypeIPv4 || e.Type == header.TypeIPv6) && len(packet) > 0 {
			s.Input(append([]byte(nil), packet...), l.Index, Ourselves)
		}
		return true
	}
	out, ok := s.port(l.Index).(Framer)
	return ok && out.SendFrame(frame)
}
