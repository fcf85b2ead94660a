package tcp

import (
	"net/netip"

	"github.com/seed-7423c386/runsc/sentry/net/header"
)

// Filter looks at a segment, from its header on: how many bytes of it are taken, 0 for none (SO_ATTACH_FILTER).
type Filter func(segment []byte, src, dst netip.Addr, link int32) int

// SetFilter lets f look at what comes, nil for nobody: whether somebody did before. What a filter has held back of a
// direct connection comes if it may now.
func (e *Endpoint) SetFilter(f Filter) bool {
	var p *Filter
	if f != nil {
		p = &f
	}
	had := e.filter.Swap(p) != nil
	e.retry()
	return had
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// passes lets a filter look at a segment from elsewhere, and cuts off what it does not take: false if that is all.
func (f *Filter) passes(g *segment, b []byte) bool {
	n := (*f)(b, g.remote.Addr(), g.local.Addr(), g.link)
	if n == 0 {
		return false
	}
	if head := len(b) - len(g.data); n < len(b) {
		g.data = g.data[:max(n-head, 0)]
		g.Flags &^= header.FIN
	}
	return true
}

// passesDirect lets e's filter look at what would be a segment from its peer o.
func (e *Endpoint) passesDirect(flags uint8, o *Endpoint, data []byte) bool {
	from, to := o.local, o.remote
	if !e.takesDirect(o, from.Addr()) {
		return false
	}
	f := e.filter.Load()
	if f == nil {
		return true
	}
	h := header.TCP{Flags: flags, Window: 512}
	if flags&header.SYN != 0 {
		h.MSS, h.SackOK, h.HasWScale, h.WScale = uint16(loopMSS(from.Addr().Is6())), true, true, loopScale
	}
	h.HasTS = true
	b := h.Append(nil, from.Port(), to.Port())
	return (*f)(append(b, data...), from.Addr(), to.Addr(), 1) != 0
}
