// Package device is the network interfaces of a namespace and their addresses (netdevice(7)).
package device

import (
	"bytes"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// Link is an interface.
type Link struct {
	Index int32
	Name  string
	Type  uint16 // ARPHRD_
	Flags uint32 // IFF_
	MTU   uint32
	MAC   [6]byte
	Addrs []Addr
	Stats *Stats

	// Of interfaces that were made inside:
	Kind      string // of IFLA_INFO_KIND
	Behind    Behind // what carries frames
	Queue     uint32 // its length in packets, which is only shown
	Alias     string
	Group     uint32
	Master    int32  // the bridge that this is a port of
	Peer      int32  // the other end
	PeerTable *Table // where that is
	NoCarrier bool
	GenMode   uint8 // how the first address of IPv6 is made (IN6_ADDR_GEN_MODE_)
	NoIPv6    bool
	Begun     bool // it has been up
	table     *Table
}

// Behind is what carries the frames of an interface that was made inside.
type Behind interface {
	// Changed is told of what the interface has become, with the flags it had. No lock is held.
	Changed(l *Link, was uint32)
}

// Stats counts what went through an interface.
type Stats struct {
	RxPackets, RxBytes, RxDropped, RxErrors atomic.Uint64
	TxPackets, TxBytes, TxDropped           atomic.Uint64
	Multicast                               atomic.Uint64
}

// Rx counts a packet of n bytes that came in.
func (s *Stats) Rx(n int) {
	s.RxPackets.Add(1)
	s.RxBytes.Add(uint64(n))
}

// Tx counts a packet of n bytes that went out.
func (s *Stats) Tx(n int) {
	s.TxPackets.Add(1)
	s.TxBytes.Add(uint64(n))
}

// Up reports whether packets go through the interface.
func (l *Link) Up() bool { return l.Flags&linux.IFF_UP != 0 }

// Loopback reports whether what is sent comes back.
func (l *Link) Loopback() bool { return l.Flags&linux.IFF_LOOPBACK != 0 }

// OperState is what IFLA_OPERSTATE shows, RFC 2863's state (default_operstate).
func (l *Link) OperState() uint8 {
	const unknown, down, lowerDown, up = 0, 2, 3, 6
	switch {
	case l.Flags&linux.IFF_UP == 0:
		return down
	case l.NoCarrier && l.Peer != 0 && l.PeerTable == l.table:
		return lowerDown
	case l.NoCarrier:
		return down
	case l.Loopback() || l.Kind == "dummy":
		return unknown
	}
	return up
}

// Addr is an address of an interface.
type Addr struct {
	Family    uint8
	IP        []byte
	Prefix    uint8
	Scope     uint8  // RT_SCOPE_
	Peer      []byte // of the other end, whose network the prefix is; nil: there is none
	Broadcast []byte // as it was given, to be shown
	Label     string // likewise; empty: the interface's name
	NoRoute   bool   // IFA_F_NOPREFIXROUTE
	NoDAD     bool   // IFA_F_NODAD
	Known     bool   // that it is ours was found out elsewhere
	Tentative bool   // it is not known yet whether somebody else has it
	Duplicate bool   // somebody has
}

// Same reports whether both are the same address.
func (a Addr) Same(b Addr) bool {
	return a.Family == b.Family && a.Prefix == b.Prefix && bytes.Equal(a.IP, b.IP) && bytes.Equal(a.Network(), b.Network())
}

// taken reports whether a cannot be had because of b: of IPv6 whatever their prefixes (ipv6_chk_same_addr).
func (a Addr) taken(b Addr) bool {
	return a.Same(b) || a.Family == linux.AF_INET6 && b.Family == a.Family && bytes.Equal(a.IP, b.IP)
}

// with reports whether a is in the network of b, of IPv4: the later one is secondary.
func (a Addr) with(b Addr) bool {
	if a.Family != linux.AF_INET || b.Family != a.Family || a.Prefix != b.Prefix {
		return false
	}
	x, y := netip.AddrFrom4([4]byte(a.Network())), netip.AddrFrom4([4]byte(b.Network()))
	return netip.PrefixFrom(x, int(a.Prefix)).Masked() == netip.PrefixFrom(y, int(a.Prefix)).Masked()
}

// Network is an address in the network that is behind the interface.
func (a Addr) Network() []byte {
	if a.Peer != nil {
		return a.Peer
	}
	return a.IP
}

// Event is something that happened to an interface.
type Event struct {
	Kind EventKind
	Link Link // as it is after that, or was before it went
	Was  uint32
	Addr Addr
}

// EventKind is what happened.
type EventKind uint8

// Kinds.
const (
	Changed EventKind = iota
	Gone
	AddrAdded
	AddrGone
	AddrReady // it is not tentative any more
)

// Table is the interfaces of a network namespace.
type Table struct {
	mu     sync.Mutex
	links  []*Link // by index
	last   int32   // index that was given
	view   atomic.Pointer[[]Link]
	fixed  bool // see Fix
	closed bool
	events []Event // to be told by unlock
	dad    dads
	noIPv6 bool // what new interfaces are
	watch  []func(e *Event)
}

const (
	loopbackMTU = 65536
	maxAddrs    = 1024
	// maxLinks is how many interfaces a namespace may have. All of them are looked at when one changes.
	maxLinks = 1024
)

// New returns the interfaces of a new namespace: the loopback, down and without addresses.
func New() *Table {
	t := &Table{}
	t.Add(Link{Index: 1, Name: "lo", Type: linux.ARPHRD_LOOPBACK, Flags: linux.IFF_LOOPBACK, MTU: loopbackMTU})
	return t
}

// Add adds an interface; one whose index is 0 gets the next.
func (t *Table) Add(l Link) int32 {
	index, _ := t.Insert(l)
	return index
}

// Insert adds an interface: with its index if it has one that is free, the next otherwise. EEXIST if the name is taken, ENOBUFS if there are too
// many, ENODEV if the namespace has ended.
func (t *Table) Insert(l Link) (int32, linux.Errno) {
	t.mu.Lock()
	defer t.unlock()
	switch {
	case t.closed:
		return 0, linux.ENODEV
	case t.fixed:
		return 0, linux.EPERM
	case t.find(0, l.Name) != nil:
		return 0, linux.EEXIST
	case len(t.links) >= maxLinks:
		return 0, linux.ENOBUFS
	}
	if l.Index <= 0 || t.find(l.Index, "") != nil {
		l.Index = t.last + 1
	}
	t.last = max(t.last, l.Index)
	l.table = t
	l.NoIPv6 = l.NoIPv6 || t.noIPv6
	if l.Stats == nil {
		l.Stats = &Stats{}
	}
	if l.Queue == 0 {
		l.Queue = 1000
	}
	at := len(t.links)
	for at > 0 && t.links[at-1].Index > l.Index {
		at--
	}
	t.links = slices.Insert(t.links, at, &l)
	t.event(Changed, &l, l.Flags)
	return l.Index, 0
}

// Remove takes an interface away: ENODEV. Its addresses go with it.
func (t *Table) Remove(index int32) (Link, linux.Errno) {
	t.mu.Lock()
	defer t.unlock()
	l := t.find(index, "")
	if l == nil || index == 0 {
		return Link{}, linux.ENODEV
	}
	was := l.copy()
	for len(l.Addrs) > 0 {
		t.drop(l, 0)
	}
	l.Flags &^= linux.IFF_UP | linux.IFF_RUNNING | linux.IFF_LOWER_UP
	t.links = slices.DeleteFunc(t.links, func(o *Link) bool { return o == l })
	delete(t.dad.accept, l.Name)
	delete(t.dad.probes, l.Name)
	t.event(Gone, l, was.Flags)
	return was, 0
}

// Close ends the table: nothing can be added from now on. It returns what there was.
func (t *Table) Close() []Link {
	t.mu.Lock()
	defer t.unlock()
	t.closed, t.watch = true, nil
	return t.Links()
}

// Closed reports whether there was a Close.
func (t *Table) Closed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.closed
}

// FreeName is a name for a new interface: for one that ends in %d the first that is free (dev_alloc_name). EINVAL if it
// cannot be one.
func (t *Table) FreeName(name string) (string, linux.Errno) {
	if stem, ok := strings.CutSuffix(name, "%d"); ok {
		t.mu.Lock()
		defer t.mu.Unlock()
		for i := range maxLinks + 1 {
			if name = stem + strconv.Itoa(i); t.find(0, name) == nil {
				break
			}
		}
	}
	if name == "" || len(name) >= linux.IFNAMSIZ || name == "." || name == ".." || strings.ContainsAny(name, "/: \t\n\v\f\r\xa0") {
		return "", linux.EINVAL
	}
	return name, 0
}

// Watch lets f know of what happens from now on; without a lock.
func (t *Table) Watch(f func(e *Event)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.watch = append(slices.Clip(t.watch), f)
}

// event notes what unlock is to tell.
func (t *Table) event(k EventKind, l *Link, was uint32) {
	t.events = append(t.events, Event{Kind: k, Link: l.copy(), Was: was})
}

// unlock publishes what was changed, and tells of it.
func (t *Table) unlock() {
	out := make([]Link, len(t.links))
	for i, l := range t.links {
		out[i] = l.copy()
	}
	t.view.Store(&out)
	events, watch := t.events, t.watch
	t.events = nil
	t.mu.Unlock()
	for i := range events {
		e := &events[i]
		for _, f := range watch {
			f(e)
		}
		if e.Link.Behind != nil && e.Kind == Changed {
			e.Link.Behind.Changed(&e.Link, e.Was)
		}
	}
}

// View returns the interfaces as they are now, by index: the same pointer as long as nothing
// changes, and not to be written to.
func (t *Table) View() *[]Link { return t.view.Load() }

// Links are the interfaces as they are now, not to be written to.
func (t *Table) Links() []Link { return *t.view.Load() }

func (l *Link) copy() Link {
	c := *l
	c.Addrs = append([]Addr(nil), l.Addrs...)
	return c
}

// Find returns the interface of an index, or if that is 0 of a name: ENODEV.
func (t *Table) Find(index int32, name string) (Link, linux.Errno) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.find(index, name)
	if l == nil {
		return Link{}, linux.ENODEV
	}
	return l.copy(), 0
}

func (t *Table) find(index int32, name string) *Link {
	if index != 0 {
		if i, ok := slices.BinarySearchFunc(t.links, index, func(l *Link, i int32) int { return int(l.Index) - int(i) }); ok {
			return t.links[i]
		}
		return nil
	}
	for _, l := range t.links {
		if name == l.Name {
			return l
		}
	}
	return nil
}
