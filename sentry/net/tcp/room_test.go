package tcp

import (
	"testing"
	"time"

	"github.com/seed-7423c386/runsc/sentry/net/header"
	"github.com/seed-7423c386/runsc/sentry/usermem"
)

// TestRoom lets a receive queue grow as far as the way to the peer is long.
func TestRoom(t *testing.T) {
	for _, k := range []struct {
		delay       time.Duration
		least, most int
	}{
		{50 * time.Microsecond, firstRoom, nearRoom},
		{50 * time.Millisecond, 2 * nearRoom, mostRoom},
	} {
		s := newSim(1)
		s.delay = int64(k.delay)
		c, d := s.pair(t, nil)
		s.transfer(t, c, d, 16<<20, 60*time.Second)
		if d.net.room < k.least || d.net.room > k.most {
			t.Errorf("%v away: room for %d bytes, not %d to %d; answers take %d ms", k.delay, d.net.room, k.least, k.most, d.net.echo)
		}
	}
}

// TestUpdates reads in small pieces from a queue that is full: the peer is told of a window that has doubled, not of each
// piece.
func TestUpdates(t *testing.T) {
	s := newSim(2)
	s.delay = 50e3
	c, d := s.pair(t, nil)
	const all = 8 << 20
	src := usermem.Bytes(make([]byte, all))
	acks, got, pieces := 0, 0, 0
	s.filter = func(b []byte) bool {
		if h, _, ok := header.ParseIPv4(b); ok && h.Src == s.b.v4 {
			acks++
		}
		return true
	}
	buf := make([]byte, 4096)
	for idle := 0; got < all && idle < 1000; {
		c.Write(&src, false, false)
		s.run(t, 200*time.Microsecond, func() bool { return false }) // the queue fills faster than it is read
		for range 4 {
			dst := usermem.Bytes(buf)
			r := Recv{Target: 1}
			d.Read(&dst, &r)
			got += r.Copied
			if pieces++; r.Copied == 0 {
				idle++
			}
		}
	}
	t.Logf("%d acknowledgements for %d segments and %d reads", acks, all/c.net.mss, pieces)
	if got != all || acks > all/c.net.mss*3/4 {
		t.Errorf("%d bytes of %d, %d acknowledgements for %d segments", got, all, acks, all/c.net.mss)
	}
}
