// Package device is the network interfaces of a namespace and their addresses (netdevice(7)).
// There is the loopback as yet.
package device

import (
	"bytes"
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

// Addr is an address of an interface.
type Addr struct {
	Family uint8
	IP     []byte
	Prefix uint8
	Scope  uint8 // RT_SCOPE_
}

// Same reports whether both are the same address.
func (a Addr) Same(b Addr) bool {
	return a.Family == b.Family && a.Prefix == b.Prefix && bytes.Equal(a.IP, b.IP)
}

// Table is the interfaces of a network namespace.
type Table struct {
	mu    sync.Mutex
	links []*Link
	view  atomic.Pointer[[]Link]
	fixed bool // see Fix
}

const (
	loopbackMTU = 65536
	maxAddrs    = 1024
)

// New returns the interfaces of a new namespace: the loopback, down and without addresses.
func New() *Table {
	t := &Table{}
	t.Add(Link{Index: 1, Name: "lo", Type: linux.ARPHRD_LOOPBACK, Flags: linux.IFF_LOOPBACK, MTU: loopbackMTU})
	return t
}

// Add adds an interface; one whose index is 0 gets the next.
func (t *Table) Add(l Link) int32 {
	t.mu.Lock()
	defer t.unlock()
	for _, o := range t.links {
		if l.Index <= o.Index {
			l.Index = o.Index + 1
		}
	}
	l.Index = max(l.Index, 1)
	l.Stats = &Stats{}
	t.links = append(t.links, &l)
	return l.Index
}

// unlock publishes what was changed.
func (t *Table) unlock() {
	out := make([]Link, len(t.links))
	for i, l := range t.links {
		out[i] = l.copy()
	}
	t.view.Store(&out)
	t.mu.Unlock()
}

// View returns the interfaces as they are now, by index: the same pointer as long as nothing
// changes, and not to be written to.
func (t *Table) View() *[]Link { return t.view.Load() }

// Fix makes the interfaces what they are now for good: they are somebody else's, and only shown here.
// Changes are EPERM from now on.
func (t *Table) Fix() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fixed = true
}

// Fixed reports whether there was a Fix.
func (t *Table) Fixed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.fixed
}

// Links returns the interfaces as they are now, by index.
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
	for _, l := range t.links {
		if index == l.Index || index == 0 && name == l.Name {
			return l
		}
	}
	return nil
}

// changeable are the flags that the application may change and that have an effect, or at least
// are shown (dev_change_flags).
const changeable = linux.IFF_UP | linux.IFF_DEBUG | linux.IFF_NOTRAILERS | linux.IFF_NOARP | linux.IFF_PROMISC | linux.IFF_ALLMULTI | linux.IFF_MULTICAST

// SetFlags changes the flags in mask. An interface that comes up is running; the loopback then
// gets its addresses, of which going down takes the one of IPv6 away.
func (t *Table) SetFlags(index int32, flags, mask uint32) linux.Errno {
	t.mu.Lock()
	defer t.unlock()
	l := t.find(index, "")
	if l == nil {
		return linux.ENODEV
	}
	if t.fixed {
		return linux.EPERM
	}
	mask &= changeable
	was := l.Flags
	l.Flags = l.Flags&^mask | flags&mask
	switch {
	case l.Flags&linux.IFF_UP != 0 && was&linux.IFF_UP == 0:
		l.Flags |= linux.IFF_RUNNING | linux.IFF_LOWER_UP
		if !l.Loopback() {
			break
		}
		l.add(Addr{linux.AF_INET, []byte{127, 0, 0, 1}, 8, linux.RT_SCOPE_HOST})
		l.add(Addr{linux.AF_INET6, append(make([]byte, 15), 1), 128, linux.RT_SCOPE_HOST})
	case l.Flags&linux.IFF_UP == 0 && was&linux.IFF_UP != 0:
		l.Flags &^= linux.IFF_RUNNING | linux.IFF_LOWER_UP
		keep := l.Addrs[:0]
		for _, a := range l.Addrs {
			if a.Family != linux.AF_INET6 {
				keep = append(keep, a)
			}
		}
		l.Addrs = keep
	}
	return 0
}

// add adds an address if it is not there: what is of the same family stays together, IPv4 first.
func (l *Link) add(a Addr) bool {
	at := len(l.Addrs)
	for i, b := range l.Addrs {
		if a.Same(b) {
			return false
		}
		if a.Family == linux.AF_INET && b.Family != linux.AF_INET && at == len(l.Addrs) {
			at = i
		}
	}
	l.Addrs = append(l.Addrs[:at:at], append([]Addr{a}, l.Addrs[at:]...)...)
	return true
}

// SetMTU changes the largest packet: EINVAL if it cannot be.
func (t *Table) SetMTU(index int32, mtu uint32) linux.Errno {
	t.mu.Lock()
	defer t.unlock()
	l := t.find(index, "")
	switch {
	case l == nil:
		return linux.ENODEV
	case t.fixed:
		return linux.EPERM
	case mtu > 1<<31-1:
		return linux.EINVAL
	}
	l.MTU = mtu
	return 0
}

// AddAddr adds an address: EEXIST; ENOBUFS if there are too many.
func (t *Table) AddAddr(index int32, a Addr) linux.Errno {
	t.mu.Lock()
	defer t.unlock()
	l := t.find(index, "")
	switch {
	case l == nil:
		return linux.ENODEV
	case t.fixed:
		return linux.EPERM
	case len(l.Addrs) >= maxAddrs:
		return linux.ENOBUFS
	case !l.add(a):
		return linux.EEXIST
	}
	return 0
}

// DelAddr takes one away: EADDRNOTAVAIL if it is not there.
func (t *Table) DelAddr(index int32, a Addr) linux.Errno {
	t.mu.Lock()
	defer t.unlock()
	l := t.find(index, "")
	if l == nil {
		return linux.ENODEV
	}
	if t.fixed {
		return linux.EPERM
	}
	for i, b := range l.Addrs {
		if a.Same(b) {
			l.Addrs = append(l.Addrs[:i:i], l.Addrs[i+1:]...)
			return 0
		}
	}
	return linux.EADDRNOTAVAIL
}
