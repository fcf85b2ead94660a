package dgram

import (
	"net/netip"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/header"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
)

// What becomes of packets that are too long for their way: routers say so, or the stack knows it.

// PathMTU is what IPV6_RECVPATHMTU tells.
type PathMTU struct {
	To   netip.Addr
	Link int32
	MTU  uint32
}

// isTooBig takes what a router said of a packet of e's (ip_sk_accept_pmtu, __udp4_lib_err, raw_err, udpv6_err, rawv6_err): how much
// of it is an error, false if nothing.
func (e *Endpoint) isTooBig(h *header.IP, f *stack.Failure) bool {
	mode := e.Discover4.Load()
	if h.Dst.Is6() {
		mode = e.Discover6.Load()
	}
	trusts := mode != linux.IP_PMTUDISC_INTERFACE && mode != linux.IP_PMTUDISC_OMIT
	if trusts {
		e.table.Stack.LearnMTU(h.Dst, int(f.Info))
	}
	f.Hard = mode != linux.IP_PMTUDISC_DONT
	switch {
	case h.Dst.Is6() && e.Kind == Raw:
		f.Hard = mode == linux.IP_PMTUDISC_DO
		return true
	case h.Dst.Is6():
		return trusts
	}
	return f.Hard || e.Kind == Raw
}

// failed tells e of an ICMP error about what it has sent.
func (e *Endpoint) failed(h *header.IP, f stack.Failure, to netip.AddrPort, data []byte) {
	if f.Errno != linux.EMSGSIZE || e.isTooBig(h, &f) {
		e.fail(f, to, data)
	}
}

// tooLong tells of a packet that cannot be sent because of its size (ip_local_error, ipv6_local_rxpmtu).
func (e *Endpoint) tooLong(p *stack.Path, o *SendOptions) linux.Errno {
	mtu := p.MTU
	if o.To.Addr().Is4() {
		mtu = min(mtu, 65535)
	}
	if o.DontFrag6 && e.WantsMTU.Load() {
		e.pathMTU.Store(&PathMTU{o.To.Addr(), o.Link, uint32(mtu)})
	}
	e.fail(stack.Failure{Errno: linux.EMSGSIZE, Origin: linux.SO_EE_ORIGIN_LOCAL, Info: uint32(mtu)}, o.To, nil)
	return linux.EMSGSIZE
}

// TakeMTU returns what IPV6_RECVPATHMTU has to tell, once; nil for nothing.
func (e *Endpoint) TakeMTU() *PathMTU {
	if e.pathMTU.Load() == nil || !e.WantsMTU.Load() {
		return nil
	}
	return e.pathMTU.Swap(nil)
}
