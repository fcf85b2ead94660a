package link

import (
	"testing"
	"time"

	"github.com/seed-7423c386/runsc/sentry/net/stack"
)

// TestShaper offers ten times what may go out, in virtual time: what does is the rate.
func TestShaper(t *testing.T) {
	for _, bits := range []uint64{64e3, 1e6, 100e6, 500e6} {
		now := int64(time.Hour)
		clock := stack.NewClock(func() int64 { return now })
		sent, late := 0, 0
		s := newShaper(clock, bits, func(f frame) { sent += f.size() })
		seconds := 1 + int(10e6/bits)
		each := int64(1500 * 8e9 / float64(10*bits))
		size := 1500
		next := now
		for end := now + int64(seconds)*1e9; now < end; {
			if at := clock.Next(); at != 0 && at <= next {
				now = max(now, at)
				clock.Run()
				continue
			}
			now = next
			if !s.put(frame{head: make([]byte, vnetSize+size)}) {
				late++
			}
			next += each
		}
		want := float64(int(bits)/8*seconds) + float64(s.bucket.burst)
		if got := float64(sent); got < 0.99*want-2*float64(size) || got > 1.01*want+2*float64(size) {
			t.Errorf("%d bits a second: %.0f bytes in %d s, want %.0f", bits, got, seconds, want)
		}
		if late == 0 || s.bytes > s.limit {
			t.Errorf("%d bits a second: %d lost, %d bytes wait", bits, late, s.bytes)
		}
	}
}

// TestGate takes all there is whenever the gate is open.
func TestGate(t *testing.T) {
	now, open := int64(time.Hour), true
	clock := stack.NewClock(func() int64 { return now })
	g := newGate(clock, 10e6, func() { open = true })
	got := 0
	for end := now + 20e9; now < end; {
		if open = !g.shut(); open {
			g.bucket.take(1500)
			got += 1500
			continue
		}
		now = max(now+1, clock.Next())
		clock.Run()
		if !open {
			t.Fatal("it did not open")
		}
	}
	if want := 10e6/8*20 + float64(g.bucket.burst); float64(got) < 0.99*want || float64(got) > 1.01*want {
		t.Errorf("%d bytes, want %.0f", got, want)
	}
}
