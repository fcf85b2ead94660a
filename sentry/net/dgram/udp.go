package dgram

import (
	"encoding/binary"
	"net/netip"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/header"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
)

// udp is the stack's handler.
type udp struct{ t *Table }

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
	if len(data) > most {
		return linux.EMSGSIZE
	}
	p, errno := e.path(o)
	if errno != 0 {
		return errno
	}
	return e.sendUDP(&p, o, data)
}

// sendSegments is UDP_SEGMENT: a datagram for each piece.
func (e *Endpoint) sendSegments(o *SendOptions, data []byte) linux.Errno {
	p, errno := e.path(o)
	if errno != 0 {
		return errno
	}
	if len(data) > 65535-header.UDPSize || (len(data)+o.MoreSize-1)/o.MoreSize > 128 || o.MoreSize+header.UDPSize+header.IPv6Size > p.MTU {
		return linux.EINVAL
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

func (e *Endpoint) sendUDP(p *stack.Path, o *SendOptions, data []byte) linux.Errno {
	t := e.table
	t.Stack.Counters.UDPOut.Add(1)
	var port uint16
	t.udp.Update(func() { port = e.bind.Port })
	src := netip.AddrPortFrom(p.Src, port)
	if p.Local && !t.Stack.Tapped() && !t.rawWants(linux.IPPROTO_UDP, o.To.Addr().Is6()) && len(data)+48 <= p.MTU {
		d := &Datagram{Data: data, Src: src, Dst: o.To, TTL: o.TTL, TOS: o.TOS, Link: p.Link, Time: stack.Wall.Now()}
		if d.TTL == 0 {
			d.TTL = uint8(t.Stack.Settings.TTL.Load())
		}
		t.countLocal(p.Link, len(data)+header.UDPSize+header.IPv4Size)
		if !t.deliver(d) {
			f := stack.Failure{Errno: linux.ECONNREFUSED, Origin: linux.SO_EE_ORIGIN_ICMP, Type: linux.ICMP_DEST_UNREACH, Code: linux.ICMP_PORT_UNREACH, From: o.To.Addr(), Hard: true}
			if o.To.Addr().Is6() {
				f.Origin, f.Type, f.Code = linux.SO_EE_ORIGIN_ICMP6, linux.ICMPV6_DEST_UNREACH, 4
			}
			if r := e.remote.Load(); r == nil || *r == o.To {
				e.fail(f, o.To, data)
			}
		}
		return 0
	}
	h := o.header(p, linux.IPPROTO_UDP)
	u := header.UDP{Src: port, Dst: o.To.Port()}
	b := append(u.Append(make([]byte, 0, header.UDPSize+len(data)), len(data)), data...)
	if !e.NoCheck.Load() || h.Dst.Is6() {
		fillUDP(b, h.Src, h.Dst)
	}
	errno := t.Stack.Send(p, &h, b)
	if errno == linux.EMSGSIZE {
		e.fail(stack.Failure{Errno: errno, Origin: linux.SO_EE_ORIGIN_LOCAL, Info: uint32(p.MTU)}, o.To, nil)
	}
	return errno
}

func fillUDP(b []byte, src, dst netip.Addr) {
	b[6], b[7] = 0, 0
	sum := ^header.Fold(header.Sum(b, header.Pseudo(src, dst, linux.IPPROTO_UDP, len(b))))
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
	h, data, ok := header.ParseUDP(p.Payload)
	if ok && h.Sum == 0 && p.Dst.Is6() {
		ok = false
	}
	if ok && h.Sum != 0 && p.From == stack.Outside {
		n := header.UDPSize + len(data)
		ok = header.Fold(header.Sum(p.Payload[:n], header.Pseudo(p.Src, p.Dst, linux.IPPROTO_UDP, n))) == 0xffff
	}
	if !ok {
		u.t.Stack.Counters.UDPInErrors.Add(1)
		return true
	}
	return u.t.deliver(&Datagram{
		Data: data, Src: netip.AddrPortFrom(p.Src, h.Src), Dst: netip.AddrPortFrom(p.Dst, h.Dst),
		TTL: p.TTL, TOS: p.TOS, Link: p.Link, Time: stack.Wall.Now(),
	})
}

// Failed is stack.Handler's.
func (u udp) Failed(h *header.IP, quoted []byte, f stack.Failure) {
	src, dst := binary.BigEndian.Uint16(quoted), binary.BigEndian.Uint16(quoted[2:])
	d := Datagram{Src: netip.AddrPortFrom(h.Dst, dst), Dst: netip.AddrPortFrom(h.Src, src)}
	if e := u.t.find(&d); e != nil {
		e.fail(f, d.Src, quoted[header.UDPSize:])
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
	if s := t.service.Load(); s != nil && d.Dst == s.at {
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
		t.Stack.Counters.UDPNoPorts.Add(1)
		return false
	}
	t.Stack.Counters.UDPIn.Add(1)
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
	t.udp.Each(d.Dst.Port(), func(b *stack.Binding) bool {
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
	t.udp.Each(d.Dst.Port(), func(b *stack.Binding) bool {
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
