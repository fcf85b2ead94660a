package device

import (
	"slices"

	"github.com/seed-7423c386/runsc/abi/linux"
)

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

// changeable are the flags that the application may change and that have an effect, or at least
// are shown (dev_change_flags).
const changeable = linux.IFF_UP | linux.IFF_DEBUG | linux.IFF_NOTRAILERS | linux.IFF_NOARP | linux.IFF_PROMISC | linux.IFF_ALLMULTI | linux.IFF_MULTICAST

// Update changes an interface by f: ENODEV, EPERM, or what f says, which then has changed nothing.
func (t *Table) Update(index int32, f func(l *Link) linux.Errno) linux.Errno {
	t.mu.Lock()
	defer t.unlock()
	l := t.find(index, "")
	if l == nil {
		return linux.ENODEV
	}
	if t.fixed {
		return linux.EPERM
	}
	was := l.Flags
	if errno := f(l); errno != 0 {
		return errno
	}
	t.settle(l, was)
	t.event(Changed, l, was)
	return 0
}

// settle makes what follows from the flags and the carrier of an interface.
func (t *Table) settle(l *Link, was uint32) {
	const running = linux.IFF_RUNNING | linux.IFF_LOWER_UP
	l.Flags &^= running
	l.Begun = l.Begun || l.Flags&linux.IFF_UP != 0
	if l.Flags&linux.IFF_UP != 0 && !l.NoCarrier {
		l.Flags |= running
	}
	switch {
	case l.Flags&linux.IFF_UP == 0 && was&linux.IFF_UP != 0:
		t.drop6(l)
	case l.Flags&running == 0 || was&running == running:
	case l.Loopback():
		t.add(l, Addr{Family: linux.AF_INET, IP: []byte{127, 0, 0, 1}, Prefix: 8, Scope: linux.RT_SCOPE_HOST})
		t.begin6(l)
	case l.Kind != "":
		t.begin6(l)
	}
}

// SetFlags changes the flags in mask. An interface that comes up is running, if there is a carrier; it then
// gets its first addresses, and loses those of IPv6 when it goes down.
func (t *Table) SetFlags(index int32, flags, mask uint32) linux.Errno {
	return t.Update(index, func(l *Link) linux.Errno {
		l.Flags = l.Flags&^(mask&changeable) | flags&mask&changeable
		return 0
	})
}

// SetMTU changes the largest packet: EINVAL if it cannot be.
func (t *Table) SetMTU(index int32, mtu uint32) linux.Errno {
	return t.Update(index, func(l *Link) linux.Errno {
		most := uint32(1<<31 - 1)
		if l.Kind != "" {
			most = 65535
		}
		if mtu > most || l.Kind != "" && mtu < 68 {
			return linux.EINVAL
		}
		l.MTU = mtu
		return 0
	})
}

// Rename gives an interface another name: EEXIST.
func (t *Table) Rename(index int32, name string) linux.Errno {
	return t.Update(index, func(l *Link) linux.Errno {
		if o := t.find(0, name); o != nil && o != l {
			return linux.EEXIST
		}
		l.Name = name
		return 0
	})
}

// SetCarrier says whether an interface has a carrier.
func (t *Table) SetCarrier(index int32, on bool) {
	if l, errno := t.Find(index, ""); errno != 0 || l.NoCarrier != on {
		return
	}
	t.Update(index, func(l *Link) linux.Errno {
		l.NoCarrier = !on
		return 0
	})
}

// add adds an address if it is not there: what is of the same family stays together, IPv4 first.
func (t *Table) add(l *Link, a Addr) bool {
	if slices.ContainsFunc(l.Addrs, a.taken) {
		return false
	}
	a.Tentative, a.Duplicate = t.probes(l, a) > 0, false
	l.Addrs = slices.Insert(slices.Clip(l.Addrs), l.place(a), a)
	t.events = append(t.events, Event{Kind: AddrAdded, Link: l.copy(), Addr: a})
	return true
}

// place is where a new address stands: those of IPv4 first, by scope, then its secondary ones (__inet_insert_ifa), then those of IPv6
// by scope, the newest first (ipv6_link_dev_addr).
func (l *Link) place(a Addr) int {
	six := slices.IndexFunc(l.Addrs, func(b Addr) bool { return b.Family != linux.AF_INET })
	if six < 0 {
		six = len(l.Addrs)
	}
	if a.Family != linux.AF_INET {
		for six < len(l.Addrs) && l.Addrs[six].Scope < a.Scope {
			six++
		}
		return six
	}
	if slices.ContainsFunc(l.Addrs, a.with) {
		return six
	}
	at := 0
	for i, b := range l.Addrs[:six] {
		if b.Scope >= a.Scope && !slices.ContainsFunc(l.Addrs[:i], b.with) {
			at = i + 1
		}
	}
	return at
}

// drop takes address i away.
func (t *Table) drop(l *Link, i int) {
	a := l.Addrs[i]
	l.Addrs = slices.Delete(slices.Clone(l.Addrs), i, i+1)
	t.events = append(t.events, Event{Kind: AddrGone, Link: l.copy(), Addr: a})
}

// dropSecondary takes away the secondary addresses of one that has gone (net.ipv4.conf.*.promote_secondaries is 0).
func (t *Table) dropSecondary(l *Link, primary Addr) {
	for i := len(l.Addrs) - 1; i >= 0; i-- {
		if l.Addrs[i].with(primary) {
			t.drop(l, i)
		}
	}
}

// AddAddr adds an address: EEXIST; ENOBUFS if there are too many; EACCES if the interface is without IPv6.
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
	case l.NoIPv6 && a.Family == linux.AF_INET6: // ipv6_add_addr
		return linux.EACCES
	case !t.add(l, a):
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
			first := !slices.ContainsFunc(l.Addrs[:i], b.with)
			if t.drop(l, i); first {
				t.dropSecondary(l, b)
			}
			return 0
		}
	}
	return linux.EADDRNOTAVAIL
}
