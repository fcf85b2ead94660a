package tcp

import (
	"net/netip"
	"testing"
	"time"

	"github.com/seed-7423c386/runsc/sentry/net/header"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// goodput sends for a time and returns bytes a second of the second half.
func (s *sim) goodput(t *testing.T, c, d *Endpoint, within time.Duration) float64 {
	t.Helper()
	data, buf := make([]byte, 1<<20), make([]byte, 1<<20)
	src, got, half := usermem.Bytes(data), 0, 0
	begin := s.now
	s.run(t, within, func() bool {
		if src.Len() == 0 {
			src = usermem.Bytes(data)
		}
		c.Write(&src, false, false)
		dst, r := usermem.Bytes(buf), Recv{Target: 1}
		d.Read(&dst, &r)
		if got += r.Copied; s.now-begin < int64(within)/2 {
			half = got
		}
		return false
	})
	return float64(got-half) / (within.Seconds() / 2)
}

// TestAlgorithms lets each fill a narrow way, one with loss that does not come from it, and one that reorders.
func TestAlgorithms(t *testing.T) {
	for _, k := range []struct {
		name   string
		loss   float64
		jitter int64
		least  map[string]float64 // of 10 MB a second
	}{
		{"narrow", 0, 0, map[string]float64{"reno": 0.85, "cubic": 0.9, "bbr": 0.85}},
		{"loss", 0.01, 0, map[string]float64{"reno": 0.02, "cubic": 0.03, "bbr": 0.8}},
		{"order", 0, 8e6, map[string]float64{"reno": 0.6, "cubic": 0.6, "bbr": 0.6}},
	} {
		for _, name := range Algorithms() {
			t.Run(k.name+"/"+name, func(t *testing.T) {
				s := newSim(1)
				s.delay, s.rate, s.loss, s.jitter = 20e6, 10<<20, k.loss, k.jitter
				c, d := s.pair(t, func(o *Options) { o.Congestion = name })
				rate := s.goodput(t, c, d, 8*time.Second) / (10 << 20)
				i := c.Info()
				t.Logf("%.2f of the rate; window %d, sent again %d of %d, round trip %d of %d µs", rate, i.SndCwnd, i.TotalRetrans, i.DataSegsOut, i.Rtt, i.MinRtt)
				if rate < k.least[name] {
					t.Errorf("%.3f of the rate", rate)
				}
				if name == "bbr" && k.name == "narrow" && (i.Rtt > 2*i.MinRtt || i.TotalRetrans > i.DataSegsOut/50) {
					t.Errorf("round trip %d of %d µs, sent again %d of %d", i.Rtt, i.MinRtt, i.TotalRetrans, i.DataSegsOut)
				}
			})
		}
	}
}

// TestPacing limits what is sent to a rate.
func TestPacing(t *testing.T) {
	for _, name := range Algorithms() {
		s := newSim(1)
		c, d := s.pair(t, func(o *Options) { o.Congestion, o.MaxPacing = name, 1<<20 })
		begin := s.now
		s.transfer(t, c, d, 4<<20, 10*time.Second)
		if took := time.Duration(s.now - begin); took < 3600*time.Millisecond || took > 4400*time.Millisecond {
			t.Errorf("%s: %v for 4 MB at 1 MB a second", name, took)
		}
	}
}

// TestSwitch changes the algorithm while bytes are on their way.
func TestSwitch(t *testing.T) {
	s := newSim(1)
	s.loss, s.jitter = 0.02, 2e6
	c, d := s.pair(t, nil)
	n := 0
	s.filter = func([]byte) bool {
		if n++; n%50 == 0 {
			name := Algorithms()[n/50%3]
			c.Options.Congestion = name
			c.net.choose(name)
		}
		return true
	}
	s.transfer(t, c, d, 2<<20, 60*time.Second)
}

// mark lets a way mark packets that may be marked, one of n.
func (s *sim) mark(n int) (marked, able, echoes, heard *int) {
	marked, able, echoes, heard = new(int), new(int), new(int), new(int)
	s.filter = func(b []byte) bool {
		h, data := tcpOf(b)
		if h.Flags&header.SYN != 0 {
			return true
		}
		if h.Flags&header.ECE != 0 {
			*echoes++
		}
		if h.Flags&header.CWR != 0 {
			*heard++
		}
		if b[1]&3 == ecnECT0 && len(data) > 0 {
			if *able++; *able%n == 0 {
				*marked++
				b[1] |= ecnCE
				b[10], b[11] = 0, 0
				sum := ^header.Fold(header.Sum(b[:20], 0))
				b[10], b[11] = byte(sum>>8), byte(sum)
			}
		}
		return true
	}
	return
}

// TestECN agrees on it when it is asked for, and lets marks make the window smaller without anything being sent again.
func TestECN(t *testing.T) {
	for _, k := range []struct {
		ours, his int32
		ok        bool
	}{{1, 2, true}, {1, 1, true}, {2, 2, false}, {2, 1, false}, {1, 0, false}, {0, 1, false}} {
		s := newSim(1)
		s.a.Stack.Settings.ECN.Store(k.ours)
		s.b.Stack.Settings.ECN.Store(k.his)
		c, d := s.pair(t, nil)
		s.run(t, time.Second, func() bool { return false })
		if c.net.ecn.ok != k.ok || d.net.ecn.ok != k.ok {
			t.Fatalf("%+v: %v and %v", k, c.net.ecn.ok, d.net.ecn.ok)
		}
		marked, able, echoes, heard := s.mark(100)
		s.transfer(t, c, d, 4<<20, 60*time.Second)
		i := c.Info()
		if !k.ok {
			if *able != 0 {
				t.Errorf("%+v: %d packets may be marked", k, *able)
			}
			continue
		}
		t.Logf("%d of %d marked, %d echoes, heard %d times, window %d", *marked, *able, *echoes, *heard, i.SndCwnd)
		if *marked < 10 || *echoes < *marked || *heard < 5 || *heard > *marked || i.TotalRetrans != 0 || i.SndSsthresh > 1000 || i.DeliveredCe == 0 || i.Options&8 == 0 {
			t.Errorf("%d marked, %d echoes, %d heard; sent again %d, threshold %d, %d delivered with marks, options %x", *marked, *echoes, *heard, i.TotalRetrans, i.SndSsthresh, i.DeliveredCe, i.Options)
		}
		if j := d.Info(); j.Options&16 == 0 {
			t.Errorf("options of the receiver %x", j.Options)
		}
	}
}

// TestPacingDirect limits a connection of one stack to a rate.
func TestPacingDirect(t *testing.T) {
	s := newSim(1)
	to := netip.MustParseAddrPort("127.0.0.1:80")
	l := serveShort(t, s.a.Table, to)
	c := s.a.New(false, &app{}, 0)
	c.Configure(func(o *Options) { o.MaxPacing = 1 << 20 })
	if e := c.Connect(to, 0); e != 0 {
		t.Fatal(e)
	}
	d, _ := l.Accept()
	d.Attach(&app{})
	begin, got := s.now, 0
	src := usermem.Bytes(make([]byte, 4<<20))
	s.run(t, 20*time.Second, func() bool {
		for src.Len() > 0 {
			if _, e := c.Write(&src, false, false); e != 0 {
				break
			}
		}
		got += len(readAll(d))
		return got == 4<<20
	})
	if took := time.Duration(s.now - begin); took < 3600*time.Millisecond || took > 4400*time.Millisecond {
		t.Errorf("%v for 4 MB at 1 MB a second", took)
	}
	c.Closed(false)
	d.Closed(false)
}

// TestWindowLimited counts the time for which the receiver does not read.
func TestWindowLimited(t *testing.T) {
	s := newSim(1)
	c, d := s.pair(t, nil)
	src := usermem.Bytes(make([]byte, 1<<20))
	for range 100 {
		c.Write(&src, false, false)
		s.run(t, 50*time.Millisecond, func() bool { return false })
	}
	got := 0
	s.run(t, 10*time.Second, func() bool { c.Write(&src, false, false); got += len(readAll(d)); return got == 1<<20 })
	s.run(t, time.Second, func() bool { return false })
	i := c.Info()
	if i.RwndLimited < 4.5e6 || i.RwndLimited > i.BusyTime || i.BusyTime > 6e6 {
		t.Errorf("%d µs of %d", i.RwndLimited, i.BusyTime)
	}
}

// TestIdleRestart lets the window become smaller while nothing is sent.
func TestIdleRestart(t *testing.T) {
	for _, off := range []uint32{0, stack.OffIdle} {
		s := newSim(1)
		s.a.Stack.Settings.TCPOff.Store(off)
		c, d := s.pair(t, nil)
		s.goodput(t, c, d, 500*time.Millisecond)
		before := c.Info().SndCwnd
		s.run(t, 20*time.Second, func() bool { readAll(d); return false })
		src := usermem.Bytes([]byte{1})
		c.Write(&src, false, false)
		if after := c.Info().SndCwnd; before <= 100 || off == 0 && after != firstWindow || off != 0 && after < before {
			t.Errorf("off %x: %d segments became %d", off, before, after)
		}
	}
}

// TestOff agrees on no option that either end has switched off.
func TestOff(t *testing.T) {
	for _, off := range []uint32{stack.OffSACK, stack.OffTimestamps, stack.OffScaling, stack.OffSACK | stack.OffTimestamps | stack.OffScaling} {
		for side := range 2 {
			s := newSim(1)
			[]*host{s.a, s.b}[side].Stack.Settings.TCPOff.Store(off)
			c, d := s.pair(t, nil)
			s.run(t, time.Second, func() bool { return false })
			for _, e := range []*Endpoint{c, d} {
				if n := e.net; n.sackOK != (off&stack.OffSACK == 0) || n.ts != (off&stack.OffTimestamps == 0) || (n.rcvScale != 0) != (off&stack.OffScaling == 0) {
					t.Errorf("off %x at %d: %v %v %d", off, side, n.sackOK, n.ts, n.rcvScale)
				}
			}
			s.loss = 0.01
			s.transfer(t, c, d, 1<<20, 60*time.Second)
		}
	}
}
