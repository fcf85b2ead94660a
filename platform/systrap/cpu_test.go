package systrap

import (
	"testing"
	"time"

	"github.com/seed-7423c386/runsc/platform/handoff"
)

// TestStubSpin: a stub that has looked in vain looks less, until a call is short again.
func TestStubSpin(t *testing.T) {
	const looks = 1 << 10
	plat(t) // knows the counter
	var l placing
	a := new(area)
	call := func(took time.Duration, slept bool) uint32 {
		a.waits.Store(0)
		if slept {
			a.waits.Store(1)
		}
		l.trapped = handoff.Counter() - handoff.Ticks(took)
		return l.stubSpin(a, looks)
	}
	for i, c := range []struct {
		took  time.Duration
		slept bool
		want  uint32
	}{
		{time.Microsecond, false, looks},
		{time.Millisecond, true, looks >> 2},
		{time.Millisecond, true, looks >> 4},
		{10 * time.Microsecond, false, looks >> 4},
		{time.Millisecond, true, looks >> 6},
		{time.Millisecond, true, looks >> 6},
		{0, true, looks},
		{0, false, looks},
	} {
		if got := call(c.took, c.slept); got != c.want {
			t.Errorf("call %d, of %v: %d looks, not %d", i, c.took, got, c.want)
		}
	}
}
