package device

import (
	"bytes"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// net.ipv6.conf.*.disable_ipv6 (addrconf_disable_ipv6): an interface without IPv6 loses its addresses and gets none; when it has
// IPv6 again it gets those that it begins with. "default" is for interfaces to come, "all" for those and all that there are.

// SetNoIPv6 changes it by the name that it has in /proc/sys.
func (t *Table) SetNoIPv6(name string, off bool) {
	t.mu.Lock()
	defer t.unlock()
	if t.fixed {
		return
	}
	all := name == "all"
	if all || name == "default" {
		t.noIPv6 = off
	}
	for _, l := range t.links {
		if (all || l.Name == name) && l.NoIPv6 != off {
			t.switchIPv6(l, off)
		}
	}
}

// NoIPv6 is whether an interface, or "default", is without: known is false if there is none.
func (t *Table) NoIPv6(name string) (off, known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if name == "default" {
		return t.noIPv6, true
	}
	if l := t.find(0, name); l != nil {
		return l.NoIPv6, true
	}
	return false, false
}

func (t *Table) switchIPv6(l *Link, off bool) {
	l.NoIPv6 = off
	if off {
		t.drop6(l)
	} else if l.Flags&linux.IFF_RUNNING != 0 {
		t.begin6(l)
	}
	t.event(Changed, l, l.Flags)
}

// drop6 takes all addresses of IPv6 away.
func (t *Table) drop6(l *Link) {
	for i := len(l.Addrs) - 1; i >= 0; i-- {
		if l.Addrs[i].Family == linux.AF_INET6 {
			t.drop(l, i)
		}
	}
}

// begin6 gives a running interface its first address.
func (t *Table) begin6(l *Link) {
	switch {
	case l.NoIPv6:
	case l.Loopback():
		t.add(l, Addr{Family: linux.AF_INET6, IP: append(make([]byte, 15), 1), Prefix: 128, Scope: linux.RT_SCOPE_HOST})
	case l.Type == linux.ARPHRD_ETHER && l.GenMode == 0 && l.Master == 0:
		t.add(l, Addr{Family: linux.AF_INET6, IP: l.ownLinkLocal(), Prefix: 64, Scope: linux.RT_SCOPE_LINK})
	}
}

// ownLinkLocal is the link-local address that is made of the hardware's (RFC 4291 appendix A).
func (l *Link) ownLinkLocal() []byte {
	m := l.MAC
	return []byte{0: 0xfe, 1: 0x80, 8: m[0] ^ 2, 9: m[1], 10: m[2], 11: 0xff, 12: 0xfe, 13: m[3], 14: m[4], 15: m[5]}
}

// duplicate is what follows when somebody else has an address: with accept_dad 2 an interface whose own link-local address it is
// goes on without IPv6 (addrconf_dad_failure).
func (t *Table) duplicate(l *Link, ip []byte) {
	if of(t.dad.accept, l.Name) > 1 && bytes.Equal(ip, l.ownLinkLocal()) {
		t.switchIPv6(l, true)
	}
}
