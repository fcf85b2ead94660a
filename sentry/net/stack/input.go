package stack

import (
	"bytes"
	"net/netip"
	"sync"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/header"
)

// Input takes a packet that came in by an interface. The bytes belong to the stack from now on; those of a whole TCP
// packet only until it returns.
func (s *Stack) Input(b []byte, link int32, from From) { s.input(b, 0, link, from, false, nil) }

// Hold is Input of one of several packets, behind head bytes of the link's: answers may wait for Flush, so that there is one for
// many. kept, if not nil, can give away the buffer.
func (s *Stack) Hold(b []byte, head int, link int32, from From, kept Keeper) {
	s.input(b, head, link, from, true, kept)
}

// Flush lets the answers go that Hold has kept back.
func (s *Stack) Flush() {
	if f, ok := s.handlers[linux.IPPROTO_TCP].(interface{ Flush() }); ok {
		f.Flush()
	}
}

// Rest acknowledges what has come and was not answered: nobody is about to.
func (s *Stack) Rest() {
	if s.Waits.Load() && s.Waits.Swap(false) {
		if r, ok := s.handlers[linux.IPPROTO_TCP].(interface{ Rest() }); ok {
			r.Rest()
		}
	}
}

func (s *Stack) input(b []byte, head int, link int32, from From, hold bool, kept Keeper) {
	front := b[:head]
	b = b[head:]
	count := s.Counters.IPOf(len(b) > 0 && b[0]>>4 == 6)
	count.InReceives.Add(1)
	count.InOctets.Add(uint64(len(b)))
	h, payload, ok := header.ParseIP(b)
	if !ok {
		count.InHdrErrors.Add(1)
		return
	}
	p := Packet{IP: h, Payload: payload, Raw: b, Head: front, Link: link, From: from, Hold: hold, Kept: kept}
	if !s.forUs(&p) {
		if from != Ourselves && (h.Dst.Is4() && s.Settings.Forward.Load() || h.Dst.Is6() && s.Settings.Forward6.Load()) && !h.Src.IsLoopback() && !h.Dst.IsLoopback() {
			s.forward(&p)
			return
		}
		count.InAddrErrors.Add(1)
		return
	}
	if h.Dst.IsMulticast() {
		count.InMcastPkts.Add(1)
		count.InMcastOctets.Add(uint64(len(b)))
	}
	if h.Offset != 0 || h.More {
		count.ReasmReqds.Add(1)
		if !s.frags.add(s, &p) {
			return
		}
	}
	s.deliver(&p)
}

// forUs reports whether a packet is for one of our addresses or groups, and from somebody who can
// be answered.
func (s *Stack) forUs(p *Packet) bool {
	f := s.fib()
	if p.From != Ourselves && (p.Src.IsLoopback() || p.Dst.IsLoopback() || p.Src.IsMulticast() || p.Src == limited) {
		return false
	}
	if _, at, ok := f.isLocal(p.Dst); ok {
		return !p.Dst.IsLinkLocalUnicast() || at == p.Link || p.From == Ourselves
	}
	if p.Dst.IsMulticast() {
		if l := f.links[p.Link]; l != nil && l.NoIPv6 && p.Dst.Is6() {
			return false
		}
		return s.groups.joined(p.Link, p.Dst) || s.solicited(p.Dst)
	}
	_, bc := f.broadcast[p.Dst]
	return bc || p.Dst == limited
}

// solicited reports whether a group is that of one of our addresses (RFC 4291 2.7.1), or of all.
func (s *Stack) solicited(a netip.Addr) bool {
	if a.Is4() {
		return a == allHosts
	}
	b := a.As16()
	if b == [16]byte{0: 0xff, 1: 2, 15: 1} || b == [16]byte{0: 0xff, 1: 1, 15: 1} {
		return true
	}
	if [13]byte(b[:13]) != [13]byte{0: 0xff, 1: 2, 11: 1, 12: 0xff} {
		return false
	}
	for _, own := range s.fib().tentative {
		if o := own.As16(); [3]byte(o[13:]) == [3]byte(b[13:]) {
			return true
		}
	}
	for own := range s.fib().local {
		if o := own.As16(); own.Is6() && [3]byte(o[13:]) == [3]byte(b[13:]) {
			return true
		}
	}
	return false
}

// deliver gives a whole packet to raw sockets and to its protocol.
func (s *Stack) deliver(p *Packet) {
	s.Counters.IPOf(p.Dst.Is6()).InDelivers.Add(1)
	took := false
	if s.raw != nil && s.raw.Wants(p.Proto, p.Dst.Is6()) {
		if p.Proto == linux.IPPROTO_TCP { // which is lent
			p.Raw, p.Payload = bytes.Clone(p.Raw), bytes.Clone(p.Payload)
		}
		took = s.raw.Raw(p)
	}
	h := s.handlers[p.Proto]
	switch {
	case h != nil:
		if h.Input(p) {
			return
		}
		s.Unreachable(p, linux.ICMP_PORT_UNREACH)
	case !took && p.Proto != linux.IPPROTO_NONE:
		s.Counters.IPOf(p.Dst.Is6()).InUnknownProtos.Add(1)
		s.Unreachable(p, linux.ICMP_PROT_UNREACH)
	}
}

// fragments are the datagrams of which some parts are there (net/ipv4/ip_fragment.c). How much is
// kept is bounded; what has not come together in time goes when another begins.
type fragments struct {
	mu    sync.Mutex
	parts map[fragKey]*datagram
	bytes int
}

type fragKey struct {
	src, dst netip.Addr
	id       uint32
	proto    uint8
	link     int32
}

type datagram struct {
	begun int64
	parts []fragment // by offset
	total int        // of all, once the last has come
	have  int
}

type fragment struct {
	off  int
	data []byte
}

const (
	maxFragBytes = 4 << 20
	maxFragParts = 256
	fragTime     = 30e9
)

// add keeps a fragment; if with it the datagram is whole, p becomes that.
func (f *fragments) add(s *Stack, p *Packet) bool {
	n := len(p.Payload)
	if n == 0 || p.More && n%8 != 0 || p.Offset+n > maxPacket {
		s.Counters.IPOf(p.Dst.Is6()).ReasmFails.Add(1)
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	k := fragKey{p.Src, p.Dst, p.ID, p.Proto, p.Link}
	d := f.parts[k]
	if d == nil {
		if f.parts == nil {
			f.parts = map[fragKey]*datagram{}
		}
		f.makeRoomLocked(s)
		d = &datagram{begun: Wall.Now()}
		f.parts[k] = d
	}
	if !d.insert(p) || f.bytes+n > 2*maxFragBytes {
		s.Counters.IPOf(p.Dst.Is6()).ReasmFails.Add(1)
		f.dropLocked(k)
		return false
	}
	f.bytes += n
	if d.total == 0 || d.have < d.total {
		return false
	}
	whole := make([]byte, 0, d.total)
	for _, part := range d.parts {
		whole = append(whole, part.data...)
	}
	f.dropLocked(k)
	s.Counters.IPOf(p.Dst.Is6()).ReasmOKs.Add(1)
	p.Payload, p.Offset, p.More = whole, 0, false
	h := p.IP
	p.Raw = append(h.Append(make([]byte, 0, len(whole)+64), len(whole)), whole...)
	p.Size = len(p.Raw) - len(whole)
	return true
}

// insert adds a part: false if it overlaps another, or is beyond the end (RFC 5722).
func (d *datagram) insert(p *Packet) bool {
	end := p.Offset + len(p.Payload)
	at := len(d.parts)
	for i, o := range d.parts {
		if p.Offset < o.off+len(o.data) && o.off < end {
			return false
		}
		if o.off > p.Offset && at == len(d.parts) {
			at = i
		}
	}
	if !p.More {
		if d.total != 0 || at != len(d.parts) {
			return false
		}
		d.total = end
	}
	if d.total != 0 && end > d.total || len(d.parts) >= maxFragParts {
		return false
	}
	d.parts = append(d.parts, fragment{})
	copy(d.parts[at+1:], d.parts[at:])
	d.parts[at] = fragment{p.Offset, p.Payload}
	d.have += len(p.Payload)
	return true
}

// makeRoomLocked drops what is too old, and while there is too much whatever comes first.
func (f *fragments) makeRoomLocked(s *Stack) {
	now := Wall.Now()
	for k, d := range f.parts {
		if now-d.begun > fragTime || f.bytes > maxFragBytes || len(f.parts) > 4096 {
			s.Counters.IPOf(k.dst.Is6()).ReasmFails.Add(1)
			f.dropLocked(k)
		}
	}
}

func (f *fragments) dropLocked(k fragKey) {
	if d := f.parts[k]; d != nil {
		f.bytes -= d.have
		delete(f.parts, k)
	}
}
