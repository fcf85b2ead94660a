package dgram

import (
	"encoding/binary"
	"net/netip"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/header"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
)

// rawHandler is the stack's, for raw sockets and for replies to pings.
type rawHandler struct{ t *Table }

func (t *Table) rawWants(proto uint8, v6 bool) bool {
	return t.want[version(v6)][proto].Load() > 0
}

// Wants is stack.RawHandler's.
func (r rawHandler) Wants(proto uint8, v6 bool) bool { return r.t.rawWants(proto, v6) }

// Raw is stack.RawHandler's.
func (r rawHandler) Raw(p *stack.Packet) bool {
	var all []*Endpoint
	r.t.mu.RLock()
	for _, e := range r.t.raws {
		if e.V6 == p.Dst.Is6() && e.Proto == p.Proto && e.takes(p) {
			all = append(all, e)
		}
	}
	r.t.mu.RUnlock()
	for _, e := range all {
		if p.Dst.IsMulticast() && !e.hears(p.Dst, p.Src, p.Link) {
			continue
		}
		d := Datagram{Src: netip.AddrPortFrom(p.Src, 0), Dst: netip.AddrPortFrom(p.Dst, 0), TTL: p.TTL, TOS: p.TOS, Link: p.Link, Time: stack.Wall.Now()}
		d.Data = p.Raw
		if e.V6 {
			d.Data = p.Payload
		}
		d.Data = append([]byte(nil), d.Data...)
		e.push(&d)
	}
	return len(all) > 0
}

// takes reports whether a packet is for a raw endpoint.
func (e *Endpoint) takes(p *stack.Packet) bool {
	if !e.bind.Match(p.Dst) || e.bind.Link != 0 && e.bind.Link != p.Link {
		return false
	}
	if r := e.remote.Load(); r != nil && r.Addr() != p.Src {
		return false
	}
	f := e.Filter.Load()
	if f == nil || len(p.Payload) == 0 {
		return true
	}
	typ := p.Payload[0]
	if e.Proto == linux.IPPROTO_ICMP && typ < 32 {
		return f[0]>>typ&1 == 0
	}
	return e.Proto != linux.IPPROTO_ICMPV6 || f[typ>>5]>>(typ&31)&1 == 0
}

// Reply is stack.Echo's.
func (r rawHandler) Reply(p *stack.Packet, id uint16) bool {
	d := &Datagram{
		Data: append([]byte(nil), p.Payload...), Src: netip.AddrPortFrom(p.Src, 0), Dst: netip.AddrPortFrom(p.Dst, id),
		TTL: p.TTL, TOS: p.TOS, Link: p.Link, Time: stack.Wall.Now(),
	}
	e := r.t.pinger(p.Dst, p.Src, id)
	if e == nil {
		return false
	}
	e.push(d)
	return true
}

// pinger finds the ping socket of an identifier.
func (t *Table) pinger(local, remote netip.Addr, id uint16) (found *Endpoint) {
	t.pings[version(local.Is6())].Each(id, func(b *stack.Binding) bool {
		e := b.Who.(*Endpoint)
		if r := e.remote.Load(); !b.Match(local) || r != nil && r.Addr() != remote {
			return true
		}
		found = e
		return false
	})
	return found
}

// Input is stack.Handler's, which rawHandler is only for Failed.
func (r rawHandler) Input(*stack.Packet) bool { return false }

// Failed is stack.Handler's: for raw sockets and for pings.
func (r rawHandler) Failed(h *header.IP, quoted []byte, f stack.Failure) {
	if h.Proto == linux.IPPROTO_ICMP || h.Proto == linux.IPPROTO_ICMPV6 {
		if e := r.t.pinger(h.Src, h.Dst, binary.BigEndian.Uint16(quoted[4:])); e != nil {
			e.failed(h, f, netip.AddrPortFrom(h.Dst, 0), quoted)
		}
	}
	var all []*Endpoint
	r.t.mu.RLock()
	for _, e := range r.t.raws {
		if remote := e.remote.Load(); e.V6 == h.Dst.Is6() && e.Proto == h.Proto && e.bind.Match(h.Src) && (remote == nil || remote.Addr() == h.Dst) {
			all = append(all, e)
		}
	}
	r.t.mu.RUnlock()
	for _, e := range all {
		e.failed(h, f, netip.AddrPortFrom(h.Dst, 0), quoted)
	}
}

// sendPing sends an echo request, whose identifier is the endpoint's: EINVAL if it is something
// else (ping_common_sendmsg).
func (e *Endpoint) sendPing(o *SendOptions, data []byte) linux.Errno {
	typ, proto := byte(linux.ICMP_ECHO), uint8(linux.IPPROTO_ICMP)
	if e.V6 {
		typ, proto = linux.ICMPV6_ECHO_REQUEST, linux.IPPROTO_ICMPV6
	}
	if len(data) > 65535 {
		return linux.EMSGSIZE
	}
	if len(data) < header.ICMPSize || data[0] != typ || data[1] != 0 {
		return linux.EINVAL
	}
	if o.To.Addr().Is6() != e.V6 {
		return linux.EINVAL
	}
	p, errno := e.path(o)
	if errno != 0 {
		return errno
	}
	binary.BigEndian.PutUint16(data[4:], e.Local().Port())
	if (o.NoBit || e.V6) && !o.fits(&p, len(data)) {
		return e.tooLong(&p, o)
	}
	h := e.header(o, &p, proto, len(data))
	stack.FillICMP(data, h.Src, h.Dst)
	return e.sendWhole(&p, o, &h, data)
}

// sendRaw sends a packet: with a header of the application's if it said so (raw_sendmsg,
// rawv6_sendmsg).
func (e *Endpoint) sendRaw(o *SendOptions, data []byte) linux.Errno {
	if len(data) > 65535 {
		return linux.EMSGSIZE
	}
	p, errno := e.path(o)
	if errno != 0 {
		return errno
	}
	switch {
	case o.HdrIncl && !e.V6:
		return e.sendIncluded(&p, data)
	case o.HdrIncl && len(data) < header.IPv6Size:
		return linux.EINVAL
	case o.HdrIncl: // as it is (rawv6_send_hdrinc)
		if len(data) > p.MTU {
			return e.tooLong(&p, o)
		}
		return e.table.Stack.SendRaw(&p, stack.Out{Packet: data})
	}
	if (o.NoBit || e.V6) && !o.fits(&p, len(data)) {
		return e.tooLong(&p, o)
	}
	h := e.header(o, &p, e.Proto, len(data))
	at := o.Checksum
	if e.V6 && e.Proto == linux.IPPROTO_ICMPV6 {
		at = 2
	}
	if e.V6 && at >= 0 {
		if at+2 > len(data) {
			return linux.EINVAL
		}
		data[at], data[at+1] = 0, 0
		sum := ^header.Fold(header.Sum(data, header.Pseudo(h.Src, h.Dst, e.Proto, len(data))))
		binary.BigEndian.PutUint16(data[at:], sum)
	}
	return e.sendWhole(&p, o, &h, data)
}

// sendWhole sends a packet, and notes that it is too long.
func (e *Endpoint) sendWhole(p *stack.Path, o *SendOptions, h *header.IP, data []byte) linux.Errno {
	errno := e.table.Stack.Send(p, h, data)
	if errno == linux.EMSGSIZE {
		e.tooLong(p, o)
	}
	return errno
}

// sendIncluded sends a packet with its header, in which the stack fills in lengths, an
// identification and a source that are missing, and the checksum.
func (e *Endpoint) sendIncluded(p *stack.Path, data []byte) linux.Errno {
	if len(data) < header.IPv4Size {
		return linux.EINVAL
	}
	size := int(data[0]&15) * 4
	if size < header.IPv4Size || size > len(data) {
		return linux.EINVAL
	}
	binary.BigEndian.PutUint16(data[2:], uint16(len(data)))
	if data[12]|data[13]|data[14]|data[15] == 0 && p.Src.Is4() {
		src := p.Src.As4()
		copy(data[12:], src[:])
	}
	if data[4]|data[5] == 0 {
		binary.BigEndian.PutUint16(data[4:], uint16(e.table.Stack.NextID()))
	}
	data[10], data[11] = 0, 0
	binary.BigEndian.PutUint16(data[10:], ^header.Fold(header.Sum(data[:size], 0)))
	return e.table.Stack.SendRaw(p, stack.Out{Packet: data})
}
