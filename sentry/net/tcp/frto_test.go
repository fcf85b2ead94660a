package tcp

import (
	"testing"
	"time"

	"github.com/seed-7423c386/runsc/sentry/net/stack"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// plainPair is a connection whose ends know time-outs by nothing but F-RTO: no time stamps, no duplicates told, no probes.
func (s *sim) plainPair(t *testing.T, off uint32) (c, d *Endpoint) {
	off |= stack.OffTimestamps | stack.OffDSACK | stack.OffProbes
	s.a.Stack.Settings.TCPOff.Store(off)
	s.b.Stack.Settings.TCPOff.Store(off)
	s.delay = 20e6
	c, d = s.pair(t, nil)
	s.run(t, time.Second, func() bool { return false })
	return c, d
}

// TestSpurious delays everything for once: that nothing was lost is known by what was sent before the time-out having arrived, the window
// is what it was and nothing else is sent again (RFC 5682). Without F-RTO all of it is.
func TestSpurious(t *testing.T) {
	for _, sack := range []uint32{0, stack.OffSACK} {
		var again [2]uint32
		for i, off := range []uint32{0, stack.OffFRTO} {
			s := newSim(1)
			c, d := s.plainPair(t, sack|off)
			window := c.net.cc.cwnd
			s.delay = 300e6
			total := 40 * c.net.mss
			src := usermem.Bytes(make([]byte, total))
			c.Write(&src, false, false)
			s.run(t, 10*time.Second, func() bool { readAll(d); return false })
			n, counted := c.net, s.a.Counters.SpuriousRTOs.Load()
			again[i] = n.retrans
			if n.nxt != n.una || off == 0 && n.rec.state != caOpen {
				t.Fatalf("off %#x: it is not over: state %d", sack|off, n.rec.state)
			}
			if off == 0 && (counted != 1 || n.cc.cwnd < window || n.cc.ssthresh != noThreshold || int(n.retrans) != int(n.rec.timeouts)) {
				t.Errorf("sack off %#x: %d known to be wrong of %d time-outs, window %d was %d, threshold %d, %d sent again", sack, counted, n.rec.timeouts, n.cc.cwnd, window, n.cc.ssthresh, n.retrans)
			}
			if off != 0 && counted != 0 {
				t.Errorf("switched off: %d", counted)
			}
		}
		if again[1] <= again[0] {
			t.Errorf("sack off %#x: %d segments were sent again, %d without it", sack, again[0], again[1])
		}
	}
}

// TestRealTimeout loses the end of a flight: what is sent after the time-out does not make it look as if nothing had been lost.
func TestRealTimeout(t *testing.T) {
	for _, sack := range []uint32{0, stack.OffSACK} {
		for lose := 1; lose < 10; lose++ {
			s := newSim(1)
			c, d := s.plainPair(t, sack)
			mss, base, got := c.net.mss, c.net.nxt, 0
			s.filter = func(b []byte) bool {
				h, data := s.toServer(b)
				first := int(h.Seq-base) / mss
				return len(data) == 0 || first < 10-lose || first >= 10 || c.net.rec.timeouts > 0
			}
			src := usermem.Bytes(make([]byte, 10*mss))
			c.Write(&src, false, false)
			began := s.now
			s.run(t, 100*time.Millisecond, func() bool { got += len(readAll(d)); return false })
			more := usermem.Bytes(make([]byte, 100*mss)) // new data that could go
			ok := s.run(t, 20*time.Second, func() bool { c.Write(&more, false, false); got += len(readAll(d)); return got == 110*mss })
			if took := time.Duration(s.now - began); !ok || took > 3*time.Second || s.a.Counters.SpuriousRTOs.Load() != 0 {
				t.Errorf("sack off %#x, %d lost: %d of %d bytes in %v, %d time-outs, %d taken for wrong", sack, lose, got, 110*mss, took, c.net.rec.timeouts, s.a.Counters.SpuriousRTOs.Load())
			}
		}
	}
}
