package device

import (
	"bytes"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// Addresses of IPv6 that nobody else on the link may have (RFC 4862 5.4): they are tentative until somebody who asks there, the stack,
// says that they are not taken.

// dads is net.ipv6.conf.*.accept_dad and dad_transmits, by the interface's name.
type dads struct{ accept, probes map[string]int }

// SetDAD is one of them.
func (t *Table) SetDAD(probes bool, name string, v int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.dad.accept == nil {
		t.dad = dads{map[string]int{}, map[string]int{}}
	}
	if probes {
		t.dad.probes[name] = v
	} else {
		t.dad.accept[name] = v
	}
}

// of is a value of an interface, or what new ones have.
func of(m map[string]int, name string) int {
	if v, ok := m[name]; ok {
		return v
	}
	if v, ok := m["default"]; ok {
		return v
	}
	return 1
}

// probes is how often it is to be asked whether an address is taken: 0 if that does not matter.
func (t *Table) probes(l *Link, a Addr) int {
	switch {
	case a.Family != linux.AF_INET6, a.NoDAD, a.Known, l.Type != linux.ARPHRD_ETHER, l.Loopback(), l.Flags&linux.IFF_NOARP != 0,
		of(t.dad.accept, l.Name) < 1 && t.dad.accept["all"] < 1:
		return 0
	}
	return max(of(t.dad.probes, l.Name), 0)
}

// Probes is how often it is to be asked for an address that is tentative, 0 if it is not, or the interface cannot.
func (t *Table) Probes(index int32, ip []byte) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.find(index, "")
	if l == nil || l.Flags&linux.IFF_RUNNING == 0 {
		return 0
	}
	for _, a := range l.Addrs {
		if a.Tentative && !a.Duplicate && bytes.Equal(a.IP, ip) {
			return max(t.probes(l, a), 1)
		}
	}
	return 0
}

// Asked ends that an address is tentative: it is ours now, or somebody else's.
func (t *Table) Asked(index int32, ip []byte, taken bool) {
	t.mu.Lock()
	defer t.unlock()
	l := t.find(index, "")
	if l == nil {
		return
	}
	for i := range l.Addrs {
		a := &l.Addrs[i]
		if !a.Tentative || a.Duplicate || !bytes.Equal(a.IP, ip) {
			continue
		}
		if a.Duplicate = taken; !taken {
			a.Tentative = false
			t.events = append(t.events, Event{Kind: AddrReady, Link: l.copy(), Addr: *a})
			continue
		}
		t.duplicate(l, ip)
		return
	}
}
