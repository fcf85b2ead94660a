package link

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/device"
	"github.com/seed-7423c386/runsc/sentry/net/header"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
)

func newPlace() Place {
	d := device.New()
	d.SetFlags(1, linux.IFF_UP, linux.IFF_UP)
	return Place{d, stack.New(d)}
}

func (p Place) link(t *testing.T, name string) *device.Link {
	t.Helper()
	l, errno := p.Table.Find(0, name)
	if errno != 0 {
		t.Fatalf("%s: %v", name, errno)
	}
	return &l
}

func pair(t *testing.T, a, b Place, x, y string) {
	t.Helper()
	if errno := MakePair(&Spec{a, device.Link{Kind: "veth", Name: x}}, &Spec{b, device.Link{Kind: "veth", Name: y}}); errno != 0 {
		t.Fatal(errno)
	}
	for p, name := range map[*Place]string{&a: x, &b: y} {
		p.Table.SetFlags(p.link(t, name).Index, linux.IFF_UP, linux.IFF_UP)
	}
}

func addr(t *testing.T, p Place, name, ip string) {
	t.Helper()
	a := netip.MustParseAddr(ip)
	if errno := p.Table.AddAddr(p.link(t, name).Index, device.Addr{Family: linux.AF_INET, IP: a.AsSlice(), Prefix: 24}); errno != 0 {
		t.Fatal(errno)
	}
}

// ping sends an echo request: whether what came back was an answer shows in the counters.
func ping(t *testing.T, p Place, to string) bool {
	t.Helper()
	dst := netip.MustParseAddr(to)
	path, errno := p.Stack.Path(dst, netip.Addr{}, 0)
	if errno != 0 {
		t.Fatal(errno)
	}
	b := (&header.ICMP{Type: linux.ICMP_ECHO}).Append(nil)
	stack.FillICMP(b, path.Src, dst)
	before := stack.Sum(&p.Stack.Counters.ICMP.In)
	p.Stack.Send(&path, &header.IP{Src: path.Src, Dst: dst, Proto: linux.IPPROTO_ICMP}, b)
	for range 200 {
		if stack.Sum(&p.Stack.Counters.ICMP.In) > before {
			return true
		}
		time.Sleep(time.Millisecond)
	}
	return false
}

// TestVeth pings over a pair, moves an end, and ends a namespace: nothing is left.
func TestVeth(t *testing.T) {
	begin := made.Load()
	a, b, c := newPlace(), newPlace(), newPlace()
	pair(t, a, b, "x", "y")
	addr(t, a, "x", "10.0.0.1")
	addr(t, b, "y", "10.0.0.2")
	if !ping(t, a, "10.0.0.2") {
		t.Error("no answer")
	}
	d := Of(b.link(t, "y"))
	if errno := d.Move(c, "z"); errno != 0 {
		t.Fatal(errno)
	}
	z := c.link(t, "z")
	if z.Up() || len(z.Addrs) != 0 || a.link(t, "x").PeerTable != c.Table || !a.link(t, "x").NoCarrier {
		t.Errorf("after the move: %+v and %+v", z, a.link(t, "x"))
	}
	c.Table.SetFlags(z.Index, linux.IFF_UP, linux.IFF_UP)
	addr(t, c, "z", "10.0.0.3")
	if !ping(t, a, "10.0.0.3") {
		t.Error("no answer after the move")
	}
	End(c.Table)
	if _, errno := a.Table.Find(0, "x"); errno != linux.ENODEV || made.Load() != begin {
		t.Errorf("the other end is left, %d devices", made.Load()-begin)
	}
	if errno := MakePair(&Spec{a, device.Link{Kind: "veth", Name: "q"}}, &Spec{c, device.Link{Kind: "veth", Name: "r"}}); errno != linux.ENODEV {
		t.Errorf("into a namespace that has ended: %v", errno)
	}
	if n := len(a.Table.Links()); n != 1 || made.Load() != begin {
		t.Errorf("%d interfaces, %d devices", n, made.Load()-begin)
	}
}

// TestBridge lets namespaces talk by a bridge, which learns.
func TestBridge(t *testing.T) {
	hub := newPlace()
	br, errno := Make(&Spec{hub, device.Link{Kind: "bridge", Name: "br", NoCarrier: true}})
	if errno != 0 {
		t.Fatal(errno)
	}
	_, index := br.Where()
	hub.Table.SetFlags(index, linux.IFF_UP, linux.IFF_UP)
	var ends []Place
	for i := range 4 {
		p := newPlace()
		name := fmt.Sprint("p", i)
		pair(t, hub, p, name, "eth0")
		addr(t, p, "eth0", fmt.Sprint("10.0.0.", i+1))
		if errno := Of(hub.link(t, name)).Enslave(br); errno != 0 {
			t.Fatal(errno)
		}
		ends = append(ends, p)
	}
	addr(t, hub, "br", "10.0.0.100")
	for i, p := range ends {
		if !ping(t, p, fmt.Sprint("10.0.0.", (i+1)%4+1)) || !ping(t, p, "10.0.0.100") {
			t.Errorf("%d: no answer", i)
		}
	}
	learned := 0
	for _, s := range br.Stations() {
		if !s.Permanent {
			learned++
		}
	}
	if learned != 4 {
		t.Errorf("%d stations", learned)
	}
	if rx := ends[3].link(t, "eth0").Stats.RxPackets.Load(); rx > 40 {
		t.Errorf("%d frames at an end that had two answers to give", rx)
	}
	if errno := br.Enslave(br); errno == 0 {
		t.Error("a bridge in a bridge")
	}
	for i := range ends {
		End(ends[i].Table)
	}
	if n := len(br.bridge.list()); n != 0 || !hub.link(t, "br").NoCarrier {
		t.Errorf("%d ports of interfaces that are gone", n)
	}
	End(hub.Table)
}

// TestRing joins three bridges in a ring, twice over: a broadcast ends.
func TestRing(t *testing.T) {
	hub := newPlace()
	var bridges []*Device
	for i := range 3 {
		br, errno := Make(&Spec{hub, device.Link{Kind: "bridge", Name: fmt.Sprint("br", i)}})
		if errno != 0 {
			t.Fatal(errno)
		}
		_, index := br.Where()
		hub.Table.SetFlags(index, linux.IFF_UP, linux.IFF_UP)
		bridges = append(bridges, br)
	}
	for i := range 6 {
		x, y := fmt.Sprint("x", i), fmt.Sprint("y", i)
		pair(t, hub, hub, x, y)
		Of(hub.link(t, x)).Enslave(bridges[i%3])
		Of(hub.link(t, y)).Enslave(bridges[(i+1)%3])
	}
	frame := append(make([]byte, vnetSize), 255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 77, 8, 0)
	bridges[0].bridge.send(append(frame, make([]byte, 50)...))
	busy := func() bool {
		for _, l := range hub.Table.Links() {
			if d := Of(&l); d != nil {
				d.backlog.mu.Lock()
				b := d.backlog.busy
				d.backlog.mu.Unlock()
				if b {
					return true
				}
			}
		}
		return false
	}
	for end := time.Now().Add(20 * time.Second); busy(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it goes round for ever")
		}
	}
	End(hub.Table)
}

// TestBounds: interfaces of a namespace, and of all.
func TestBounds(t *testing.T) {
	begin := made.Load()
	p := newPlace()
	n := 1
	for ; n < 5000; n++ {
		if _, errno := Make(&Spec{p, device.Link{Kind: "dummy", Name: fmt.Sprint("d", n)}}); errno != 0 {
			if errno != linux.ENOBUFS {
				t.Error(errno)
			}
			break
		}
	}
	if n != 1024 {
		t.Errorf("%d interfaces", n)
	}
	End(p.Table)
	if made.Load() != begin {
		t.Errorf("%d left", made.Load()-begin)
	}
}

// TestCarrierRace puts both ends up and down at once: in the end they agree.
func TestCarrierRace(t *testing.T) {
	a, b := newPlace(), newPlace()
	pair(t, a, b, "x", "y")
	x, y := a.link(t, "x").Index, b.link(t, "y").Index
	done := make(chan bool)
	for _, e := range []struct {
		p Place
		i int32
	}{{a, x}, {b, y}, {a, x}, {b, y}} {
		go func() {
			for n := range 300 {
				e.p.Table.SetFlags(e.i, uint32(n)&1, linux.IFF_UP)
			}
			done <- true
		}()
	}
	for range 4 {
		<-done
	}
	for _, up := range []uint32{0, 1} {
		a.Table.SetFlags(x, up, linux.IFF_UP)
		b.Table.SetFlags(y, 1, linux.IFF_UP)
		if got := !a.link(t, "x").NoCarrier; got != (up == 1) || got != !b.link(t, "y").NoCarrier || Of(a.link(t, "x")).up.Load() != (up == 1) {
			t.Errorf("up %d: %+v and %+v", up, a.link(t, "x"), b.link(t, "y"))
		}
	}
	End(a.Table)
	End(b.Table)
}

// TestKeep: a frame that waits has nothing that was lent.
func TestKeep(t *testing.T) {
	for _, f := range []frame{
		{head: []byte("headdata"), lent: true},
		{head: []byte("head"), data: [][]byte{[]byte("da"), []byte("ta")}},
		{head: []byte("head"), data: [][]byte{[]byte("data")}, lent: true},
	} {
		kept := f.keep()
		for _, b := range append(f.data, f.head) {
			clear(b)
		}
		if string(kept.head) != "headdata" || kept.data != nil || kept.lent {
			t.Errorf("%q, %q", kept.head, kept.data)
		}
	}
}
