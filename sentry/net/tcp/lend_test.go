package tcp

import (
	"testing"
	"time"

	"github.com/seed-7423c386/runsc/sentry/net/header"
)

// TestPostedThenClosed: what was posted and waits goes out with the end that follows, in one segment; before a reset, in one
// of its own.
func TestPostedThenClosed(t *testing.T) {
	for _, c := range []struct {
		what         string
		unread       bool
		segments     int
		flags, ended uint8
	}{
		{"closed", false, 1, header.FIN | header.PSH | header.ACK, header.FIN},
		{"closed with bytes that nobody has read", true, 2, header.RST | header.ACK, header.RST},
	} {
		s := newSim(7)
		a, b := s.pair(t, nil)
		if c.unread {
			b.lock()
			b.putLocked([]byte("unread"))
			b.transmit()
			b.unlock()
			s.run(t, time.Second, func() bool { in, _, _, _ := a.Queued(); return in > 0 })
		}
		var got string
		var segments int
		var last uint8
		s.filter = func(p []byte) bool {
			if ip, _, _ := header.ParseIPv4(p); ip.Src == s.a.v4 {
				h, data := tcpOf(p)
				got, segments, last = got+string(data), segments+1, h.Flags
			}
			return true
		}
		a.Posted([]byte("hello "), true)
		a.Posted([]byte("world"), true)
		if segments != 0 {
			t.Errorf("%s: %q was sent before", c.what, got)
		}
		a.Closed(false)
		a.Posted(nil, false)
		if got != "hello world" || segments != c.segments || last&c.flags != c.flags || last&c.ended == 0 {
			t.Errorf("%s: %q in %d segments, the last with %#x", c.what, got, segments, last)
		}
	}
}
