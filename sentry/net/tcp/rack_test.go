package tcp

import (
	"testing"
	"time"

	"github.com/seed-7423c386/runsc/sentry/net/header"
	"github.com/seed-7423c386/runsc/sentry/net/stack"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// sound looks whether the counts of what is on its way are those of the records.
func (s *segments) sound(t *testing.T) {
	t.Helper()
	sacked, lost, again := 0, 0, 0
	at := s.una
	for _, r := range s.fl.live() {
		n := int(r.end - at)
		if n <= 0 {
			t.Fatalf("a record from %d to %d", at, r.end)
		}
		if r.mark&markSacked != 0 {
			sacked += n
		}
		if r.mark&markLost != 0 {
			lost += n
		}
		if r.mark&markAgain != 0 {
			again += n
		}
		at = r.end
	}
	if sacked != s.fl.sacked || lost != s.fl.lost || again != s.fl.again || s.synAcked && at != s.nxt {
		t.Fatalf("%d sacked, %d lost, %d again, up to %d; not %d, %d, %d, %d", s.fl.sacked, s.fl.lost, s.fl.again, s.nxt, sacked, lost, again, at)
	}
}

// TestCounts looks at the counts all the time over a bad link.
func TestCounts(t *testing.T) {
	for seed := range int64(5) {
		s := newSim(seed)
		c, d := s.pair(t, nil)
		s.loss, s.dup, s.jitter = 0.05, 0.02, 8e6
		s.filter = func([]byte) bool { c.net.sound(t); return true }
		s.transfer(t, c, d, 1<<20, 120*time.Second)
	}
}

// toServer counts data that goes from a to b.
func (s *sim) toServer(b []byte) (h header.TCP, data []byte) {
	ip, _, _ := header.ParseIPv4(b)
	if h, data = tcpOf(b); ip.Src != s.a.v4 {
		return h, nil
	}
	return h, data
}

// TestReordered: a way that reorders makes nothing be sent again, once it is known to.
func TestReordered(t *testing.T) {
	for seed := range int64(10) {
		s := newSim(seed)
		s.delay, s.jitter = 20e6, 4e6
		c, d := s.pair(t, nil)
		src, got := usermem.Bytes(make([]byte, 6<<20)), 0
		buf := make([]byte, 65536)
		pump := func(n int) func() bool {
			return func() bool {
				c.Write(&src, false, false)
				dst, r := usermem.Bytes(buf), Recv{Target: 1}
				d.Read(&dst, &r)
				got += r.Copied
				return got >= n
			}
		}
		if !s.run(t, 10*time.Second, pump(1<<20)) {
			t.Fatalf("%d bytes", got)
		}
		learned := c.net.retrans
		if !s.run(t, 30*time.Second, pump(6<<20)) {
			t.Fatalf("%d bytes", got)
		}
		if again := c.net.retrans - learned; again != 0 || learned > 40 || c.net.rack.seen == 0 {
			t.Errorf("%d segments were sent again, %d before; reordering %d, seen %d", again, learned, c.net.rack.reordering, c.net.rack.seen)
		}
	}
}

// TestTail loses the end of what is sent: a probe brings it about that it is sent again, not a time-out.
func TestTail(t *testing.T) {
	for lose := 1; lose <= 5; lose++ {
		s := newSim(1)
		s.delay = 20e6
		c, d := s.pair(t, nil)
		s.run(t, time.Second, func() bool { return false })
		n, first := 0, s.now
		s.filter = func(b []byte) bool {
			if _, data := s.toServer(b); len(data) == 0 {
				return true
			}
			n++
			return n <= 8-lose || n > 8
		}
		src := usermem.Bytes(make([]byte, 8*c.net.mss))
		c.Write(&src, false, false)
		s.run(t, 5*time.Second, func() bool { return d.rcv.n == 8*c.net.mss })
		took := time.Duration(s.now - first)
		t.Logf("%d lost: %v", lose, took)
		if d.rcv.n != 8*c.net.mss || c.net.rec.timeouts != 0 || c.net.rack.probes != 1 || s.a.Counters.LossProbes.Load() != 1 || s.a.Counters.Timeouts.Load() != 0 || took > 350*time.Millisecond {
			t.Errorf("%d lost: %d bytes came in %v, %d probes, %d time-outs", lose, d.rcv.n, took, c.net.rack.probes, c.net.rec.timeouts)
		}
	}
}

// TestProbeForNothing: a probe of something whose acknowledgement was lost does not make the window smaller.
func TestProbeForNothing(t *testing.T) {
	s := newSim(1)
	s.delay = 20e6
	c, d := s.pair(t, nil)
	s.run(t, time.Second, func() bool { return false })
	lost := 0
	s.filter = func(b []byte) bool {
		ip, _, _ := header.ParseIPv4(b)
		if ip.Src == s.b.v4 && lost < 8 {
			lost++
			return false
		}
		return true
	}
	before := c.net.cc.cwnd
	src := usermem.Bytes(make([]byte, 8*c.net.mss))
	c.Write(&src, false, false)
	s.run(t, 2*time.Second, func() bool { return false })
	if c.net.rack.probes != 1 || c.net.rec.timeouts != 0 || c.net.cc.cwnd < before || c.net.nxt != c.net.una || d.rcv.n != 8*c.net.mss {
		t.Errorf("%d probes, %d time-outs, window %d, was %d", c.net.rack.probes, c.net.rec.timeouts, c.net.cc.cwnd, before)
	}
}

// TestLostAgain loses a segment three times: what is sent again and lost is found by what was sent after it.
func TestLostAgain(t *testing.T) {
	s := newSim(1)
	s.delay = 20e6
	c, d := s.pair(t, nil)
	s.run(t, time.Second, func() bool { return false })
	victim, times := c.net.nxt+uint32(20*c.net.mss), 0
	s.filter = func(b []byte) bool {
		if h, data := s.toServer(b); len(data) > 0 && h.Seq == victim && times < 3 {
			times++
			return false
		}
		return true
	}
	s.transfer(t, c, d, 1<<20, 10*time.Second)
	if c.net.rec.timeouts != 0 || times != 3 {
		t.Errorf("%d time-outs, lost %d times", c.net.rec.timeouts, times)
	}
}

// TestUndo delays everything for once: the time-out turns out to have been wrong, and the window is what it was.
func TestUndo(t *testing.T) {
	s := newSim(1)
	s.delay = 20e6
	c, d := s.pair(t, nil)
	s.run(t, time.Second, func() bool { return false })
	before := c.net.cc.cwnd
	s.delay = 600e6
	src := usermem.Bytes(make([]byte, 8*c.net.mss))
	c.Write(&src, false, false)
	s.run(t, 100*time.Millisecond, func() bool { return false })
	s.run(t, 5*time.Second, func() bool { return false })
	if n := c.net; n.rec.timeouts == 0 || s.a.Counters.LossUndo.Load()+s.a.Counters.FullUndo.Load() == 0 || n.cc.cwnd < before || n.cc.ssthresh != noThreshold || n.rec.state != caOpen || d.rcv.n != 8*n.mss {
		t.Errorf("%d time-outs, window %d was %d, threshold %d, state %d", n.rec.timeouts, n.cc.cwnd, before, n.cc.ssthresh, n.rec.state)
	}
}

// TestNoSack lets a connection without SACK go over a bad link.
func TestNoSack(t *testing.T) {
	for seed := range int64(5) {
		s := newSim(seed)
		s.filter = func(b []byte) bool {
			if h, _ := tcpOf(b); h.Flags&header.SYN != 0 {
				for i := 40; i+1 < len(b); i++ { // SACK permitted, before the time stamp
					if b[i] == 4 && b[i+1] == 2 {
						b[i], b[i+1] = 1, 1
						break
					}
				}
				fixSum(b)
			}
			return true
		}
		c, d := s.pair(t, nil)
		if c.net.sackOK || d.net.sackOK {
			t.Fatal("SACK is there")
		}
		s.filter = func([]byte) bool { c.net.sound(t); return true }
		s.loss = 0.02
		s.transfer(t, c, d, 1<<20, 120*time.Second)
	}
}

// TestTiny writes single bytes that nobody acknowledges: what is kept of them is bounded.
func TestTiny(t *testing.T) {
	s := newSim(1)
	c, d := s.pair(t, func(o *Options) { o.NoDelay = true })
	s.goodput(t, c, d, 500*time.Millisecond)
	s.run(t, 2*time.Second, func() bool { readAll(d); return false })
	s.a.Stack.Settings.TCPOff.Store(stack.OffIdle)
	s.filter = func(b []byte) bool { ip, _, _ := header.ParseIPv4(b); return ip.Src == s.a.v4 }
	n := 0
	for range 20000 {
		src := usermem.Bytes([]byte{1})
		if k, _ := c.Write(&src, false, false); k == 1 {
			n++
		}
		if len(c.net.fl.live()) > mostSent {
			t.Fatalf("%d records", len(c.net.fl.live()))
		}
	}
	s.filter = nil
	s.run(t, 20*time.Second, func() bool { n -= len(readAll(d)); return n == 0 })
	c.net.sound(t)
	if n != 0 {
		t.Errorf("%d bytes have not come", n)
	}
}
