package dgram

import (
	"encoding/binary"
	"net/netip"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/header"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
)

// udp is the stack's handler of UDP, or of UDP-Lite.
type udp struct {
	t    *Table
	lite bool
}

// ports are those of UDP, or of UDP-Lite.
func (t *Table) ports(lite bool) *stack.Ports {
	if lite {
		return t.lite
	}
	return t.udp
}

func (t *Table) counters(lite bool, a netip.Addr) *stack.DatagramCounters {
	return t.Stack.Counters.DatagramsOf(lite, a.Is6())
}

func protocol(lite bool) uint8 {
	if lite {
		return linux.IPPROTO_UDPLITE
	}
	return linux.IPPROTO_UDP
}

// Send sends data, which the endpoint may keep: EMSGSIZE, and what the route says.
func (e *Endpoint) Send(o *SendOptions, data []byte) linux.Errno {
	if errno := e.autobind(); errno != 0 {
		return errno
	}
	switch e.Kind {
	case Ping:
		return e.sendPing(o, data)
	case Raw:
		return e.sendRaw(o, data)
	}
	most := 65535 - header.UDPSize
	if o.To.Addr().Is4() {
		most -= header.IPv4Size
	}
	if o.MoreSize > 0 {
		return e.sendSegments(o, data)
	}
	p, errno := e.path(o)
	if errno != 0 {
		return errno
	}
	if len(data) > most || !o.fits(&p, len(data)+header.UDPSize) {
		return e.tooLong(&p, o)
	}
	return e.sendUDP(&p, o, data)
}

// sendSegments is UDP_SEGMENT: a datagram for each piece.
func (e *Endpoint) sendSegments(o *SendOptions, data []byte) linux.Errno {
	p, errno := e.path(o)
	if errno != 0 {
		return errno
	}
	if len(data) > 65535-header.UDPSize || (len(data)+o.MoreSize-1)/o.MoreSize > 128 || o.MoreSize+header.UDPSize+header.IPv6Size > p.MTU || e.NoCheck.Load() {
		return linux.EINVAL
	}
	if e.Kind == UDPLite {
		return linux.EIO
	}
	if len(data) > o.MoreSize && e.direct(&p, o, o.MoreSize) {
		e.sendDirect(&p, o, data, o.MoreSize)
		return 0
	}
	for {
		n := min(len(data), o.MoreSize)
		if errno := e.sendUDP(&p, o, data[:n:n]); errno != 0 {
			return errno
		}
		if data = data[n:]; len(data) == 0 {
			return 0
		}
	}
}

// direct reports whether datagrams of n bytes go to their receiver by a call.
func (e *Endpoint) direct(p *stack.Path, o *SendOptions, n int) bool {
	t := e.table
	v6, errors := o.To.Addr().Is6(), uint8(linux.IPPROTO_ICMP)
	if v6 {
		errors = linux.IPPROTO_ICMPV6
	}
	return p.Local && !t.Stack.Tapped() && !t.rawWants(protocol(e.Kind == UDPLite), v6) && !t.rawWants(errors, v6) && n+48 <= p.MTU
}

// source is where datagrams over p are sent from, and covered how much of one of n bytes the checksum of UDP-Lite is of.
func (e *Endpoint) source(p *stack.Path, n int) (src netip.AddrPort, covered uint16) {
	var port uint16
	e.update(func() { port = e.bind.Port })
	if c := e.Cover.Load(); e.Kind == UDPLite && c > 0 && int(c) < n+header.UDPSize {
		covered = uint16(c)
	}
	return netip.AddrPortFrom(p.Src, port), covered
}

// sendDirect delivers data by a call: one datagram, or if segment is not 0 several of that size.
func (e *Endpoint) sendDirect(p *stack.Path, o *SendOptions, data []byte, segment int) {
	t, lite := e.table, e.Kind == UDPLite
	t.counters(lite, o.To.Addr()).Out.Add(1)
	src, covered := e.source(p, len(data))
	d := &Datagram{Data: data, Src: src, Dst: o.To, TTL: o.TTL, TOS: o.TOS, Lite: lite, Covered: covered, Link: p.Link, Time: stack.Wall.Now(), Segment: segment}
	if d.TTL == 0 {
		d.TTL = uint8(t.Stack.Settings.TTL.Load())
	}
	t.countLocal(p.Link, len(data)+header.UDPSize+header.IPv4Size)
	if t.deliver(d) {
		return
	}
	f := stack.Failure{Errno: linux.ECONNREFUSED, Origin: linux.SO_EE_ORIGIN_ICMP, Type: linux.ICMP_DEST_UNREACH, Code: linux.ICMP_PORT_UNREACH, From: o.To.Addr(), Hard: true}
	if o.To.Addr().Is6() {
		f.Origin, f.Type, f.Code = linux.SO_EE_ORIGIN_ICMP6, linux.ICMPV6_DEST_UNREACH, 4
	}
	t.Stack.Counters.Refused(f.Type, o.To.Addr().Is6())
	if r := e.remote.Load(); r == nil || *r == o.To {
		e.fail(f, o.To, data)
	}
}

func (e *Endpoint) sendUDP(p *stack.Path, o *SendOptions, data []byte) linux.Errno {
	if e.direct(p, o, len(data)) {
		e.sendDirect(p, o, data, 0)
		return 0
	}
	t, lite := e.table, e.Kind == UDPLite
	proto := protocol(lite)
	count := t.counters(lite, o.To.Addr())
	count.Out.Add(1)
	count.Packets.Add(1)
	src, covered := e.source(p, len(data))
	port := src.Port()
	h := e.header(o, p, proto, header.UDPSize+len(data))
	u := header.UDP{Src: port, Dst: o.To.Port()}
	b := append(u.Append(make([]byte, 0, header.UDPSize+len(data)), len(data)), data...)
	switch {
	case lite:
		binary.BigEndian.PutUint16(b[4:], covered)
		fillUDP(b, h.Src, h.Dst, proto, int(covered))
	case !e.NoCheck.Load() || h.Dst.Is6():
		fillUDP(b, h.Src, h.Dst, proto, 0)
	}
	errno := t.Stack.Send(p, &h, b)
	if errno == linux.EMSGSIZE {
		e.tooLong(p, o)
	}
	return errno
}

// fillUDP enters the checksum of the first covered bytes of b, 0 for all.
func fillUDP(b []byte, src, dst netip.Addr, proto uint8, covered int) {
	b[6], b[7] = 0, 0
	if covered == 0 {
		covered = len(b)
	}
	sum := ^header.Fold(header.Sum(b[:covered], header.Pseudo(src, dst, proto, len(b))))
	if sum == 0 {
		sum = 0xffff
	}
	binary.BigEndian.PutUint16(b[6:], sum)
}

// countLocal counts a packet that goes over the loopback without being made.
func (t *Table) countLocal(link int32, n int) {
	for i := range *t.Stack.Devices.View() {
		if l := &(*t.Stack.Devices.View())[i]; l.Index == link {
			l.Stats.Tx(n)
			l.Stats.Rx(n)
			return
		}
	}
}

// Input is stack.Handler's.
func (u udp) Input(p *stack.Packet) bool {
	parse := header.ParseUDP
	if u.lite {
		parse = header.ParseUDPLite
	}
	h, data, ok := parse(p.Payload)
	if ok && h.Sum == 0 && (u.lite || p.Dst.Is6()) {
		ok = false
	}
	if ok && h.Sum != 0 && p.From == stack.Outside {
		n := header.UDPSize + len(data)
		covered := n
		if h.Covered > 0 {
			covered = int(h.Covered)
		}
		ok = header.Fold(header.Sum(p.Payload[:covered], header.Pseudo(p.Src, p.Dst, protocol(u.lite), n))) == 0xffff
	}
	if !ok {
		u.t.counters(u.lite, p.Dst).InErrors.Add(1)
		return true
	}
	return u.t.deliver(&Datagram{
		Lite: u.lite, Covered: h.Covered, Data: data, Src: netip.AddrPortFrom(p.Src, h.Src), Dst: netip.AddrPortFrom(p.Dst, h.Dst),
		TTL: p.TTL, TOS: p.TOS, Link: p.Link, Time: stack.Wall.Now(),
	})
}

// Failed is stack.Handler's.
func (u udp) Failed(h *header.IP, quoted []byte, f stack.Failure) {
	src, dst := binary.BigEndian.Uint16(quoted), binary.BigEndian.Uint16(quoted[2:])
	d := Datagram{Lite: u.lite, Src: netip.AddrPortFrom(h.Dst, dst), Dst: netip.AddrPortFrom(h.Src, src)}
	if e := u.t.find(&d); e != nil {
		e.failed(h, f, d.Src, quoted[header.UDPSize:])
	}
}

// service is something of the sandbox's own at an address that no socket needs to be bound to.
type service struct {
	at netip.AddrPort
	f  func(d *Datagram)
}

// Serve lets f take what is sent to an address, before any socket.
func (t *Table) Serve(at netip.AddrPort, f func(d *Datagram)) { t.service.Store(&service{at, f}) }

// Answer gives a datagram of a service to the socket it is for.
func (t *Table) Answer(d *Datagram) { t.deliver(d) }

// deliver gives a datagram to whom it is for: false if that is nobody.
func (t *Table) deliver(d *Datagram) bool {
	if s := t.service.Load(); s != nil && d.Dst == s.at && !d.Lite {
		s.f(d)
		return true
	}
	to := d.Dst.Addr()
	if to.IsMulticast() || t.Stack.IsBroadcast(to) {
		t.deliverMany(d)
		return true
	}
	e := t.find(d)
	if e == nil {
		t.counters(d.Lite, to).NoPorts.Add(1)
		return false
	}
	e.push(d)
	return true
}

// score is how well an endpoint fits a datagram, -1 if it does not (compute_score).
func (e *Endpoint) score(d *Datagram) int {
	if !e.bind.Match(d.Dst.Addr()) || e.bind.Link != 0 && e.bind.Link != d.Link && d.Link != 0 {
		return -1
	}
	n := 0
	if e.bind.Addr.IsValid() {
		n += 4
	}
	if e.V6 == d.Dst.Addr().Is6() {
		n++
	}
	if r := e.remote.Load(); r != nil {
		if *r != d.Src && !(r.Addr() == d.Src.Addr() && r.Port() == 0) {
			return -1
		}
		n += 8
	}
	if e.bind.Link != 0 {
		n += 4
	}
	return n
}

// find returns the endpoint that fits best: of several that share the port in a group one by the
// addresses, else the last that was bound.
func (t *Table) find(d *Datagram) *Endpoint {
	var best *Endpoint
	var group []*Endpoint
	most := -1
	t.ports(d.Lite).Each(d.Dst.Port(), func(b *stack.Binding) bool {
		e := b.Who.(*Endpoint)
		n := e.score(d)
		if n < most || n < 0 {
			return true
		}
		if n > most {
			group = group[:0]
		}
		best, most = e, n
		if e.remote.Load() == nil && e.Owner.Flag(linux.SO_REUSEPORT) {
			group = append(group, e)
		}
		return true
	})
	if len(group) > 1 {
		return group[stack.Hash(d.Src, d.Dst)%uint64(len(group))]
	}
	return best
}

// deliverMany gives a copy to all who listen.
func (t *Table) deliverMany(d *Datagram) {
	var all []*Endpoint
	t.ports(d.Lite).Each(d.Dst.Port(), func(b *stack.Binding) bool {
		e := b.Who.(*Endpoint)
		if e.score(d) >= 0 {
			all = append(all, e)
		}
		return true
	})
	for _, e := range all {
		if !d.Dst.Addr().IsMulticast() || e.hears(d.Dst.Addr(), d.Src.Addr(), d.Link) {
			c := *d
			e.push(&c)
		}
	}
}
