package stack

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/device"
	"github.com/seed-7423c386/runsc/sentry/net/header"
)

// listener is a stack on an Ethernet of which a router looks at the reports.
type listener struct {
	t     *testing.T
	s     *Stack
	out   *sink
	index int32
	now   int64
	v6    bool
	group netip.Addr
}

func newListener(t *testing.T, v6 bool) *listener {
	l := &listener{t: t, out: &sink{}, now: int64(time.Hour), v6: v6, group: netip.MustParseAddr("232.1.1.1")}
	d := device.New()
	l.index = d.Add(device.Link{Name: "eth0", MTU: 1500, Flags: linux.IFF_UP})
	a := device.Addr{Family: linux.AF_INET, IP: []byte{10, 0, 0, 1}, Prefix: 24}
	if v6 {
		ip := netip.MustParseAddr("fe80::1")
		a, l.group = device.Addr{Family: linux.AF_INET6, IP: ip.AsSlice(), Prefix: 64, Scope: linux.RT_SCOPE_LINK}, netip.MustParseAddr("ff35::1:1")
	}
	d.AddAddr(l.index, a)
	l.s = NewAt(d, NewClock(func() int64 { return l.now }))
	l.s.Attach(l.index, l.out)
	return l
}

// source is one by a number.
func (l *listener) source(n int) netip.Addr {
	if l.v6 {
		return netip.AddrFrom16([16]byte{0: 0xfd, 14: byte(n >> 8), 15: byte(n)})
	}
	return netip.AddrFrom4([4]byte{10, 9, byte(n >> 8), byte(n)})
}

func (l *listener) include(sources ...int) *Wanted {
	w := &Wanted{}
	for _, n := range sources {
		w.Sources = append(w.Sources, l.source(n))
	}
	return w
}

func (l *listener) exclude(sources ...int) *Wanted {
	w := l.include(sources...)
	w.Exclude = true
	return w
}

// said is what reports said of the group, each as the type and the numbers of sources.
func (l *listener) said() string {
	var all []string
	size := 4
	if l.v6 {
		size = 16
	}
	for _, b := range l.out.sent {
		h, p, ok := header.ParseIP(b)
		if !ok || len(b) > 1500 {
			l.t.Fatalf("%x", b)
		}
		if h.Proto != linux.IPPROTO_IGMP && h.Proto != linux.IPPROTO_ICMPV6 {
			l.t.Fatalf("%+v", h)
		}
		n := int(binary.BigEndian.Uint16(p[6:]))
		for p = p[8:]; n > 0; n-- {
			k := int(binary.BigEndian.Uint16(p[2:]))
			g, _ := netip.AddrFromSlice(p[4 : 4+size])
			var numbers []string
			for i := range k {
				src := p[4+size*(i+1):][:size]
				numbers = append(numbers, fmt.Sprint(binary.BigEndian.Uint16(src[size-2:])))
			}
			if g == l.group {
				all = append(all, fmt.Sprintf("%d(%s)", p[0], strings.Join(numbers, ",")))
			}
			p = p[4+size*(k+1):]
		}
		if len(p) != 0 {
			l.t.Fatalf("%d bytes too many", len(p))
		}
	}
	l.out.sent = nil
	return strings.Join(all, " ")
}

// later lets time pass.
func (l *listener) later(d time.Duration) {
	until := l.now + int64(d)
	for at := l.s.Clock.Next(); at != 0 && at <= until; at = l.s.Clock.Next() {
		l.now = max(l.now, at)
		l.s.Clock.Run()
	}
	l.now = until
}

// ask is a router's question.
func (l *listener) ask(g netip.Addr, sources ...int) {
	var list []byte
	for _, n := range sources {
		list = append(list, l.source(n).AsSlice()...)
	}
	tail := append([]byte{2, 125, byte(len(sources) >> 8), byte(len(sources))}, list...)
	if l.v6 {
		q := append(append([]byte{mldQuery, 0, 0, 0, 0, 100, 0, 0}, g.AsSlice()...), tail...)
		src := netip.MustParseAddr("fe80::2")
		FillICMP(q, src, allNodes)
		h := header.IP{Src: src, Dst: allNodes, Proto: linux.IPPROTO_ICMPV6, TTL: 1}
		l.s.Input(append(h.Append(nil, len(q)), q...), l.index, Outside)
		return
	}
	q := append(append([]byte{igmpQuery, 10, 0, 0}, g.AsSlice()...), tail...)
	binary.BigEndian.PutUint16(q[2:], ^header.Fold(header.Sum(q, 0)))
	h := header.IP{Src: netip.MustParseAddr("10.0.0.2"), Dst: allHosts, Proto: linux.IPPROTO_IGMP, TTL: 1}
	l.s.Input(append(h.Append(nil, len(q)), q...), l.index, Outside)
}

// TestSources: routers are told of what all sockets together want, as it changes and when they ask (RFC 3376 3.2, 5.1, 5.2).
func TestSources(t *testing.T) {
	for _, v6 := range []bool{false, true} {
		l := newListener(t, v6)
		l.later(5 * time.Second)
		l.said()
		set := func(was, now *Wanted, want string) {
			t.Helper()
			l.s.Listen(l.index, l.group, was, now)
			first := l.said()
			l.later(2 * time.Second)
			if again := l.said(); first != want || again != want {
				t.Errorf("v6 %v: %q, then %q, want %q", v6, first, again, want)
			}
		}
		asks := func(want string, sources ...int) {
			t.Helper()
			l.ask(l.group, sources...)
			l.later(2 * time.Second)
			if got := l.said(); got != want {
				t.Errorf("v6 %v, asked about %v: %q, want %q", v6, sources, got, want)
			}
		}
		set(nil, l.include(), "")
		asks("")
		set(l.include(), l.include(1, 2), "5(1,2)")
		asks("1(1,2)")
		asks("1(2)", 2, 3)
		asks("", 3)
		set(nil, l.include(2, 3), "5(3)")
		set(l.include(1, 2), l.include(1), "")
		set(l.include(1), nil, "6(1)")
		set(nil, l.exclude(3, 4, 5), "4(4,5)")
		asks("2(4,5)")
		asks("1(3,9)", 3, 4, 9)
		set(nil, l.exclude(4), "5(5)")
		set(l.include(2, 3), nil, "")
		set(l.exclude(4), l.exclude(3, 4), "6(3)")
		set(l.exclude(3, 4), nil, "6(5)")
		set(l.exclude(3, 4, 5), l.include(7), "3(7)")
		set(l.include(7), nil, "6(7)")
		asks("")
		set(nil, l.exclude(), "4()")
		set(l.exclude(), nil, "3()")

		l.s.Listen(l.index, l.group, nil, l.include(1)) // quick changes: what is said again is how it is by then
		l.s.Listen(l.index, l.group, l.include(1), l.include(2))
		l.said()
		l.later(2 * time.Second)
		if got := l.said(); got != "5(2) 6(1)" {
			t.Errorf("v6 %v, again after two changes: %q", v6, got)
		}
		l.s.Listen(l.index, l.group, l.include(2), nil)
		l.later(2 * time.Second)
		l.said()
		var many []int
		for i := range 500 {
			many = append(many, i)
		}
		l.s.Listen(l.index, l.group, nil, l.include(many...))
		if got := l.said(); strings.Count(got, ",")+strings.Count(got, "5(") != 500 || slices.Contains(strings.Fields(got), "5()") {
			t.Errorf("v6 %v, 500 sources: %q", v6, got)
		}
		l.later(2 * time.Second)
		l.s.Listen(l.index, l.group, l.include(many...), nil)
		l.later(2 * time.Second)
		if n := l.s.Clock.Timers(); n != 0 || len(l.s.groups.of) != 0 {
			t.Errorf("v6 %v: %d timers, %d groups left", v6, n, len(l.s.groups.of))
		}
	}
}
