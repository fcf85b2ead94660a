package tcp

import (
	"flag"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/seed-7423c386/runsc/abi/linux"
	"github.com/seed-7423c386/runsc/sentry/net/device"
	"github.com/seed-7423c386/runsc/sentry/net/header"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

var short = flag.Int("short", 20000, "how many short connections TestShortConnections makes, of each kind")

// usage is what may grow with connections.
type usage struct {
	conns, waits, ports, timers, goroutines int
	heap                                    int64
}

func usageOf(tables ...*Table) (u usage) {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // pools give back what they hold only at the second
	runtime.ReadMemStats(&m)
	u.heap, u.goroutines, u.timers = int64(m.HeapAlloc), runtime.NumGoroutine(), tables[0].Stack.Clock.Timers()
	for _, t := range tables {
		u.conns += len(t.conns)
		u.waits += len(t.waits)
		t.ports.All(func(*stack.Binding) { u.ports++ })
	}
	return u
}

// mostGrowth is how much more heap there may be after any number of connections: the maps that were once full.
const mostGrowth = 6 << 20

// compare looks for growth between the end of the first connections and that of all.
func compare(t *testing.T, first, all usage) {
	t.Helper()
	grown := all.heap - first.heap
	t.Logf("first %+v, at the end %+v", first, all)
	if first.heap, all.heap = 0, 0; all != first {
		t.Errorf("%+v became %+v", first, all)
	}
	if all.conns != 0 || all.waits != 0 || all.ports != 1 || all.timers != 0 {
		t.Errorf("left: %+v", all)
	}
	if grown > mostGrowth {
		t.Errorf("%d kB more heap", grown>>10)
	}
}

// TestShortConnections opens connections that carry a byte each way and close, the client first or the server, and
// some that are reset. When TIME_WAIT is over nothing is left of them.
func TestShortConnections(t *testing.T) {
	t.Run("segments", func(t *testing.T) {
		s := newSim(1)
		s.delay = 1e5
		to := netip.AddrPortFrom(s.b.v4, 80)
		l := serveShort(t, s.b.Table, to)
		go1 := func(i int) {
			brief(t, i, s.a.Table, l, to, func(done func() bool) { s.run(t, 10*time.Second, done) })
			if i%1000 == 0 { // fewer than ports, and than may be in TIME_WAIT
				s.run(t, 2*time.Second, func() bool { return false })
			}
		}
		end := func() usage {
			s.run(t, 70*time.Second, func() bool { return false })
			return usageOf(s.a.Table, s.b.Table)
		}
		compareRuns(t, go1, end)
		l.Closed(false)
	})
	t.Run("direct", func(t *testing.T) {
		now := int64(time.Hour)
		clock := stack.NewClock(func() int64 { return now })
		d := device.New()
		d.SetFlags(1, linux.IFF_UP, linux.IFF_UP)
		table := NewTable(stack.NewAt(d, clock))
		to := netip.MustParseAddrPort("127.0.0.1:80")
		l := serveShort(t, table, to)
		go1 := func(i int) {
			brief(t, i, table, l, to, func(func() bool) {})
			now += 1e6
			clock.Run()
		}
		end := func() usage {
			now += 70e9
			clock.Run()
			return usageOf(table)
		}
		compareRuns(t, go1, end)
		l.Closed(false)
	})
}

func compareRuns(t *testing.T, one func(i int), end func() usage) {
	for i := range min(*short/2, 30000) {
		one(i)
	}
	first := end()
	for i := range *short {
		one(i)
	}
	compare(t, first, end())
}

func serveShort(t *testing.T, table *Table, at netip.AddrPort) *Endpoint {
	t.Helper()
	l := table.New(false, &app{}, 0)
	if e := l.Bind(at); e != 0 {
		t.Fatal(e)
	}
	if e := l.Listen(10); e != 0 {
		t.Fatal(e)
	}
	return l
}

// brief is a connection. The i says how it ends.
func brief(t *testing.T, i int, from *Table, l *Endpoint, to netip.AddrPort, run func(done func() bool)) {
	t.Helper()
	c := from.New(false, &app{}, 0)
	if e := c.Connect(to, 0); e != 0 {
		t.Fatal(i, e)
	}
	var d *Endpoint
	accepted := func() bool { d, _ = l.Accept(); return d != nil }
	if run(accepted); d == nil && !accepted() {
		t.Fatalf("connection %d: state %d", i, c.State())
	}
	d.Attach(&app{})
	say := func(a, b *Endpoint) {
		src := usermem.Bytes([]byte{1})
		if _, e := a.Write(&src, false, false); e != 0 {
			t.Fatal(i, e)
		}
		run(func() bool { in, _, _, _ := b.Queued(); return in > 0 })
		var b1 [1]byte
		dst := usermem.Bytes(b1[:])
		r := Recv{Target: 1}
		if e := b.Read(&dst, &r); e != 0 || r.Copied != 1 {
			t.Fatalf("connection %d: read %d, %v", i, r.Copied, e)
		}
	}
	say(c, d)
	if i%5 != 0 {
		say(d, c)
	}
	switch {
	case i%7 == 0: // bytes that nobody reads: a reset
		src := usermem.Bytes([]byte{1})
		c.Write(&src, false, false)
		run(func() bool { in, _, _, _ := d.Queued(); return in > 0 })
		d.Closed(false)
		c.Closed(false)
	case i%2 == 0:
		c.Closed(false)
		run(func() bool { return d.State() == CloseWait })
		d.Closed(false)
	default:
		d.Closed(i%3 == 0)
		run(func() bool { return c.State() == CloseWait || c.State() == Close })
		c.Closed(false)
	}
	run(func() bool { return c.State() == Close && d.State() == Close })
}

// TestSynFlood sends SYNs from everywhere to a listener: what is kept of them is bounded, who is connected stays so, and
// a client that answers gets its connection by a cookie.
func TestSynFlood(t *testing.T) {
	s := newSim(1)
	c, d := s.pair(t, nil)
	s.run(t, time.Second, func() bool { return false })
	to := netip.AddrPortFrom(s.b.v4, 80)
	l := s.b.find(to, netip.AddrPortFrom(s.a.v4, 1))
	before := usageOf(s.b.Table)
	answers := 0
	s.filter = func(b []byte) bool {
		h, _ := tcpOf(b)
		if h.Flags == header.SYN|header.ACK {
			answers++
		}
		return true
	}
	const flood = 100000
	flooding := func(from int) {
		for i := range flood {
			n := from + i
			src := netip.AddrFrom4([4]byte{10, 0, 0, byte(3 + n%250)})
			s.b.Stack.Input(synPacket(src, to, uint16(1024+n/250), uint32(n)), 2, stack.Outside)
			if len(s.queue) > 1000 {
				s.queue = s.queue[:0] // nobody is there for the answers
			}
		}
	}
	flooding(0)
	l.mu.Lock()
	waiting := len(l.syns.of)
	l.mu.Unlock()
	if waiting > maxSyns {
		t.Errorf("%d half-open connections are kept", waiting)
	}
	shown := 0
	s.b.Each(false, func(i Info) {
		if i.State == SynRecv && i.Local == to && i.Remote.Addr().Is4() && i.Endpoint == nil && i.Expires > s.now {
			shown++
		}
	})
	if shown != waiting || shown == 0 {
		t.Errorf("%d half-open connections are shown of %d", shown, waiting)
	}
	if answers != flood {
		t.Errorf("%d answers to %d SYNs", answers, flood)
	}
	during := usageOf(s.b.Table)
	if during.conns != before.conns || during.ports != before.ports || during.heap-before.heap > 4<<20 {
		t.Errorf("%+v became %+v", before, during)
	}
	s.queue = s.queue[:0]
	s.transfer(t, c, d, 100000, 20*time.Second) // who is connected stays so
	flooding(flood)
	s.queue = s.queue[:0]
	n := s.a.New(false, &app{}, 0)
	if e := n.Connect(to, 0); e != 0 {
		t.Fatal(e)
	}
	var m *Endpoint
	s.run(t, 5*time.Second, func() bool { m, _ = l.e.Accept(); return m != nil })
	if m == nil {
		t.Fatalf("no connection in the flood: state %d", n.State())
	}
	m.Attach(&app{})
	s.transfer(t, n, m, 100000, 20*time.Second)
	s.filter = func([]byte) bool { return false }
	s.run(t, 100*time.Second, func() bool { return false })
	l.mu.Lock()
	waiting = len(l.syns.of)
	l.mu.Unlock()
	if waiting != 0 {
		t.Errorf("%d half-open connections are left", waiting)
	}
}

// synPacket is a SYN with the usual options.
func synPacket(src netip.Addr, to netip.AddrPort, port uint16, seq uint32) []byte {
	h := header.TCP{Seq: seq, Flags: header.SYN, Window: 65535, MSS: 1460, SackOK: true, HasWScale: true, WScale: 7}
	seg := h.Append(nil, port, to.Port())
	sum := ^header.Fold(header.Sum(seg, header.Pseudo(src, to.Addr(), linux.IPPROTO_TCP, len(seg))))
	seg[16], seg[17] = byte(sum>>8), byte(sum)
	ip := header.IP{Src: src, Dst: to.Addr(), Proto: linux.IPPROTO_TCP, TTL: 64, DF: true}
	return append(ip.Append(nil, len(seg)), seg...)
}

// mostIdle is what a connection may cost that does nothing, without its socket: the issue wants 6 kB for all of it.
const mostIdle = 2048

// TestIdleConnections holds connections over which something went once: each is cheap, and none has a timer.
func TestIdleConnections(t *testing.T) {
	const n = 10000
	s := newSim(1)
	s.delay = 1e5
	to := netip.AddrPortFrom(s.b.v4, 80)
	l := serveShort(t, s.b.Table, to)
	held := make([]*Endpoint, 0, 2*n)
	owner := &app{} // which costs nothing here
	begin := usageOf(s.a.Table, s.b.Table)
	for range n {
		c := s.a.New(false, owner, 0)
		if e := c.Connect(to, 0); e != 0 {
			t.Fatal(e)
		}
		var d *Endpoint
		if s.run(t, time.Second, func() bool { d, _ = l.Accept(); return d != nil }); d == nil {
			t.Fatal("no connection")
		}
		d.Attach(owner)
		src := usermem.Bytes([]byte("hello"))
		c.Write(&src, false, false)
		s.run(t, time.Second, func() bool { in, _, _, _ := d.Queued(); return in == 5 })
		var b [5]byte
		dst := usermem.Bytes(b[:])
		r := Recv{Target: 1}
		d.Read(&dst, &r)
		held = append(held, c, d)
	}
	s.run(t, 5*time.Second, func() bool { return false })
	u := usageOf(s.a.Table, s.b.Table)
	each := (u.heap - begin.heap) / (2 * n)
	t.Logf("%d bytes for an end of a connection", each)
	if each > mostIdle {
		t.Errorf("%d bytes for an end of a connection", each)
	}
	if u.timers != 0 {
		t.Errorf("%d timers of %d idle connections", u.timers, n)
	}
	runtime.KeepAlive(held)
}
