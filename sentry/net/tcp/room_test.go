package tcp

import (
	"testing"
	"time"
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
