package stack

import (
	"hash/maphash"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// Ports is who has which port of a transport protocol (struct inet_hashinfo, struct udp_table).
type Ports struct {
	// TCP lets a port that is reused be bound again only if nobody listens, and one on which a
	// connection waits for its last packets if both allow that (inet_csk_bind_conflict).
	TCP   bool
	stack *Stack
	mu    sync.RWMutex
	ports map[uint16]*Binding // a ring each

	// listen is those of ports that listen: their connections have the port, too, and may be many.
	listen map[uint16][]*Binding
}

// Binding is one user of a port. The fields but Owner do not change while it is bound.
type Binding struct {
	Addr   netip.Addr // invalid: any
	V6     bool       // of IPv6: if Addr is any, then of both versions, unless Only
	Only   bool
	Port   uint16
	Link   int32
	UID    uint32
	Range  uint32 // IP_LOCAL_PORT_RANGE: the lowest port in the low half, the highest in the high one; 0: not set
	Owner  Owner  // nil: Reuse and ReusePort count
	Who    any
	Listen bool // by Ports.Listen and Unlisten
	Auto   bool // chosen for a connection: others may choose it, too

	Reuse, ReusePort bool

	shared     bool // ReusePort when it was bound, which counts for TCP (tb->fastreuseport)
	bound      bool
	next, prev *Binding
}

// NewPorts returns an empty table.
func NewPorts(s *Stack, tcp bool) *Ports {
	return &Ports{TCP: tcp, stack: s, ports: map[uint16]*Binding{}, listen: map[uint16][]*Binding{}}
}

func (b *Binding) reuse() bool {
	if b.Owner != nil {
		return b.Owner.Flag(linux.SO_REUSEADDR)
	}
	return b.Reuse
}

func (b *Binding) reusePort() bool {
	if b.Owner != nil {
		return b.Owner.Flag(linux.SO_REUSEPORT)
	}
	return b.ReusePort
}

// overlaps reports whether a packet could be for both (inet_rcv_saddr_equal).
func (b *Binding) overlaps(o *Binding) bool {
	if b.Link != 0 && o.Link != 0 && b.Link != o.Link {
		return false
	}
	switch {
	case !b.Addr.IsValid() && !o.Addr.IsValid():
		return b.V6 == o.V6 || !(b.Only || o.Only)
	case !b.Addr.IsValid():
		return b.covers(o.Addr)
	case !o.Addr.IsValid():
		return o.covers(b.Addr)
	}
	return b.Addr == o.Addr
}

// covers reports whether b, bound to any address, is so to a.
func (b *Binding) covers(a netip.Addr) bool {
	if a.Is6() {
		return b.V6
	}
	return !b.V6 || !b.Only
}

// Match reports whether a packet to a is for b.
func (b *Binding) Match(a netip.Addr) bool {
	if b.Addr.IsValid() {
		return b.Addr == a
	}
	return b.covers(a)
}

// conflicts reports whether b cannot have the port that o has.
func (p *Ports) conflicts(b, o *Binding) bool {
	if b == o || !b.overlaps(o) {
		return false
	}
	if b.reusePort() && (o.reusePort() || p.TCP && o.shared) && b.UID == o.UID {
		return false
	}
	return !(b.reuse() && o.reuse() && !(p.TCP && o.Listen))
}

func (p *Ports) freeLocked(b *Binding, port uint16) bool {
	head := p.ports[port]
	for o := head; o != nil; {
		if p.conflicts(b, o) {
			return false
		}
		if o = o.next; o == head {
			break
		}
	}
	return true
}

// Bind gives b a port: EADDRINUSE. Port 0 takes one that is free.
func (p *Ports) Bind(b *Binding, port uint16) linux.Errno {
	p.mu.Lock()
	defer p.mu.Unlock()
	if port != 0 {
		if !p.freeLocked(b, port) {
			return linux.EADDRINUSE
		}
		p.insertLocked(b, port)
		return 0
	}
	errno := linux.Errno(linux.EADDRINUSE)
	p.each(b, func(port uint16) bool {
		if p.ports[port] != nil && (!p.TCP || !b.reuse() || !p.freeLocked(b, port)) {
			return false
		}
		p.insertLocked(b, port)
		errno = 0
		return true
	})
	return errno
}

// Choose tries ports for a connection until ok takes one: ports that somebody has bound are not
// tried, those of other connections are. EADDRNOTAVAIL.
func (p *Ports) Choose(b *Binding, ok func(port uint16) bool) linux.Errno {
	p.mu.Lock()
	defer p.mu.Unlock()
	errno := linux.Errno(linux.EADDRNOTAVAIL)
	p.each(b, func(port uint16) bool {
		if head := p.ports[port]; head != nil && !head.allChosen() || !ok(port) {
			return false
		}
		b.Auto = true
		p.insertLocked(b, port)
		errno = 0
		return true
	})
	return errno
}

// each goes over the ports that may be chosen for b, from a random one on (inet_sk_get_local_port_range).
func (p *Ports) each(b *Binding, try func(port uint16) bool) {
	r := p.stack.Settings.LocalPorts.Load()
	low, high := r>>16, r&0xffff
	own := [2]uint32{b.Range & 0xffff, b.Range >> 16}
	if low <= own[0] && own[0] <= high {
		low = own[0]
	}
	if low <= own[1] && own[1] <= high {
		high = own[1]
	}
	n := high - low + 1
	begin := rand.Uint32N(n)
	for i := range n {
		if try(uint16(low + (begin+i)%n)) {
			return
		}
	}
}

// allChosen reports whether all users of a port are connections that chose it.
func (b *Binding) allChosen() bool {
	for o := b; ; {
		if !o.Auto {
			return false
		}
		if o = o.next; o == b {
			return true
		}
	}
}

// Share lets b have the port of another without a question: an accepted connection that of its
// listener.
func (p *Ports) Share(b *Binding, port uint16) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.insertLocked(b, port)
}

func (p *Ports) insertLocked(b *Binding, port uint16) {
	b.Port, b.bound, b.shared = port, true, b.reusePort()
	if head := p.ports[port]; head != nil {
		b.next, b.prev = head, head.prev
		b.prev.next, head.prev = b, b
		return
	}
	b.next, b.prev = b, b
	p.ports[port] = b
}

// Release gives the port back.
func (p *Ports) Release(b *Binding) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !b.bound {
		return
	}
	if b.next == b {
		delete(p.ports, b.Port)
	} else {
		if p.ports[b.Port] == b {
			p.ports[b.Port] = b.next
		}
		b.prev.next, b.next.prev = b.next, b.prev
	}
	b.next, b.prev, b.bound = nil, nil, false
}

// Update changes b by f under the lock, as a listen does or a connection that narrows an address.
func (p *Ports) Update(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

// Listen marks b as listening: EADDRINUSE if somebody else does on the same port.
func (p *Ports) Listen(b *Binding) linux.Errno {
	p.mu.Lock()
	defer p.mu.Unlock()
	b.Listen = true
	if !p.freeLocked(b, b.Port) {
		b.Listen = false
		return linux.EADDRINUSE
	}
	p.listen[b.Port] = append(p.listen[b.Port], b)
	return 0
}

// Unlisten undoes Listen.
func (p *Ports) Unlisten(b *Binding) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if b.Listen = false; b.Port == 0 {
		return
	}
	left := slices.DeleteFunc(p.listen[b.Port], func(o *Binding) bool { return o == b })
	if p.listen[b.Port] = left; len(left) == 0 {
		delete(p.listen, b.Port)
	}
}

// EachListener calls f for those who listen on a port.
func (p *Ports) EachListener(port uint16, f func(b *Binding)) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for _, b := range p.listen[port] {
		f(b)
	}
}

// Each calls f for the users of a port until it returns false.
func (p *Ports) Each(port uint16, f func(b *Binding) bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	head := p.ports[port]
	for b := head; b != nil; {
		if !f(b) {
			return
		}
		if b = b.next; b == head {
			return
		}
	}
}

// All calls f for every user of every port.
func (p *Ports) All(f func(b *Binding)) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for _, head := range p.ports {
		for b := head; ; {
			f(b)
			if b = b.next; b == head {
				break
			}
		}
	}
}

var hashSeed = maphash.MakeSeed()

// Hash mixes two addresses, by a seed that nobody outside knows.
func Hash(a, b netip.AddrPort) uint64 {
	return maphash.Comparable(hashSeed, [2]netip.AddrPort{a, b})
}
