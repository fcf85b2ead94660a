// Package dgram is sockets without connections over the stack: UDP, echo requests of unprivileged
// programs, and raw packets (net/ipv4/udp.c, ping.c, raw.c and their likes in net/ipv6).
//
// A datagram to ourselves goes to the receiver's queue by a call, without a header being made.
//
// Locks: Endpoint.read before Endpoint.mu before Table.mu and that of the ports; none is held while a packet is sent or
// an owner is notified.
package dgram

import (
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/platform"
	"github.com/seed-7423c386/runsc/sentry/net/header"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
	"github.com/seed-7423c386/runsc/sentry/wait"
)

// Kind is what an endpoint sends.
type Kind uint8

// The kinds.
const (
	UDP     Kind = iota
	UDPLite      // RFC 3828
	Ping
	Raw
)

// HasPorts tells whether k has the ports and the header of UDP.
func (k Kind) HasPorts() bool { return k == UDP || k == UDPLite }

// Datagram is one that waits to be received. It is not changed any more.
type Datagram struct {
	Data     []byte
	Src, Dst netip.AddrPort
	TTL, TOS uint8
	Lite     bool   // of UDP-Lite
	Covered  uint16 // of that: how many bytes from the header on the checksum is of, 0 for all
	Link     int32
	Time     int64 // stack.Wall's
	Segment  int   // of datagrams that UDP_SEGMENT made of one message, of which Data is: how long each is; 0 for one datagram
	charge   int
}

// Failed is an entry of the error queue: what was sent, where to, and what became of it.
type Failed struct {
	stack.Failure
	Data []byte
	To   netip.AddrPort
}

// Endpoint is what a socket sends and receives by.
type Endpoint struct {
	Kind  Kind
	Proto uint8
	V6    bool
	Owner stack.Owner
	table *Table

	RecvErr4, RecvErr6   atomic.Bool
	MulticastAll         atomic.Bool
	Discover4, Discover6 atomic.Int32 // IP_MTU_DISCOVER, IPV6_MTU_DISCOVER
	WantsMTU             atomic.Bool  // IPV6_RECVPATHMTU
	pathMTU              atomic.Pointer[PathMTU]
	NoCheck              atomic.Bool
	Gro                  atomic.Bool               // UDP_GRO
	Cover, LeastCover    atomic.Int32              // of UDP-Lite: what checksums sent are of, and received at least; -1: not set
	Filter               atomic.Pointer[[8]uint32] // of ICMP types, for raw sockets: a bit set is not wanted

	// Cut says how many bytes of a datagram are to be queued, -1 for none of it.
	Cut    atomic.Pointer[func(d *Datagram) int]
	remote atomic.Pointer[netip.AddrPort]
	Drops  atomic.Uint64
	bind   stack.Binding // changes under the lock of the ports; of raw sockets under Table.mu

	read   sync.Mutex // held while datagrams are taken or lent
	loan   atomic.Pointer[platform.Loan]
	worth  worth
	seenAt atomic.Int64 // Datagram.Time of the last that was taken from a loan

	mu      sync.Mutex
	bound   bool
	addrSet bool // by bind, not by connect
	portSet bool
	queue   []*Datagram
	rmem    int
	errs    []*Failed
	groups  []Membership
	closed  bool
}

// Membership is of a multicast group on an interface.
type Membership struct {
	Group   netip.Addr
	Link    int32
	Exclude bool         // Sources are those that are not wanted, not those that are
	Sources []netip.Addr // of source-specific memberships
}

// wanted is how the stack is told of it.
func (m *Membership) wanted() *stack.Wanted {
	return &stack.Wanted{Exclude: m.Exclude, Sources: m.Sources}
}

// Table is all endpoints of a stack.
type Table struct {
	Stack *stack.Stack
	udp   *stack.Ports
	lite  *stack.Ports
	pings [2]*stack.Ports // of IPv4, of IPv6

	service atomic.Pointer[service]

	mu   sync.RWMutex
	raws []*Endpoint
	want [2][256]atomic.Int32 // raw sockets of a protocol
}

// NewTable joins datagrams to a stack.
func NewTable(s *stack.Stack) *Table {
	t := &Table{Stack: s, udp: stack.NewPorts(s, false), lite: stack.NewPorts(s, false)}
	t.pings[0], t.pings[1] = stack.NewPorts(s, false), stack.NewPorts(s, false)
	s.Handle(linux.IPPROTO_UDP, udp{t, false})
	s.Handle(linux.IPPROTO_UDPLITE, udp{t, true})
	s.HandleRaw(rawHandler{t})
	return t
}

// New returns an endpoint. Raw ones hear from now on.
func (t *Table) New(kind Kind, proto uint8, v6 bool, owner stack.Owner, uid uint32) *Endpoint {
	e := &Endpoint{Kind: kind, Proto: proto, V6: v6, Owner: owner, table: t}
	e.bind = stack.Binding{V6: v6, Owner: owner, UID: uid, Who: e}
	e.MulticastAll.Store(true)
	e.Discover4.Store(linux.IP_PMTUDISC_WANT)
	e.Discover6.Store(linux.IP_PMTUDISC_WANT)
	e.Cover.Store(-1)
	e.LeastCover.Store(-1)
	if kind == Raw {
		t.mu.Lock()
		t.raws = append(t.raws, e)
		t.want[version(v6)][proto].Add(1)
		t.mu.Unlock()
		e.bind.Port = uint16(proto)
	}
	return e
}

func version(v6 bool) int {
	if v6 {
		return 1
	}
	return 0
}

// ports is where the endpoint's number comes from, nil for a raw one.
func (e *Endpoint) ports() *stack.Ports {
	switch e.Kind {
	case UDP:
		return e.table.udp
	case UDPLite:
		return e.table.lite
	case Ping:
		return e.table.pings[version(e.V6)]
	}
	return nil
}

// update changes the binding.
func (e *Endpoint) update(f func()) {
	if p := e.ports(); p != nil {
		p.Update(f)
		return
	}
	e.table.mu.Lock()
	defer e.table.mu.Unlock()
	f()
}

// SetOnly is IPV6_V6ONLY.
func (e *Endpoint) SetOnly(on bool) { e.update(func() { e.bind.Only = on }) }

// SetLink is SO_BINDTODEVICE.
func (e *Endpoint) SetLink(link int32) { e.update(func() { e.bind.Link = link }) }

// SetRange is IP_LOCAL_PORT_RANGE.
func (e *Endpoint) SetRange(r uint32) { e.update(func() { e.bind.Range = r }) }

// BoundLink is the interface the endpoint is bound to, 0 for none.
func (e *Endpoint) BoundLink() int32 {
	var l int32
	e.update(func() { l = e.bind.Link })
	return l
}

// UID is the user who made the endpoint.
func (e *Endpoint) UID() uint32 { return e.bind.UID }

// Autobind gives it a port if it has none: EAGAIN.
func (e *Endpoint) Autobind() linux.Errno { return e.autobind() }

// Bound reports whether there is a port.
func (e *Endpoint) Bound() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.bound
}

// Bind gives the endpoint an address, invalid for any, and a port: EADDRINUSE; EINVAL if it has a port.
func (e *Endpoint) Bind(a netip.AddrPort) linux.Errno {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed || e.bound && e.Kind != Raw {
		return linux.EINVAL
	}
	if e.Kind == Raw {
		e.update(func() { e.bind.Addr = a.Addr() })
		e.bound, e.addrSet = true, a.Addr().IsValid()
		return 0
	}
	old := e.bind.Addr
	e.bind.Addr = a.Addr()
	if errno := e.ports().Bind(&e.bind, a.Port()); errno != 0 {
		e.bind.Addr = old
		return errno
	}
	e.bound = true
	e.addrSet = e.addrSet || a.Addr().IsValid()
	e.portSet = e.portSet || a.Port() != 0
	return 0
}

// BindAddress gives the endpoint an address, and no port before it sends (IP_BIND_ADDRESS_NO_PORT): EINVAL if it has one.
func (e *Endpoint) BindAddress(a netip.Addr) linux.Errno {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed || e.bound {
		return linux.EINVAL
	}
	e.update(func() { e.bind.Addr = a })
	e.addrSet = a.IsValid()
	return 0
}

// autobind gives it a port before it first sends: EAGAIN if there is none.
func (e *Endpoint) autobind() linux.Errno {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.bound || e.Kind == Raw {
		return 0
	}
	if e.closed {
		return linux.EPIPE
	}
	if errno := e.ports().Bind(&e.bind, 0); errno != 0 {
		return linux.EAGAIN
	}
	e.bound = true
	return 0
}

// Connect fixes where to send, and from whom to receive. src is the address to send from.
func (e *Endpoint) Connect(to netip.AddrPort, src netip.Addr) linux.Errno {
	if errno := e.autobind(); errno != 0 {
		return errno
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.addrSet {
		e.update(func() { e.bind.Addr = src })
	}
	e.remote.Store(&to)
	return 0
}

// Disconnect undoes Connect, and gives back a port that was not asked for (__udp_disconnect).
func (e *Endpoint) Disconnect() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.remote.Store(nil)
	if !e.addrSet {
		e.update(func() { e.bind.Addr = netip.Addr{} })
	}
	if e.Kind != Raw && e.bound && !e.portSet {
		e.ports().Release(&e.bind)
		e.bind.Port, e.bound = 0, false
	}
}

// Local is the address and port the endpoint has.
func (e *Endpoint) Local() netip.AddrPort {
	var a netip.AddrPort
	e.update(func() { a = netip.AddrPortFrom(e.bind.Addr, e.bind.Port) })
	return a
}

// Remote is what it is connected to.
func (e *Endpoint) Remote() (netip.AddrPort, bool) {
	if r := e.remote.Load(); r != nil {
		return *r, true
	}
	return netip.AddrPort{}, false
}

// Close ends the endpoint.
func (e *Endpoint) Close() {
	e.Reclaim()
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return
	}
	e.closed = true
	groups := e.groups
	e.groups, e.queue, e.errs, e.rmem = nil, nil, nil, 0
	e.mu.Unlock()
	for _, m := range groups {
		e.table.Stack.Listen(m.Link, m.Group, m.wanted(), nil)
	}
	if p := e.ports(); p != nil {
		p.Release(&e.bind)
		return
	}
	t := e.table
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.Index(t.raws, e); i >= 0 {
		t.raws = slices.Delete(t.raws, i, i+1)
		t.want[version(e.V6)][e.Proto].Add(-1)
	}
}

// What a datagram costs its receiver: the data with what stands around it, in buffers whose sizes
// are powers of two (include/linux/skbuff.h).
const (
	skbOverhead = 256
	skbTail     = 320 + 64
)

func truesize(n int) int {
	size := 512
	for size < min(n, 16384)+skbTail {
		size *= 2
	}
	return size + skbOverhead + (max(n-16384, 0)+4095)&^4095
}

// covers tells whether enough of a datagram of UDP-Lite is protected for the endpoint.
func (e *Endpoint) covers(d *Datagram) bool {
	least := e.LeastCover.Load()
	return d.Covered == 0 || least < 0 || least > 0 && int32(d.Covered) >= least
}

// push queues a datagram for receiving, or several that are one Data, as one or each for itself.
func (e *Endpoint) push(d *Datagram) {
	if d.Segment == 0 || e.Gro.Load() {
		e.pushOne(d)
		return
	}
	for data := d.Data; len(data) > 0; {
		one, n := *d, min(len(data), d.Segment)
		one.Data, one.Segment = data[:n:n], 0
		e.pushOne(&one)
		data = data[n:]
	}
}

// pushOne queues d if there is room.
func (e *Endpoint) pushOne(d *Datagram) {
	if !e.covers(d) {
		e.dropped(d, func(c *stack.DatagramCounters) { c.InErrors.Add(1) })
		return
	}
	if cut := e.Cut.Load(); cut != nil {
		n := (*cut)(d)
		if n < 0 {
			e.dropped(d, func(c *stack.DatagramCounters) { c.InErrors.Add(1) })
			return
		}
		c := *d
		d, c.Data = &c, c.Data[:min(n, len(c.Data))]
	}
	_, room := e.Owner.Buffers()
	d.charge = truesize(len(d.Data))
	e.mu.Lock()
	if e.closed || e.rmem > room {
		e.mu.Unlock()
		e.dropped(d, func(c *stack.DatagramCounters) { c.RcvbufErrors.Add(1) })
		return
	}
	e.rmem += d.charge
	e.queue = append(e.queue, d)
	e.mu.Unlock()
	if e.Kind.HasPorts() {
		e.table.counters(d.Lite, d.Dst.Addr()).In.Add(1)
	}
	e.Owner.Notify(wait.In | wait.RdNorm)
}

// dropped counts a datagram that is not queued, and of UDP why.
func (e *Endpoint) dropped(d *Datagram, why func(*stack.DatagramCounters)) {
	e.Drops.Add(1)
	if e.Kind.HasPorts() {
		why(e.table.counters(e.Kind == UDPLite, d.Dst.Addr()))
	}
}

// Next returns the first datagram, nil if there is none, and takes it away unless peek.
func (e *Endpoint) Next(peek bool) *Datagram {
	e.read.Lock()
	defer e.read.Unlock()
	e.Reclaim()
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.queue) == 0 {
		return nil
	}
	d := e.queue[0]
	if !peek {
		e.dropLocked()
		e.seenAt.Store(0)
	}
	return d
}

// dropLocked takes the first datagram away.
func (e *Endpoint) dropLocked() {
	e.rmem -= e.queue[0].charge
	e.queue[0] = nil
	if e.queue = e.queue[1:]; len(e.queue) == 0 {
		e.queue = nil
	}
}

// PeekAt returns the datagram in which byte off of all that are queued is, and where it is there; nil if there are not so many.
func (e *Endpoint) PeekAt(off int) (*Datagram, int) {
	e.Reclaim()
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, d := range e.queue {
		if off < len(d.Data) || off == 0 {
			return d, off
		}
		off -= len(d.Data)
	}
	return nil, 0
}

// Queued is how long the next datagram is, -1 if there is none, and how much memory all have.
func (e *Endpoint) Queued() (next, mem int) {
	e.Reclaim()
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.queue) == 0 {
		return -1, e.rmem
	}
	return len(e.queue[0].Data), e.rmem
}

// maxErrors bounds the error queue.
const maxErrors = 64

// fail notes that something that was sent to to came to nothing (udp_err, raw_err).
func (e *Endpoint) fail(f stack.Failure, to netip.AddrPort, data []byte) {
	wanted := e.RecvErr4.Load()
	if f.Origin == linux.SO_EE_ORIGIN_ICMP6 || f.Origin == linux.SO_EE_ORIGIN_LOCAL && e.V6 {
		wanted = e.RecvErr6.Load()
	}
	_, connected := e.Remote()
	if wanted {
		e.mu.Lock()
		if len(e.errs) < maxErrors && !e.closed {
			e.errs = append(e.errs, &Failed{f, append([]byte(nil), data...), to})
		}
		e.mu.Unlock()
	} else if !f.Hard || !connected {
		return
	}
	if f.Origin != linux.SO_EE_ORIGIN_LOCAL { // of which the call has told
		e.Owner.SetError(f.Errno)
	}
	e.Owner.Notify(wait.Err)
}

// DropErrors empties the error queue.
func (e *Endpoint) DropErrors() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.errs = nil
}

// NextError takes an entry off the error queue, nil if it is empty.
func (e *Endpoint) NextError() *Failed {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.errs) == 0 {
		return nil
	}
	f := e.errs[0]
	e.errs = e.errs[1:]
	return f
}

// HasErrors reports whether the error queue is not empty.
func (e *Endpoint) HasErrors() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.errs) > 0
}

// maxGroups is net.ipv4.igmp_max_memberships.
const maxGroups = 20

// member returns the membership of a group on an interface, any if link is 0; nil if there is none.
func (e *Endpoint) member(group netip.Addr, link int32) *Membership {
	for i := range e.groups {
		if o := &e.groups[i]; o.Group == group && (link == 0 || o.Link == link) {
			return o
		}
	}
	return nil
}

// Join adds a membership: EADDRINUSE if it is there, ENOBUFS if there are too many.
func (e *Endpoint) Join(m Membership) linux.Errno {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch n := len(e.groups); {
	case e.member(m.Group, m.Link) != nil:
		return linux.EADDRINUSE
	case n >= maxGroups && !e.V6:
		return linux.ENOBUFS
	case n >= 1024:
		return linux.ENOMEM
	}
	e.groups = append(e.groups, m)
	e.table.Stack.Listen(m.Link, m.Group, nil, m.wanted())
	return 0
}

// maxSources is net.ipv4.igmp_max_msf.
const maxSources = 10

// Source changes a membership's sources (ip_mc_source): adds src to those that are not wanted (exclude) or are, or takes it from
// there. EINVAL if there is no membership, or if its sources are of the other kind: as long as there have been none it may change.
// The last source that is wanted takes the membership with it.
func (e *Endpoint) Source(group netip.Addr, link int32, src netip.Addr, add, exclude bool) linux.Errno {
	e.mu.Lock()
	defer e.mu.Unlock()
	o := e.member(group, link)
	if o == nil || o.Exclude != exclude && o.Sources != nil {
		return linux.EINVAL
	}
	if was := o.wanted(); o.Exclude != exclude {
		o.Exclude = exclude
		e.table.Stack.Listen(o.Link, group, was, o.wanted())
	}
	was := o.wanted()
	at := slices.Index(o.Sources, src)
	switch {
	case add && len(o.Sources) >= maxSources:
		return linux.ENOBUFS
	case add == (at >= 0):
		return linux.EADDRNOTAVAIL
	case add:
		o.Sources = append(slices.Clip(o.Sources), src)
	case len(o.Sources) == 1 && !exclude:
		e.leaveLocked(o)
		return 0
	default:
		o.Sources = slices.Delete(slices.Clone(o.Sources), at, at+1)
	}
	e.table.Stack.Listen(o.Link, group, was, o.wanted())
	return 0
}

// SetSources makes sources all that are wanted, or not wanted (ip_mc_msfilter).
func (e *Endpoint) SetSources(group netip.Addr, link int32, sources []netip.Addr, exclude bool) linux.Errno {
	if len(sources) > maxSources {
		return linux.ENOBUFS
	}
	if len(sources) == 0 && !exclude {
		return e.Leave(group, link)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	o := e.member(group, link)
	if o == nil {
		return linux.EINVAL
	}
	was := o.wanted()
	if o.Exclude, o.Sources = exclude, nil; len(sources) > 0 {
		o.Sources = sources
	}
	e.table.Stack.Listen(o.Link, group, was, o.wanted())
	return 0
}

// Sources is what SetSources has set: EADDRNOTAVAIL without a membership.
func (e *Endpoint) Sources(group netip.Addr, link int32) (sources []netip.Addr, exclude bool, errno linux.Errno) {
	e.mu.Lock()
	defer e.mu.Unlock()
	o := e.member(group, link)
	if o == nil {
		return nil, false, linux.EADDRNOTAVAIL
	}
	return o.Sources, o.Exclude, 0
}

// Leave takes a membership away: EADDRNOTAVAIL. link 0 is any.
func (e *Endpoint) Leave(group netip.Addr, link int32) linux.Errno {
	e.mu.Lock()
	defer e.mu.Unlock()
	o := e.member(group, link)
	if o == nil {
		return linux.EADDRNOTAVAIL
	}
	e.leaveLocked(o)
	return 0
}

// leaveLocked takes away one of e.groups.
func (e *Endpoint) leaveLocked(o *Membership) {
	group, link, was := o.Group, o.Link, o.wanted()
	e.groups = slices.DeleteFunc(e.groups, func(m Membership) bool { return m.Group == group && m.Link == link })
	e.table.Stack.Listen(link, group, was, nil)
}

// hears reports whether a packet to a group is for the endpoint (ip_mc_sf_allow).
func (e *Endpoint) hears(group, src netip.Addr, link int32) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range e.groups {
		o := &e.groups[i]
		if o.Group == group && o.Link == link {
			return slices.Contains(o.Sources, src) != o.Exclude
		}
	}
	return e.MulticastAll.Load()
}

// Each calls f for every endpoint of a kind and version.
func (t *Table) Each(kind Kind, v6 bool, f func(e *Endpoint)) {
	var all []*Endpoint
	collect := func(b *stack.Binding) {
		if e := b.Who.(*Endpoint); e.V6 == v6 {
			all = append(all, e)
		}
	}
	switch kind {
	case UDP:
		t.udp.All(collect)
	case UDPLite:
		t.lite.All(collect)
	case Ping:
		t.pings[version(v6)].All(collect)
	case Raw:
		t.mu.RLock()
		for _, e := range t.raws {
			if e.V6 == v6 {
				all = append(all, e)
			}
		}
		t.mu.RUnlock()
	}
	for _, e := range all {
		f(e)
	}
}

// SendOptions say how something is sent.
type SendOptions struct {
	To        netip.AddrPort
	Src       netip.Addr // invalid: as bound, or as the route says
	Link      int32
	TTL       uint8 // 0: the default
	TOS       uint8
	DontFrag  bool
	DontFrag6 bool   // by IPV6_DONTFRAG
	Whole     bool   // a packet that fits is not to be split by routers (IP_PMTUDISC_WANT)
	NoBit     bool   // DontFrag counts here, but is not said to routers (IP_PMTUDISC_INTERFACE)
	Probe     bool   // what routers said about the way does not count (IP_PMTUDISC_PROBE)
	MTU       int    // IPV6_MTU, 0 for the path's
	Options   []byte // of IPv4
	MoreSize  int    // of UDP_SEGMENT: 0 for none
	HdrIncl   bool
	Checksum  int // where a raw IPv6 packet has its checksum, -1 for nowhere
}

// path finds the way for o; what the route says about the source is filled in.
func (e *Endpoint) path(o *SendOptions) (stack.Path, linux.Errno) {
	src := o.Src
	if !src.IsValid() {
		e.update(func() { src = e.bind.Addr })
		if src.IsValid() && (src.IsMulticast() || e.table.Stack.IsBroadcast(src) || src.Is4() != o.To.Addr().Is4()) {
			src = netip.Addr{}
		}
	}
	p, errno := e.table.Stack.Path(o.To.Addr(), src, o.Link)
	if errno != 0 {
		return p, errno
	}
	if p.Broadcast && !e.Owner.Flag(linux.SO_BROADCAST) {
		return p, linux.EACCES
	}
	if o.MTU != 0 {
		p.MTU = min(p.MTU, o.MTU)
	}
	if !o.Probe && e.table.Stack.Narrow(&p, o.To.Addr()) {
		o.Whole = false
	}
	return p, 0
}

// fits reports whether n bytes go in one piece, if they are not to be split.
func (o *SendOptions) fits(p *stack.Path, n int) bool { return !o.DontFrag || o.one(p, n) }

// one reports whether n bytes go in one piece.
func (o *SendOptions) one(p *stack.Path, n int) bool {
	n += header.IPv6Size
	if o.To.Addr().Is4() {
		n += header.IPv4Size - header.IPv6Size + (len(o.Options)+3)&^3
	}
	return n <= p.MTU
}

// header is that of a packet of n bytes (__ip_make_skb).
func (e *Endpoint) header(o *SendOptions, p *stack.Path, proto uint8, n int) header.IP {
	h := header.IP{Src: p.Src, Dst: o.To.Addr(), Proto: proto, TTL: o.TTL, TOS: o.TOS, DF: o.DontFrag && !o.NoBit && o.To.Addr().Is4(), Options: o.Options}
	if o.Whole && !h.DF && h.Dst.Is4() && o.one(p, n) {
		h.DF, h.ID = true, e.table.Stack.NextID() // a number all the same (ip_select_ident_segs, ignore_df)
	}
	return h
}
