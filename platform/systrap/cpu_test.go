package systrap

import "testing"

// TestStubSpin: a stub that answers several calls itself before each of the kernel's does not look for the answer to that, until it answers
// fewer.
func TestStubSpin(t *testing.T) {
	var l placing
	for _, c := range []struct {
		calls, answered int
		looks           bool
	}{
		{100, 0, true}, {1000, 1, true}, {1000, 2, true}, {1, 10, true}, {1, 10, false}, {1000, 100, false}, {1000, 1, true}, {1000, 3, false}, {1000, 0, true},
	} {
		var looks uint32
		for range c.calls {
			looks = l.stubSpin(c.answered, 1000)
		}
		if want := map[bool]uint32{true: 1000, false: 1}[c.looks]; looks != want {
			t.Errorf("%d calls with %d answered: %d looks, not %d", c.calls, c.answered, looks, want)
		}
	}
}
