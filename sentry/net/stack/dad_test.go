package stack

import (
	"net/netip"
	"testing"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/device"
	"github.com/seed-7423c386/runsc/sentry/net/header"
)

// checked is an Ethernet that counts the questions for an address.
type checked struct {
	t     *testing.T
	s     *Stack
	out   *sink
	index int32
	now   int64
}

func newChecked(t *testing.T) *checked {
	c := &checked{t: t, out: &sink{}, now: int64(time.Hour)}
	d := device.New()
	c.index = d.Add(device.Link{Name: "eth0", Type: linux.ARPHRD_ETHER, MTU: 1500})
	c.s = NewAt(d, NewClock(func() int64 { return c.now }))
	c.s.Attach(c.index, c.out)
	return c
}

var mine = netip.MustParseAddr("fd00::77")

func (c *checked) add(a device.Addr) {
	a.Family, a.IP, a.Prefix = linux.AF_INET6, mine.AsSlice(), 64
	if errno := c.s.Devices.AddAddr(c.index, a); errno != 0 {
		c.t.Fatal(errno)
	}
}

func (c *checked) up(on bool) {
	flags := uint32(0)
	if on {
		flags = linux.IFF_UP
	}
	c.s.Devices.SetFlags(c.index, flags, linux.IFF_UP)
}

// later lets time pass, and counts the questions.
func (c *checked) later(d time.Duration) (questions int) {
	until := c.now + int64(d)
	for at := c.s.Clock.Next(); at != 0 && at <= until; at = c.s.Clock.Next() {
		c.now = max(c.now, at)
		c.s.Clock.Run()
	}
	c.now = until
	for _, b := range c.out.sent {
		h, p, ok := header.ParseIP(b)
		if ok && h.Proto == linux.IPPROTO_ICMPV6 && p[0] == linux.NDISC_NEIGH_SOL {
			if !h.Src.IsUnspecified() || h.Dst != Solicited(mine) || h.TTL != 255 || netip.AddrFrom16([16]byte(p[8:24])) != mine || len(p) != 24 {
				c.t.Errorf("a question: %+v %x", h, p)
			}
			questions++
		}
	}
	c.out.sent = nil
	return questions
}

// hears has a message of neighbour discovery come in.
func (c *checked) hears(typ uint8, src, target string) {
	from, n := netip.MustParseAddr(src), header.Neighbour{Target: netip.MustParseAddr(target)}
	msg := n.AppendNeighbour(nil, typ)
	FillICMP(msg, from, Solicited(mine))
	h := header.IP{Src: from, Dst: Solicited(mine), Proto: linux.IPPROTO_ICMPV6, TTL: 255}
	c.s.Input(append(h.Append(nil, len(msg)), msg...), c.index, Outside)
}

func (c *checked) state() (tentative, duplicate bool) {
	l, _ := c.s.Devices.Find(c.index, "")
	return l.Addrs[0].Tentative, l.Addrs[0].Duplicate
}

// check compares what is known of the address.
func (c *checked) check(what string, tentative, duplicate bool) {
	c.t.Helper()
	if a, b := c.state(); a != tentative || b != duplicate || c.s.Local(mine) == tentative {
		c.t.Errorf("%s: tentative %v, duplicate %v, ours %v", what, a, b, c.s.Local(mine))
	}
}

// TestVerify: an address is ours when nobody has said within a second of the last question that it is his.
func TestVerify(t *testing.T) {
	c := newChecked(t)
	c.up(true)
	c.add(device.Addr{})
	c.check("at first", true, false)
	if n := c.later(time.Second); n != 1 {
		t.Errorf("%d questions in the first second", n)
	}
	c.check("asked", true, false)
	if n := c.later(time.Second); n != 0 {
		t.Errorf("%d questions more", n)
	}
	c.check("at the end", false, false)
	if c.s.Clock.Timers() != 0 || len(c.s.checks.list) != 0 {
		t.Error("something is left")
	}

	for name, say := range map[string]func(){
		"somebody says that he has it": func() { c.hears(linux.NDISC_NEIGH_ADV, "fd00::1", mine.String()) },
		"somebody wants it, too":       func() { c.hears(linux.NDISC_NEIGH_SOL, "::", mine.String()) },
	} {
		c = newChecked(t)
		c.up(true)
		c.add(device.Addr{})
		c.hears(linux.NDISC_NEIGH_SOL, "fd00::1", mine.String()) // who looks for it is no other
		c.hears(linux.NDISC_NEIGH_ADV, "fd00::1", "fd00::78")
		c.check("others", true, false)
		say()
		c.check(name, true, true)
		c.later(10 * time.Second)
		c.check(name+", later", true, true)
		if c.s.Clock.Timers() != 0 {
			t.Errorf("%s: a timer is left", name)
		}
	}

	c = newChecked(t)
	c.s.Devices.SetDAD(true, "default", 3)
	c.add(device.Addr{})
	if n := c.later(5 * time.Second); n != 0 {
		t.Errorf("%d questions while it is down", n)
	}
	c.check("down", true, false)
	c.up(true)
	if n := c.later(5 * time.Second); n != 3 {
		t.Errorf("%d questions of three", n)
	}
	c.check("up", false, false)
	c.up(false) // it goes, and a new one is asked for anew
	c.up(true)
	c.add(device.Addr{})
	c.later(500 * time.Millisecond)
	c.up(false)
	c.later(5 * time.Second)
	if c.s.Clock.Timers() != 0 || len(c.s.checks.list) != 0 {
		t.Error("something is left of what went with the interface")
	}
}

// TestNotVerified: what need not be asked is ours at once.
func TestNotVerified(t *testing.T) {
	for name, f := range map[string]func(c *checked) device.Addr{
		"nodad":         func(*checked) device.Addr { return device.Addr{NoDAD: true} },
		"known":         func(*checked) device.Addr { return device.Addr{Known: true} },
		"accept_dad":    func(c *checked) device.Addr { c.s.Devices.SetDAD(false, "eth0", 0); return device.Addr{} },
		"dad_transmits": func(c *checked) device.Addr { c.s.Devices.SetDAD(true, "eth0", 0); return device.Addr{} },
		"noarp": func(c *checked) device.Addr {
			c.s.Devices.SetFlags(c.index, linux.IFF_NOARP, linux.IFF_NOARP)
			return device.Addr{}
		},
	} {
		c := newChecked(t)
		c.up(true)
		c.add(f(c))
		c.check(name, false, false)
		if n := c.later(5 * time.Second); n != 0 {
			t.Errorf("%s: %d questions", name, n)
		}
	}
}

// TestLinkLocalTaken: with accept_dad 2, and only then, an interface whose own link-local address somebody has goes on without IPv6.
func TestLinkLocalTaken(t *testing.T) {
	own := []byte{0: 0xfe, 1: 0x80, 8: 2, 11: 0xff, 12: 0xfe, 15: 5}
	for _, k := range []struct {
		accept int
		ip     []byte
		off    bool
	}{{1, own, false}, {2, own, true}, {2, netip.MustParseAddr("fe80::7").AsSlice(), false}} {
		c := newChecked(t)
		c.s.Devices.Update(c.index, func(l *device.Link) linux.Errno { l.MAC = [6]byte{5: 5}; return 0 })
		c.s.Devices.SetDAD(false, "eth0", k.accept)
		c.up(true)
		c.add(device.Addr{})
		c.s.Devices.AddAddr(c.index, device.Addr{Family: linux.AF_INET6, IP: k.ip, Prefix: 64, Scope: linux.RT_SCOPE_LINK})
		ip, _ := netip.AddrFromSlice(k.ip)
		c.hears(linux.NDISC_NEIGH_ADV, "fe80::9", ip.String())
		l, _ := c.s.Devices.Find(c.index, "")
		if l.NoIPv6 != k.off || len(l.Addrs) == 0 != k.off {
			t.Errorf("accept_dad %d, %v: without IPv6 %v, %d addresses", k.accept, ip, l.NoIPv6, len(l.Addrs))
		}
		want := linux.Errno(0)
		if k.off {
			want = linux.EACCES
		}
		if errno := c.s.Devices.AddAddr(c.index, device.Addr{Family: linux.AF_INET6, IP: netip.MustParseAddr("fd00::5").AsSlice(), Prefix: 64, NoDAD: true}); errno != want {
			t.Errorf("accept_dad %d, %v: another address: %v", k.accept, ip, errno)
		}
		c.later(10 * time.Second)
		if c.s.Clock.Timers() != 0 || len(c.s.checks.list) != 0 {
			t.Error("something is left")
		}
	}
}
